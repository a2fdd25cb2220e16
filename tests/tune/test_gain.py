"""Whether the best is better than the recipe by more than chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from toolkit.tune.gain import gain_of, gain_sentence


def study_of(*folds: list[float], winner: int = 1, **more: Any) -> dict[str, Any]:
    """What `tune.json` holds of trials with these fold scores; the first is the recipe."""
    rows = [
        {"trial": n, "plan": f"plan{n}", "of": None, "folds": f, "score": sum(f) / len(f)}
        for n, f in enumerate(folds)
    ]
    facts = {"trials": rows, "winner": winner, "incumbent": 0, "direction": "maximize"}
    return {**facts, "rescore": {"trials": []}, **more}


def test_the_interval_is_worked_by_hand() -> None:
    # Two trials of three folds, 0.04, 0.06 and 0.08 apart: a mean of 0.06. What trial and fold
    # leave is +-0.01, 0 and -+0.01: a sum of squares of 0.0004 over 2 degrees of freedom, so a
    # fold's noise is sqrt(0.0002), a mean's sqrt(0.0002 / 3), a difference's sqrt(0.0004 / 3).
    gain = gain_of(study_of([0.50, 0.60, 0.70], [0.54, 0.66, 0.78]))
    assert gain is not None
    half = 4.302653 * math.sqrt(0.0004 / 3)  # t of 97.5% with 2 degrees of freedom
    assert gain.mean == pytest.approx(0.06)
    assert (gain.low, gain.high) == pytest.approx((0.06 - half, 0.06 + half), abs=1e-7)
    assert gain.beyond_noise is True
    assert gain_sentence(gain) == (
        "Its folds are 0.0600 better than the recipe's on average (95% interval +0.0103 to "
        "+0.1097): a gain beyond the noise of the folds."
    )


def test_the_choice_among_many_widens_the_interval() -> None:
    folds = [[0.50, 0.60, 0.70], [0.54, 0.66, 0.78], [0.51, 0.62, 0.70], [0.50, 0.61, 0.74]]
    gain = gain_of(study_of(*folds))
    assert gain is not None
    assert gain.compared == 3
    # Three comparisons share the 5%; trial and fold leave (4 - 1) x (3 - 1) degrees of freedom.
    table = np.array(folds)
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    half = student.ppf(1 - 0.05 / 6, 6) * math.sqrt(2 * (rest**2).sum() / 6 / 3)
    assert gain.high - gain.mean == pytest.approx(half)
    assert "widened for the choice among 3 trials" in (gain_sentence(gain) or "")


def test_two_trials_of_one_plan_are_one() -> None:
    facts = study_of([0.50, 0.60, 0.70], [0.54, 0.66, 0.78], [0.54, 0.66, 0.78])
    facts["trials"][2]["plan"] = "plan1"
    gain = gain_of(facts)
    assert gain is not None
    assert gain.compared == 1


def test_a_small_gain_is_no_more_than_noise_and_less_may_be_better() -> None:
    facts = study_of([0.50, 0.60, 0.70], [0.48, 0.61, 0.67], direction="minimize")
    gain = gain_of(facts)
    assert gain is not None
    assert gain.mean == pytest.approx(0.04 / 3)
    said = gain_sentence(gain) or ""
    assert said.startswith("Its folds are 0.0133 better than the recipe's")
    assert said.endswith("no more than the noise of the folds.")


def test_fresh_folds_are_asked_where_both_were_scored_there() -> None:
    again = [
        {"trial": 0, "of": 1, "plan": "a", "folds": [0.5, 0.6], "score": 0.55},
        {"trial": 1, "of": 0, "plan": "b", "folds": [0.5, 0.5], "score": 0.5},
    ]
    facts = study_of([0.1, 0.2, 0.3], [0.7, 0.8, 0.9], rescore={"trials": again})
    gain = gain_of(facts)
    assert gain is not None
    assert gain.again == "on fresh folds"
    assert gain.mean == pytest.approx(0.05)
    assert (gain_sentence(gain) or "").startswith("On fresh folds its scores are 0.0500 better")


@pytest.mark.parametrize(
    ("folds", "winner", "says"),
    [
        ([[0.5], [0.6]], 1, "one fold cannot say whether that is more than noise."),
        ([[0.5, 0.6], [0.6, 0.7]], 1, "the folds are too few to say"),  # the same gain in both
        ([[0.5, 0.6], [0.6, 0.7]], 0, None),  # the recipe is the best
        ([[0.5, 0.6], [0.6, 0.7]], None, None),
    ],
)
def test_what_cannot_be_told_is_said(
    folds: list[list[float]], winner: Any, says: str | None
) -> None:
    said = gain_sentence(gain_of(study_of(*folds, winner=winner)))
    assert said is None if says is None else says in (said or "")
