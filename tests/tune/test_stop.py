"""A study ends where chance alone could explain the next rise."""

from __future__ import annotations

import math

import pytest

from toolkit.tune.objective import Curve
from toolkit.tune.stopping import noise, unlikely


def test_noise_is_what_trial_and_fold_do_not_explain() -> None:
    # Two trials that differ by 0.1 on every fold: nothing is left for chance.
    exact = [Curve((), (0.5, 0.3, 0.7)), Curve((), (0.6, 0.4, 0.8))]
    assert noise(exact, 3) == pytest.approx(0.0, abs=1e-12)
    # By hand: trials (0.5, 0.3) and (0.5, 0.5). Trial means 0.4, 0.5; fold means 0.5, 0.4; mean
    # 0.45. Residuals +-0.05, four of them; 1 degree of freedom: variance 0.01; two folds: 0.005.
    crossed = [Curve((), (0.5, 0.3)), Curve((), (0.5, 0.5))]
    assert noise(crossed, 2) == pytest.approx(math.sqrt(0.005))


def test_trials_that_were_stopped_say_nothing_of_the_noise() -> None:
    whole = [Curve((), (0.5, 0.3)), Curve((), (0.5, 0.5))]
    assert noise([*whole, Curve((), (0.9,))], 2) == noise(whole, 2)
    assert math.isnan(noise(whole[:1], 2))


def test_a_study_ends_after_enough_trials_without_a_rise_beyond_the_noise() -> None:
    scores = [0.4, 0.5, None, 0.505, 0.49]
    assert unlikely(scores, noise=0.01, patience=3) is not None
    assert unlikely(scores, noise=0.01, patience=4) is None
    assert unlikely(scores, noise=0.001, patience=3) is None  # 0.505 is a rise then
    assert unlikely(scores, noise=float("nan"), patience=3) is None
    assert unlikely(scores, noise=0.01, patience=0) is None


def test_small_rises_add_up_to_one() -> None:
    scores = [0.40, 0.41, 0.42, 0.43]
    assert unlikely(scores, noise=0.02, patience=2) is None


def test_one_fold_says_nothing_of_noise() -> None:
    why = unlikely([0.5, 0.5, 0.5], float("nan"), 2)
    assert why == "2 trials in a row brought no gain"
