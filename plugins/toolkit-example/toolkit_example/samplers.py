"""A sampler: the rows of an epoch, drawn with the host's generator; or row weights `(n,)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from toolkit.contracts import Ints, RowOrder

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
