"""Average thresholded confidence: a model's accuracy on images without labels.

Garg, Balakrishnan, Lipton, Neyshabur and Sedghi, "Leveraging Unlabeled Data to Predict
Out-of-Distribution Performance", ICLR 2022, arXiv:2201.04234: the threshold t is where the share of
calibration rows less sure than t equals the share that was read wrong; the accuracy on other images
is the share of them that is at least as sure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.contracts import Floats, Ints
from toolkit.score.counts import Numbers

Confidence = Callable[[Floats], Numbers]
"""How sure each row `(n,)` of probabilities `(n, C)` is: more is surer."""

PRIOR_ROWS = 5.0
"""Calibration rows that the threshold of all classes counts for beside a class's own: below it, a
class's threshold is the chance of few rows."""

_SMALLEST = 1e-20


def negative_entropy(probabilities: Floats) -> Numbers:
    """Sum of p log p: 0 is certain. The paper's choice among the two (ATC-NE)."""
    p = probabilities.astype(np.float64)
    found: Numbers = (p * np.log(np.maximum(p, _SMALLEST))).sum(axis=1)
    return found


def largest(probabilities: Floats) -> Numbers:
    """The largest probability (the paper's ATC-MC)."""
    found: Numbers = probabilities.max(axis=1).astype(np.float64)
    return found


@dataclass(frozen=True)
class Sorted:
    """Calibration rows `(n,)` by group, and in a group by how sure the model is of them."""

    order: Ints
    group: Ints
    score: Numbers
    wrong: Numbers
    """1 for a row that was read wrong."""
    start: Ints
    """First row of each group `(G,)`."""
    rows: Ints
    """Rows of each group `(G,)`."""


@dataclass(frozen=True)
class Calibration:
    """One model's labelled rows, which it did not train on."""

    score: Numbers
    right: npt.NDArray[np.bool_]
    predicted: Ints
    """Class that each row was read as."""
    together: Sorted
    """In one group."""
    by_class: Sorted
    """In a group for each class that rows are read as."""
    classes: int


def calibration_of(
    probabilities: Floats, truth: Ints, confidence: Confidence = negative_entropy
) -> Calibration:
    """Labelled rows `(n, C)` with their labels `(n,)`."""
    score, predicted = confidence(probabilities), probabilities.argmax(axis=1)
    right, classes = predicted == truth, probabilities.shape[1]
    return Calibration(
        score,
        right,
        predicted,
        _sorted(score, right, np.zeros_like(predicted), 1),
        _sorted(score, right, predicted, classes),
        classes,
    )


def _sorted(score: Numbers, right: npt.NDArray[np.bool_], group: Ints, groups: int) -> Sorted:
    order = np.lexsort((score, group))
    rows = np.bincount(group, minlength=groups)
    start = np.concatenate([[0], np.cumsum(rows)[:-1]])
    return Sorted(
        order, group[order], score[order], (~right[order]).astype(np.float64), start, rows
    )


@dataclass(frozen=True)
class Threshold:
    """Rows above `at` count as right, rows below as wrong. Rows at it count by `share`, such that
    the calibration rows give their own accuracy to the last digit, however many of them tie (a
    model that is certain of everything ties everywhere)."""

    at: Numbers
    """`(1,)` for all classes together, or `(C,)`."""
    share: Numbers

    def right(self, score: Numbers, group: Ints) -> Numbers:
        """How much each row `(n,)` of a group counts as right, from 0 to 1."""
        at, share = self.at[group], self.share[group]
        found: Numbers = np.where(score == at, share, (score > at).astype(np.float64))
        return found


def threshold(found: Sorted, weights: Numbers) -> Threshold:
    """The threshold of each group of weighted calibration rows; weights `(n,)` stand in the order
    of the rows before they were sorted. A group without rows has that of a model that is never
    right."""
    groups, group, weight = len(found.rows), found.group, weights[found.order]
    wrong = np.bincount(group, weight * found.wrong, minlength=groups)
    whole = np.concatenate([[0.0], np.cumsum(weight)])
    below = whole[1:] - whole[found.start][group]  # mass of the group up to and with the row
    # The row at which the mass that was read wrong is used up; rounding must not step over it.
    used = np.bincount(group, below <= wrong[group] + 1e-9, minlength=groups).astype(np.int64)
    known = used < found.rows
    at = np.full(groups, np.inf)
    at[known] = found.score[(found.start + used)[known]]
    each = at[group]
    total = np.bincount(group, weight, minlength=groups)
    above = np.bincount(group, weight * (found.score > each), minlength=groups)
    equal = np.bincount(group, weight * (found.score == each), minlength=groups)
    left = np.clip(total - wrong - above, 0.0, equal)
    share = np.divide(left, equal, out=np.zeros(groups), where=equal > 0)
    return Threshold(at, share)


def rightness(
    found: Calibration, weights: Numbers, score: Numbers, predicted: Ints
) -> tuple[Numbers, Numbers]:
    """How much each unlabelled row `(m,)` counts as right: by the threshold of all classes, whose
    mean is the accuracy; and by that of the row's class, which tells the classes apart.

    A class that few calibration rows were read as leans on the threshold of all.
    """
    overall = threshold(found.together, weights).right(score, np.zeros_like(predicted))
    own = threshold(found.by_class, weights).right(score, predicted)
    rows = np.bincount(found.predicted, weights, minlength=found.classes)[predicted]
    return overall, (rows * own + PRIOR_ROWS * overall) / (rows + PRIOR_ROWS)
