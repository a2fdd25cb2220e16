"""Macro-F1 of unlabelled rows, from how much each of them counts as right.

    F1_c = 2 hits_c / (predicted_c + support_c)

`predicted_c` is known: it is counted. `hits_c` is the sum of the rows' rightness over the rows read
as c, scaled so that all hits together are the forecast accuracy: down by a factor, or up by taking
the same factor off every class's misses. The misses of class c are dealt to true classes t as on
the calibration rows, `P(true = t | read as c, wrong)`, and `support_t` is t's hits plus what it is
dealt.
"""

from __future__ import annotations

import numpy as np

from toolkit.contracts import Ints
from toolkit.score.counts import Numbers, confusion, f1_of

HALF_A_ROW = 0.5
"""A class of which fewer rows are expected does not occur: macro-F1 counts those that do."""


def confused_as(truth: Ints, predicted: Ints, classes: int) -> Numbers:
    """`P(true = t | read as c, wrong)` as `(C, C)`, row c. One row's worth of the classes' own
    frequencies stands behind what was counted, for a class that was seldom read wrong."""
    counts = confusion(truth, predicted, classes).T.astype(np.float64)
    prior = np.bincount(truth, minlength=classes) / max(len(truth), 1)
    counts += prior
    np.fill_diagonal(counts, 0.0)
    total = counts.sum(axis=1, keepdims=True)
    found: Numbers = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    return found


def macro_f1_from(
    right: Numbers, predicted: Ints, weights: Numbers, accuracy: float, confused: Numbers
) -> float:
    """Macro-F1 of rows `(m,)` that count as `right`, read as `predicted`, at a given accuracy."""
    classes = len(confused)
    read = np.bincount(predicted, weights, minlength=classes)
    hits = np.bincount(predicted, weights * right, minlength=classes)
    total, wanted = read.sum(), accuracy * read.sum()
    if wanted <= hits.sum():
        hits = hits * (wanted / hits.sum()) if hits.sum() > 0 else hits
    else:
        misses = total - hits.sum()
        hits = read - (read - hits) * ((total - wanted) / misses)
    missed = read - hits
    support = hits + missed @ confused
    occurs = support >= HALF_A_ROW
    if not occurs.any():
        return 0.0
    return float(f1_of(hits, read + support)[occurs].mean())
