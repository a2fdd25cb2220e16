"""When a trial is stopped early, and when a study is: pure rules over the scores so far.

A trial is compared with others at the same point only: at the same epoch of the first fold, or
over the same folds. Folds differ in difficulty by more than recipes do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import numpy as np
from scipy.stats import wilcoxon

from toolkit.tune.objective import Curve

Rule = Literal["percentile", "wilcoxon", "none"]


WILCOXON_FOLDS = 5
"""From so many folds on `auto` tests fold by fold; below, a signed-rank test cannot be sure."""


WILCOXON_P = 0.2
"""Three folds that are all worse give p = 0.125: the earliest point where the test can speak."""


@dataclass(frozen=True)
class Pruner:
    """The rules of a study."""

    rule: Rule
    percentile: float
    """A trial goes on where it is above this percentile of the others, 0-100."""
    startup: int
    """Others that must have come to a point before anything is stopped there."""
    folds: int
    """Folds of a whole trial."""
    epochs: int
    """Epochs of a whole fold."""

    def reason(self, mine: Curve, others: Sequence[Curve]) -> str | None:
        """Why the trial is stopped at the point it has reached; None where it goes on."""
        if self.rule == "none":
            return None
        done = len(mine.folds)
        if done == 0:
            return self._by_epoch(mine, others)
        if done >= self.folds:
            return None
        if self.rule == "wilcoxon" and done > 1:
            return self._by_test(mine, others)
        return self._by_fold(mine, others)

    def _by_epoch(self, mine: Curve, others: Sequence[Curve]) -> str | None:
        """The best epoch so far against the others' best by the same epoch of the first fold.

        Early epochs tell little of late ones, so the bar rises with the epochs: from 0 to
        `percentile` over the fold.
        """
        epoch = len(mine.epochs)
        if epoch == 0 or epoch >= self.epochs:
            return None  # the fold's own score is about to be known
        reached = [
            max(c.epochs[:epoch])
            for c in others
            if len(c.epochs) >= epoch or (c.epochs and c.folds)  # it may have stopped earlier
        ]
        bar = self._bar(reached, self.percentile * epoch / self.epochs)
        best = max(mine.epochs)
        if bar is None or best >= bar:
            return None
        return f"epoch {epoch} of fold 1: {best:.4f} is below {bar:.4f}"

    def _by_fold(self, mine: Curve, others: Sequence[Curve]) -> str | None:
        """The mean over the folds done against the others' mean over the same folds."""
        done = len(mine.folds)
        reached = [fmean(c.folds[:done]) for c in others if len(c.folds) >= done]
        bar, mean = self._bar(reached, self.percentile), fmean(mine.folds)
        if bar is None or mean >= bar:
            return None
        return f"{done} of {self.folds} folds: {mean:.4f} is below {bar:.4f}"

    def _by_test(self, mine: Curve, others: Sequence[Curve]) -> str | None:
        """The Wilcoxon test of these folds against those of the best trial."""
        whole = [c for c in others if len(c.folds) >= self.folds]
        if len(whole) < self.startup:
            return None
        best = max(whole, key=lambda c: fmean(c.folds))
        if not _worse(mine.folds, best.folds):
            return None
        done = len(mine.folds)
        mean, bar = fmean(mine.folds), fmean(best.folds[:done])
        return f"{done} of {self.folds} folds: {mean:.4f} is surely below the best, {bar:.4f}"

    def _bar(self, reached: Sequence[float], percentile: float) -> float | None:
        if len(reached) < self.startup:
            return None
        return float(np.percentile(reached, percentile))


def _worse(mine: Sequence[float], best: Sequence[float]) -> bool:
    """Whether a trial is worse than the best one over the folds that it has: a signed-rank test,
    one-sided (Wilcoxon 1945), in which a fold of equal scores counts half for either side.

    The test sees ranks alone. A trial whose mean is no lower than the best one's goes on, however
    many of its folds are a little worse.
    """
    differences = [own - other for own, other in zip(mine, best, strict=False)]
    if fmean(mine) >= fmean(best):
        return False
    p = wilcoxon(differences, alternative="less", zero_method="zsplit").pvalue
    return bool(p < WILCOXON_P)


def rule_of(prune: str, folds: int) -> Rule:
    """The rule that a recipe's `tune.prune` means for so many folds."""
    if prune == "auto":
        return "wilcoxon" if folds >= WILCOXON_FOLDS else "percentile"
    rule: Rule = prune  # type: ignore[assignment]
    return rule


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
    if np.isnan(noise):  # one fold tells nothing of it
        return f"{since} trials in a row brought no gain"
    return f"{since} trials in a row brought no gain beyond the noise of {margin:.4f}"
