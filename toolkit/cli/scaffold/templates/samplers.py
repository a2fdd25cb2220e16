"""Samplers: which training rows an epoch sees, as row weights or as a function of `rng`.

A factory that names `groups` or `parents` behind `labels`, before the `/`, gets those of each row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from toolkit.contracts import Ints, RowOrder

if TYPE_CHECKING:
    import numpy as np


def at_least(
    labels: Ints,
    /,
    *,
    rows: Annotated[int, Field(ge=1, description="rows of each class in an epoch")] = 20,
) -> RowOrder:
    """Every row once an epoch, and rare classes again until they have `rows` rows."""
    import numpy as np

    found, counts = np.unique(labels, return_counts=True)

    def order(rng: np.random.Generator) -> Ints:
        again = [
            rng.choice(np.flatnonzero(labels == label), rows - count)
            for label, count in zip(found, counts, strict=True)
            if count < rows
        ]
        return rng.permutation(np.concatenate([np.arange(len(labels)), *again]))

    return order
