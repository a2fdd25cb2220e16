"""When a trial is stopped: compared with others at the same point, and with nothing else."""

from __future__ import annotations

import pytest

from toolkit.tune.objective import Curve, curve_of, epoch_step, fold_step
from toolkit.tune.stopping import Pruner, rule_of

PRUNER = Pruner("percentile", percentile=50.0, startup=3, folds=3, epochs=4)


def at_fold(*scores: float) -> Curve:
    return Curve((0.1, 0.2, 0.3, 0.4), scores)


def test_a_trial_below_the_median_of_the_same_folds_is_stopped() -> None:
    others = [at_fold(0.5, 0.3, 0.6), at_fold(0.6, 0.2), at_fold(0.4, 0.4)]
    # after two folds the others' means are 0.40, 0.40, 0.40
    assert PRUNER.reason(at_fold(0.45, 0.34), others) is not None
    assert PRUNER.reason(at_fold(0.45, 0.36), others) is None


def test_a_hard_fold_is_not_held_against_a_trial() -> None:
    # The second fold is hard for everyone: 0.2 is low, but the best there.
    others = [at_fold(0.6, 0.1), at_fold(0.6, 0.1), at_fold(0.6, 0.1)]
    assert PRUNER.reason(at_fold(0.6, 0.2), others) is None


def test_nothing_is_stopped_before_enough_others_came_to_the_point() -> None:
    others = [at_fold(0.9), at_fold(0.9)]
    assert PRUNER.reason(at_fold(0.1), others) is None
    assert PRUNER.reason(at_fold(0.1), [*others, at_fold(0.9)]) is not None
    # those that did not come so far say nothing of it
    assert PRUNER.reason(at_fold(0.1, 0.1), [*others, at_fold(0.9)]) is None


def test_a_whole_trial_is_not_stopped() -> None:
    others = [at_fold(0.9, 0.9, 0.9)] * 5
    assert PRUNER.reason(at_fold(0.1, 0.1, 0.1), others) is None


def test_epochs_of_the_first_fold_stop_too_and_the_bar_rises() -> None:
    others = [Curve((v, v, v, v), ()) for v in (0.1, 0.2, 0.3, 0.4, 0.5)]
    # epoch 1: the 12.5th percentile of 0.1 ... 0.5 is 0.15; epoch 3: the 37.5th is 0.25
    assert PRUNER.reason(Curve((0.16,), ()), others) is None
    assert PRUNER.reason(Curve((0.14,), ()), others) is not None
    assert PRUNER.reason(Curve((0.16, 0.16, 0.16), ()), others) is not None
    # the last epoch is the fold's own affair
    assert PRUNER.reason(Curve((0.16, 0.16, 0.16, 0.16), ()), others) is None


def test_the_best_epoch_so_far_counts_not_the_last_one() -> None:
    others = [Curve((0.3, 0.3, 0.3), ()) for _ in range(3)]
    assert PRUNER.reason(Curve((0.1, 0.4, 0.1), ()), others) is None


def test_the_signed_rank_test_needs_three_worse_folds() -> None:
    pruner = Pruner("wilcoxon", percentile=50.0, startup=1, folds=5, epochs=4)
    best = at_fold(0.5, 0.6, 0.5, 0.6, 0.5)
    assert pruner.reason(at_fold(0.4, 0.5), [best]) is None
    assert pruner.reason(at_fold(0.4, 0.5, 0.4), [best]) is not None
    assert pruner.reason(at_fold(0.4, 0.7, 0.4), [best]) is None


def test_none_stops_nothing() -> None:
    pruner = Pruner("none", percentile=50.0, startup=1, folds=3, epochs=4)
    assert pruner.reason(at_fold(0.0), [at_fold(0.9)] * 9) is None


@pytest.mark.parametrize(
    ("prune", "folds", "rule"),
    [("auto", 4, "percentile"), ("auto", 5, "wilcoxon"), ("wilcoxon", 3, "wilcoxon")],
)
def test_from_five_folds_on_the_test_decides(prune: str, folds: int, rule: str) -> None:
    assert rule_of(prune, folds) == rule


def test_a_curve_is_read_from_what_optuna_keeps() -> None:
    kept = {epoch_step(0, 1): 0.1, epoch_step(0, 2): 0.3, fold_step(0): 0.35}
    kept |= {epoch_step(1, 1): 0.2, fold_step(1): 0.25}
    assert curve_of(kept) == Curve((0.1, 0.3), (0.35, 0.25))
    assert curve_of(kept, sign=-1) == Curve((-0.1, -0.3), (-0.35, -0.25))
