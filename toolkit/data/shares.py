"""How many copies each training original gets: a number for all, or what its class lacks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from toolkit.contracts import Ints
from toolkit.recipe.offline import Offline


def copies_each(labels: Ints, original: npt.NDArray[np.bool_], offline: Offline) -> Ints:
    """Copies of each training row of a fold, `(n,)`; none of rows that were made from others.

    Args:
        labels: of the fold's training rows `(n,)`.
        original: whether a row is one `(n,)`.
    """
    found = np.where(original, offline.copies, 0).astype(np.int64)
    if offline.balance_to is None:
        return found
    for label in np.unique(labels[original]):
        rows = np.flatnonzero(original & (labels == label))
        count = len(rows)
        others = int(np.count_nonzero(labels == label)) - count
        replaces = offline.mode == "replace"
        lacking = offline.balance_to - others - (0 if replaces else count)
        each, rest = divmod(max(lacking, count if replaces else 0), count)
        found[rows] = each
        # Those that get one more lie evenly among the others: neighbours are often alike.
        found[rows[np.arange(rest) * count // max(rest, 1)]] += 1
    return found


def rows_that_train(original: npt.NDArray[np.bool_], copies: Ints, offline: Offline) -> Ints:
    """How often each of a fold's rows trains in one form or another, `(n,)`: itself, where it
    stays, and its copies."""
    stays = ~original if offline.mode == "replace" else np.ones_like(original)
    return copies + stays
