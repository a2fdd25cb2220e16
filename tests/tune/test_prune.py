"""When a trial is stopped: compared with others at the same point, and with nothing else."""

from __future__ import annotations

import warnings

import numpy as np
import optuna
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


BEST = (0.5, 0.6, 0.5, 0.6, 0.5)
# Fold scores of a trial beside BEST's, and whether the test stops it (p below 0.2), by hand:
WORKED = [
    ((0.4, 0.5), False),  # 2 of 2 worse: p = 1/4
    ((0.4, 0.5, 0.4), True),  # 3 of 3: p = 1/8
    ((0.4, 0.7, 0.4), False),  # 2 of 3, differences of one size: p = 1/2
    ((0.5, 0.6, 0.5), False),  # equal folds
    ((0.49, 0.59, 0.49, 0.9), False),  # the mean is above the best's
    ((0.3, 0.4, 0.3, 0.61), True),  # 3 of 4, and the rise has the lowest rank: p = 2/16
    ((0.45, 0.58, 0.53, 0.59), False),  # 3 of 4, the rise has the third rank: p = 5/16
]


@pytest.mark.parametrize(("folds", "stopped"), WORKED)
def test_the_signed_rank_test_is_worked_by_hand(folds: tuple[float, ...], stopped: bool) -> None:
    pruner = Pruner("wilcoxon", percentile=50.0, startup=1, folds=5, epochs=4)
    assert (pruner.reason(at_fold(*folds), [at_fold(*BEST)]) is not None) == stopped
    assert by_optuna(folds, BEST) == stopped


def by_optuna(mine: tuple[float, ...], best: tuple[float, ...]) -> bool:
    """What Optuna's own pruner decides, asked through a study in memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        pruner = optuna.pruners.WilcoxonPruner(p_threshold=0.2)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    values = dict(enumerate(best))
    study.add_trial(optuna.create_trial(value=sum(best) / len(best), intermediate_values=values))
    trial = study.ask()
    for fold, score in enumerate(mine):
        trial.report(score, fold)
    return trial.should_prune()


def test_the_signed_rank_test_decides_as_optunas_pruner() -> None:
    rng = np.random.default_rng(0)
    pruner = Pruner("wilcoxon", percentile=50.0, startup=1, folds=8, epochs=4)
    decided = set()
    for _ in range(120):
        # Two decimals: some folds are equal, and some differences have one size.
        best = tuple(rng.normal(0.7, 0.05, 8).round(2).tolist())
        mine = tuple(rng.normal(0.68, 0.05, int(rng.integers(2, 8))).round(2).tolist())
        stopped = pruner.reason(at_fold(*mine), [at_fold(*best)]) is not None
        assert stopped == by_optuna(mine, best), (mine, best)
        decided.add(stopped)
    assert decided == {True, False}


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
