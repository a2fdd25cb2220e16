"""Deals groups to folds so that the classes stay balanced.

The algorithm, and every fold that it gives, is that of scikit-learn's `StratifiedGroupKFold` with
`shuffle=True`. That one holds a number for each group and class, 8 GB for a million groups and a
thousand classes, and looks at every class for every group; this one, at those that a group has.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from toolkit.contracts import Ints

_AT_ONCE = 1 << 22  # numbers of groups x classes that are spread out at once

Doubles = npt.NDArray[np.float64]


def deal_groups(labels: Ints, groups: Ints, folds: int, seed: int) -> Ints:
    """The fold of each row `(n,)`; rows of a group share theirs.

    The largest and most one-sided groups are dealt first, each to the fold where the shares of
    the classes then differ least between folds.
    """
    _, label, of_class = np.unique(labels, return_inverse=True, return_counts=True)
    _, group = np.unique(groups, return_inverse=True)
    places = np.arange(int(group.max()) + 1)
    np.random.RandomState(seed).shuffle(places)
    place = np.empty_like(places)
    place[places] = np.arange(len(places))
    group = place[group]
    # The classes of each group and their counts, one group behind the other.
    cells, counts = np.unique(group * len(of_class) + label, return_counts=True)
    classes = cells % len(of_class)
    starts = np.searchsorted(cells // len(of_class), np.arange(len(places) + 1))
    # Stable, so that groups alike stay in their shuffled order.
    order = np.argsort(-_spread(classes, counts, starts, len(of_class)), kind="stable")
    balance = _Balance(of_class, folds)
    fold_of_group = np.empty(len(places), dtype=np.int64)
    bounds = starts.tolist()
    for one in order.tolist():
        own = slice(bounds[one], bounds[one + 1])
        fold_of_group[one] = balance.add(classes[own], counts[own])
    fold: Ints = fold_of_group[group]
    return fold


def _spread(classes: Ints, counts: Ints, starts: Ints, width: int) -> Doubles:
    """Standard deviation of each group's counts over all classes."""
    spread = np.empty(len(starts) - 1)
    size = max(2, _AT_ONCE // width)
    for first in range(0, len(spread), size):
        last = min(first + size, len(spread))
        own = slice(starts[first], starts[last])
        dense = np.zeros((last - first, width))
        row = np.repeat(np.arange(last - first), np.diff(starts[first : last + 1]))
        dense[row, classes[own]] = counts[own]
        spread[first:last] = np.std(dense, axis=1)
    return spread


class _Balance:
    """The folds so far, and how much the shares of each class differ between them."""

    def __init__(self, of_class: Ints, folds: int) -> None:
        self.of_class = of_class
        self.counts = np.zeros((folds, len(of_class)))
        self.rows = np.zeros(folds)
        self.extra = np.eye(folds)[:, :, None]  # (candidate, fold, 1)
        self.deviation = np.zeros((folds, len(of_class)))  # the same row for each candidate

    def add(self, classes: Ints, counts: Ints) -> int:
        """Add a group to the best fold; returns which."""
        shares = (self.counts[:, classes] + self.extra * counts) / self.of_class[classes]
        deviation = _deviation(shares)  # (candidate, k)
        self.deviation[:, classes] = deviation
        best = self._best(self.deviation.mean(axis=1).tolist())
        self.deviation[:, classes] = deviation[best]
        self.counts[best, classes] += counts
        self.rows[best] += counts.sum()
        return best

    def _best(self, means: list[float]) -> int:
        """The candidate with the least difference, the emptier one of two that are as good."""
        best, least, fewest = 0, np.inf, np.inf
        for fold, mean in enumerate(means):
            close = abs(mean - least) <= 1e-8 + 1e-5 * least < np.inf  # as `np.isclose` has it
            if mean < least or (close and self.rows[fold] < fewest):
                best, least, fewest = fold, mean, self.rows[fold]
        return best


def _deviation(shares: Doubles) -> Doubles:
    """Standard deviation over folds `(candidates, k)`, of `(candidates, folds, k)`.

    Folds are added one by one: `np.std` adds in another order where k is 1, and one bit decides
    between two folds that are as good.
    """
    folds = shares.shape[1]
    off = shares - (_sum(shares) / folds)[:, None]
    deviation: Doubles = np.sqrt(_sum(off * off) / folds)
    return deviation


def _sum(values: Doubles) -> Doubles:
    total = values[:, 0]
    for fold in range(1, values.shape[1]):
        total = total + values[:, fold]
    return total
