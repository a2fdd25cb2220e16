"""When a study ends before its trials are used up: improvement has become unlikely."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.tune.objective import Curve


def noise(curves: Sequence[Curve], folds: int) -> float:
    """What chance adds to a trial's mean score: the standard error of a mean over the folds.

    The scores of whole trials are split into an effect of the trial, an effect of the fold, and
    the rest; the rest is the noise of a single fold. NaN with fewer than two whole trials, or
    with one fold.
    """
    table = np.array([curve.folds for curve in curves if len(curve.folds) == folds])
    if len(table) < 2 or folds < 2:
        return float("nan")
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    freedom = (len(table) - 1) * (folds - 1)
    return float(np.sqrt((rest**2).sum() / freedom / folds))


def unlikely(scores: Sequence[float | None], noise: float, patience: int) -> str | None:
    """Why the study may end; None while it should go on.

    It ends when `patience` trials in a row brought no score that lies above the best one before
    them by more than the noise.

    Args:
        scores: of the finished trials in the order of their ends, more is better; None for a
            pruned one.
        noise: of a trial's score; NaN counts as 0.
    """
    if patience == 0 or not scores:
        return None
    margin = 0.0 if np.isnan(noise) else noise
    best, since = -np.inf, 0
    for score in scores:
        if score is not None and score > best + margin:
            best, since = score, 0
        else:
            since += 1
    if since < patience:
        return None
    return f"{since} trials in a row brought no rise beyond the noise of {margin:.4f}"
