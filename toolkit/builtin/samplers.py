"""Samplers: which training rows an epoch sees, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

if TYPE_CHECKING:
    import numpy as np

    from toolkit.contracts import Floats, Ints, RowOrder


def shuffle(labels: Ints, /) -> RowOrder:
    """Every row once an epoch, in a new random order."""
    rows = len(labels)

    def order(rng: np.random.Generator) -> Ints:
        return rng.permutation(rows)

    return order


def balanced(
    labels: Ints,
    /,
    *,
    strength: Annotated[
        float, Field(ge=0, le=1, description="0 as the data is, 1 all classes equally often")
    ] = 1.0,
) -> Floats:
    """Row weights `count ** -strength`: as many draws an epoch as rows, with replacement."""
    import numpy as np

    counts = np.bincount(labels).astype(np.float64)
    weights: Floats = (counts[labels] ** -strength).astype(np.float32)
    return weights


def power(
    labels: Ints,
    /,
    *,
    a: Annotated[
        float, Field(ge=0, le=2, description="0 as the data is, 1 all classes equally often")
    ] = 0.5,
) -> Floats:
    """Row weights `count ** -a`, with replacement; above 1, rare classes lead."""
    import numpy as np

    counts = np.bincount(labels).astype(np.float64)
    weights: Floats = ((counts[labels] / counts.max()) ** -a).astype(np.float32)
    return weights


def oversample(
    labels: Ints,
    /,
    *,
    to: Annotated[
        Literal["largest"] | Annotated[int, Field(ge=1)],
        Field(description="rows of each class that an epoch sees; largest: of the largest class"),
    ] = "largest",
) -> RowOrder:
    """Every row at least once an epoch, and of classes with fewer rows than `to` as many more, each
    row as often as another or once more. A larger class stays as it is."""
    import numpy as np

    counts = np.bincount(labels)
    wanted = int(counts.max()) if to == "largest" else to
    members = [np.flatnonzero(labels == label) for label in np.flatnonzero(counts)]

    def order(rng: np.random.Generator) -> Ints:
        parts = []
        for rows in members:
            whole, rest = divmod(max(wanted, len(rows)), len(rows))
            parts += [np.tile(rows, whole), rng.choice(rows, rest, replace=False)]
        return rng.permutation(np.concatenate(parts))

    return order
