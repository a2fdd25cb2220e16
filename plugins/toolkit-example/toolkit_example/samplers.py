"""Samplers: the rows of an epoch, drawn with the host's generator; or row weights `(n,)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from toolkit.contracts import Floats, Ints, RowOrder, Texts

if TYPE_CHECKING:
    import numpy as np


def capped(
    labels: Ints,
    /,
    *,
    rows: Annotated[int, Field(ge=1, description="most rows of a class in an epoch")] = 50,
) -> RowOrder:
    """Random under-sampling: at most `rows` rows of each class, others every epoch."""
    import numpy as np

    def order(rng: np.random.Generator) -> Ints:
        shuffled = rng.permutation(len(labels))
        chosen = [shuffled[labels[shuffled] == label][:rows] for label in np.unique(labels)]
        return rng.permutation(np.concatenate(chosen))

    return order


def even_groups(
    labels: Ints,
    groups: Texts,
    /,
    *,
    strength: Annotated[
        float, Field(ge=0, le=1, description="0 as the data is, 1 all groups equally often")
    ] = 1.0,
) -> Floats:
    """Row weights that make groups (sites, scanners, authors) equally likely."""
    import numpy as np

    _, own, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights: Floats = (counts[own].astype(np.float64) ** -strength).astype(np.float32)
    return weights
