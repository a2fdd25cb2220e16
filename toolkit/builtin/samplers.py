"""Samplers: which training rows an epoch sees, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
