"""Whether the best trial is better than the recipe by more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from scipy.stats import t as student

from toolkit.tune.few_folds import again
from toolkit.tune.objective import Curve
from toolkit.tune.stopping import noise

CONFIDENCE = 0.95
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Gain:
    """What the best trial's folds are above the recipe's, on average; more is better."""

    mean: float
    low: float
    high: float
    """Of the interval; NaN where nothing says how far chance reaches."""
    compared: int
    """Trials beside the recipe: the best of many is above it by chance alone."""
    folds: int
    again: str
    """Where both were scored again, on what no trial was chosen on; empty: in the search."""

    @property
    def beyond_noise(self) -> bool | None:
        """Whether the interval lies above 0; None where there is none."""
        return None if math.isnan(self.low) else self.low > 0


def gain_of(facts: Mapping[str, Any]) -> Gain | None:
    """The gain of the winner of a study; None where it is the recipe, or one of them is not
    complete.

    Every complete trial was trained on the same folds. What an effect of the trial and an effect
    of the fold leave of their scores is the noise of a fold (a two-way layout without repeats;
    Scheffé 1959, The Analysis of Variance, section 4.2). The interval of the difference is
    Student's, over as many comparisons as there were trials to choose from (Bonferroni).

    Args:
        facts: what `tune.json` holds.
    """
    winner, incumbent = facts["winner"], facts["incumbent"]
    if winner is None or incumbent is None or winner == incumbent:
        return None
    sign = 1 if facts["direction"] == "maximize" else -1
    scored = {row["of"]: row for row in facts["rescore"]["trials"] if row["score"] is not None}
    fresh = winner in scored and incumbent in scored
    rows = scored if fresh else {r["trial"]: r for r in facts["trials"] if r["score"] is not None}
    best, own = ([sign * s for s in rows[number]["folds"]] for number in (winner, incumbent))
    if not best or len(best) != len(own):
        return None
    whole = whole_trials(rows.values(), len(own))
    mean, compared = fmean(best) - fmean(own), len(whole) - 1
    alone = noise([Curve((), tuple(folds)) for folds in whole], len(own))
    half = reach(alone, len(whole), len(own), compared) * math.sqrt(2)
    where = again(facts.get("given")) if fresh else ""
    return Gain(mean, mean - half, mean + half, compared, len(own), where)


def whole_trials(rows: Any, folds: int) -> list[Sequence[float]]:
    """The fold scores of the complete trials, one for each plan: two trials of one plan share
    their result, and say no more of chance than one."""
    found = {row["plan"] or row["trial"]: row["folds"] for row in rows if row["score"] is not None}
    return [scores for scores in found.values() if len(scores) == folds]


def reach(noise: float, trials: int, folds: int, comparisons: int = 1) -> float:
    """How far on either side of a trial's mean its interval reaches; NaN without a noise."""
    freedom = (trials - 1) * (folds - 1)
    if freedom < 1 or not noise > _ROUNDING:  # equal differences in every fold say nothing
        return float("nan")
    return float(student.ppf(1 - (1 - CONFIDENCE) / (2 * comparisons), freedom) * noise)


def gain_sentence(gain: Gain | None) -> str | None:
    """The gain in a sentence; None where there is nothing to compare."""
    if gain is None:
        return None
    where = f"{gain.again.capitalize()} its scores are" if gain.again else "Its folds are"
    side = "better" if gain.mean >= 0 else "worse"
    text = f"{where} {abs(gain.mean):.4f} {side} than the recipe's on average"
    if gain.beyond_noise is None:
        few = "one fold cannot" if gain.folds == 1 else "the folds are too few to"
        return f"{text}; {few} say whether that is more than noise."
    text += f" (95% interval {gain.low:+.4f} to {gain.high:+.4f}"
    if gain.compared > 1:
        text += f", widened for the choice among {gain.compared} trials"
    if gain.beyond_noise:
        return f"{text}): a gain beyond the noise of the folds."
    return f"{text}): no more than the noise of the folds."
