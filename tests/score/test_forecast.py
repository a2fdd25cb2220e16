"""Forecasts of test scores, on simulated models whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from toolkit.score.confidence import calibration_of, largest, negative_entropy, rightness, threshold
from toolkit.score.f1_forecast import confused_as, macro_f1_from
from toolkit.score.forecast import Forecast, Member, forecast
from toolkit.score.likeness import beyond_range, classes_elsewhere, contradicted, views_apart
from toolkit.score.metrics import ALWAYS
from toolkit.score.votes import agreement_of, views_agree

CLASSES = 9


def drawn(
    rng: np.random.Generator, rows: int, models: int, severity: float, sharpness: float = 1.0
) -> tuple[Any, list[Any]]:
    """Truth of rows, and the probabilities that each model gives them. Models share a part of
    their errors; `severity` takes signal away, `sharpness` above 1 is over-confidence."""
    prior = np.arange(2, CLASSES + 2) / np.arange(2, CLASSES + 2).sum()
    truth = rng.choice(CLASSES, rows, p=prior)
    signal = np.zeros((rows, CLASSES))
    signal[np.arange(rows), truth] = rng.gamma(4, 0.75, rows) * (1 - severity)
    shared = signal + 0.6 * rng.normal(size=(rows, CLASSES))
    own = [shared + 0.6 * rng.normal(size=(rows, CLASSES)) for _ in range(models)]
    return truth, [soft(2 * sharpness * logits) for logits in own]


def soft(logits: Any) -> Any:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (e / e.sum(axis=1, keepdims=True)).astype(np.float32)


def simulated(
    seed: int, folds: int, known: tuple[float, ...], severity: float, sharpness: float = 1.0
) -> tuple[Forecast, float, float]:
    """A forecast, and the accuracy and macro-F1 that it is of: calibration rows of several
    severities, test rows of one."""
    rng = np.random.default_rng(seed)
    truth, test = drawn(rng, 400, folds, severity, sharpness)
    members = []
    for fold in range(folds):
        parts = [drawn(rng, 200 // len(known), 1, s, sharpness) for s in known]
        labels = np.concatenate([t for t, _ in parts])
        rows = np.concatenate([p[0] for _, p in parts])
        members.append(Member(rows, labels, np.arange(len(labels)), test[fold]))
    joined = np.mean(test, axis=0)
    found = forecast(members, joined, seed=1, draws=100)
    return found, ALWAYS["accuracy"](truth, joined), ALWAYS["macro_f1"](truth, joined)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 4.0])
def test_the_interval_covers_the_truth_of_at_least_17_of_20_drawn_test_sets(
    sharpness: float,
) -> None:
    covered, errors = np.zeros(2), []
    for seed in range(20):
        severity = 0.45 * seed / 19
        found, accuracy, f1 = simulated(seed, 3, (0.0, 0.15, 0.3, 0.45), severity, sharpness)
        for which, (interval, truth) in enumerate(
            ((found.accuracy_interval, accuracy), (found.macro_f1_interval, f1))
        ):
            covered[which] += interval[0] <= truth <= interval[1]
        errors.append((abs(found.accuracy - accuracy), abs(found.macro_f1 - f1)))
    assert (covered >= 17).all(), covered
    assert (np.mean(errors, axis=0) <= 0.05).all(), np.mean(errors, axis=0)


def test_a_shifted_test_set_is_forecast_far_below_the_score_of_clean_rows() -> None:
    found, accuracy, f1 = simulated(3, 5, (0.0,), 0.6)
    calibrated = np.mean([m.calibrated for m in found.members])
    assert accuracy < calibrated - 0.15
    assert found.accuracy == pytest.approx(accuracy, abs=0.06)
    assert found.macro_f1 == pytest.approx(f1, abs=0.07)


def test_the_gain_of_joining_folds_is_told_from_their_agreement() -> None:
    rng = np.random.default_rng(0)
    truth, test = drawn(rng, 4000, 5, 0.2)
    joined = np.mean(test, axis=0)
    single = float(np.mean([ALWAYS["accuracy"](truth, p) for p in test]))
    gain = ALWAYS["accuracy"](truth, joined) - single
    told = single * agreement_of(test, joined).gain()
    assert gain > 0.04
    assert 0.6 * gain < told < 1.1 * gain  # errors that the folds share make it too low


def test_folds_that_are_one_model_gain_nothing() -> None:
    _, (test,) = drawn(np.random.default_rng(0), 300, 1, 0.2)
    assert agreement_of([test] * 4, test).gain() == 0
    assert agreement_of([test], test).gain() == 0
    assert agreement_of([test], test).share() == 1


def test_two_folds_tell_no_gain() -> None:
    _, test = drawn(np.random.default_rng(0), 300, 2, 0.2)
    assert agreement_of(test, np.mean(test, axis=0)).gain() == 0


def test_votes_are_told_from_a_mean_of_probabilities() -> None:
    _, test = drawn(np.random.default_rng(1), 500, 5, 0.4)
    votes = np.sum([np.eye(CLASSES)[p.argmax(1)] for p in test], axis=0) + np.mean(test, 0) / 100
    soft_vote = agreement_of(test, np.mean(test, axis=0))
    hard_vote = agreement_of(test, votes.astype(np.float32))
    assert (soft_vote.joined_as, soft_vote.matches) == ("mean", 1)
    assert hard_vote.joined_as == "votes"
    assert hard_vote.matches > 0.99


def test_a_threshold_gives_the_calibration_rows_their_own_accuracy() -> None:
    rng = np.random.default_rng(0)
    truth, (rows,) = drawn(rng, 333, 1, 0.3)
    coarse = np.round(rows, 1) + 1e-3  # many ties
    for given in (rows, coarse, np.full_like(rows, 1 / CLASSES)):
        for way in (negative_entropy, largest):
            found, once = calibration_of(given, truth, way), np.ones(len(truth))
            overall, _ = rightness(found, once, found.score, found.predicted)
            own = threshold(found.by_class, once).right(found.score, found.predicted)
            assert overall.mean() == pytest.approx(found.right.mean())
            for c in np.unique(found.predicted):
                of_class = found.predicted == c
                assert own[of_class].mean() == pytest.approx(found.right[of_class].mean())


def test_the_threshold_is_where_the_wrong_rows_are_used_up() -> None:
    # Largest probabilities .9 .8 .7 .6, the second and the last wrong: two of four rows count as
    # right, those from .8 up. Test rows at .95, .8 and .75 are 2/3 right: the threshold itself is.
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]], dtype=np.float32)
    found = calibration_of(p, np.array([0, 1, 0, 1]), largest)
    at = threshold(found.together, np.ones(4))
    assert at.at[0] == pytest.approx(0.8)
    scores = np.array([0.95, at.at[0], 0.75])
    assert at.right(scores, np.zeros(3, dtype=np.int64)).tolist() == [1, 1, 0]


def test_macro_f1_follows_the_counts() -> None:
    # Six rows read as class 0, of which four are right, and four as class 1, of which two: what is
    # missed of one belongs to the other. F1: 8 / (6 + 6) and 4 / (4 + 4).
    predicted = np.array([0] * 6 + [1] * 4)
    right = np.array([1.0] * 4 + [0.0] * 2 + [1.0] * 2 + [0.0] * 2)
    confused = np.array([[0.0, 1.0], [1.0, 0.0]])
    found = macro_f1_from(right, predicted, np.ones(10), 0.6, confused)
    assert found == pytest.approx((8 / 12 + 4 / 8) / 2)
    assert macro_f1_from(right, predicted, np.ones(10), 1.0, confused) == 1
    assert macro_f1_from(right, predicted, np.ones(10), 0.0, confused) == 0


def test_what_is_missed_is_dealt_as_on_the_calibration_rows() -> None:
    # Class 0 was read wrong three times: twice it was class 2, once class 1. One row's worth of
    # the frequencies (.2, .4, .4) stands behind: 1.4 and 2.4 of 3.8.
    found = confused_as(np.array([2, 2, 1, 0, 1]), np.array([0, 0, 0, 0, 1]), 3)
    assert found[0] == pytest.approx([0, 1.4 / 3.8, 2.4 / 3.8])
    assert found.sum(axis=1) == pytest.approx([1, 1, 1])
    assert np.diagonal(found).tolist() == [0, 0, 0]


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("certain", [True, False])
@pytest.mark.parametrize("classes", [1, 2, 5])
@pytest.mark.parametrize("folds", [1, 2, 3])
def test_degenerate_runs_have_forecasts_between_0_and_1(
    folds: int, classes: int, certain: bool, rows: int
) -> None:
    """One class, certain or undecided models, ties everywhere, and tiny test sets."""
    value = np.eye(classes)[0] if certain else np.full(classes, 1 / classes)
    p = np.tile(value, (6, 1)).astype(np.float32)
    truth = np.arange(6) % classes
    members = [Member(p, truth, np.arange(6) // 2, p[:rows])] * folds
    found = forecast(members, p[:rows], seed=0, draws=20)
    assert found.accuracy == pytest.approx(float((truth == 0).mean()))
    numbers = (*found.accuracy_interval, *found.macro_f1_interval, found.macro_f1)
    assert all(0 <= number <= 1 for number in numbers)
    assert found.accuracy_interval[0] <= found.accuracy <= found.accuracy_interval[1]


def test_a_model_that_is_never_right_is_forecast_so() -> None:
    p = np.tile(np.array([0.7, 0.3], dtype=np.float32), (4, 1))
    found = forecast([Member(p, np.ones(4, dtype=np.int64), np.arange(4), p)], p, seed=0, draws=20)
    assert (found.accuracy, found.macro_f1) == (0, 0)
    assert found.members[0].threshold == np.inf


def test_the_interval_is_wider_where_rows_come_in_units() -> None:
    rng = np.random.default_rng(0)
    truth, (rows,) = drawn(rng, 40, 1, 0.2)
    _, (test,) = drawn(rng, 400, 1, 0.2)
    pages, labels = np.repeat(rows, 10, axis=0), np.repeat(truth, 10)
    widths = [
        np.ptp(forecast([Member(pages, labels, units, test)], test, 0, 200).accuracy_interval)
        for units in (np.repeat(np.arange(40), 10), np.arange(400))
    ]
    assert widths[0] > 1.5 * widths[1]


def test_what_the_calibration_rows_miss_widens_the_interval() -> None:
    rng = np.random.default_rng(0)
    truth, (rows,) = drawn(rng, 400, 1, 0.2)
    member = Member(rows, truth, np.arange(400), rows)
    known = np.ptp(forecast([member], rows, 0, 200).accuracy_interval)
    unknown = np.ptp(forecast([member], rows, 0, 200, miss=0.1).accuracy_interval)
    assert unknown > 1.5 * known


def test_the_same_seed_forecasts_the_same() -> None:
    first, second = simulated(0, 3, (0.2,), 0.2)[0], simulated(0, 3, (0.2,), 0.2)[0]
    assert first.accuracy_interval == second.accuracy_interval
    assert first.macro_f1_interval == second.macro_f1_interval


def test_images_of_the_same_kind_raise_no_doubt() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        for rows in (5, 60, 500):
            truth, test = drawn(rng, rows, 3, 0.2)
            known = [drawn(rng, 60, 1, 0.2)[1][0] for _ in range(3)]
            assert not beyond_range(known, test)
            agreement = agreement_of(test, np.mean(test, axis=0))
            alone = float(np.mean([ALWAYS["accuracy"](truth, p) for p in test]))
            assert contradicted(alone, agreement) is None
            read = [np.concatenate([p.argmax(1) for p in known])]
            assert classes_elsewhere(read, test[0].argmax(1), CLASSES) is None


def test_images_that_no_calibration_row_is_like_are_doubted() -> None:
    rng = np.random.default_rng(0)
    known = [drawn(rng, 200, 1, 0.0)[1][0] for _ in range(3)]
    noise = [soft(0.3 * rng.normal(size=(100, CLASSES))) for _ in range(3)]
    sure = [soft(90 * rng.normal(size=(100, CLASSES))) for _ in range(3)]
    assert "are less sure than 99% of the calibration images" in beyond_range(known, noise)[0]
    assert "are surer than 99% of the calibration images" in beyond_range(known, sure)[0]


def test_folds_that_agree_less_than_their_accuracy_allows_contradict_it() -> None:
    rng = np.random.default_rng(0)
    sure = [soft(90 * rng.normal(size=(100, CLASSES))) for _ in range(3)]
    agreement = agreement_of(sure, np.mean(sure, axis=0))
    doubt = contradicted(0.9, agreement)
    assert doubt is not None
    assert "right on 90% each agree on 80% at least" in doubt


def test_views_and_classes_of_other_images_are_doubted() -> None:
    agree, apart = np.ones(100), np.arange(100) % 2.0
    assert views_apart([agree, agree], agree) is None
    assert views_apart([agree, apart], apart) is None
    assert "agree on 50% of them" in (views_apart([agree], apart) or "")
    spread, one = np.arange(300) % 5, np.zeros(100, dtype=np.int64)
    assert classes_elsewhere([spread], spread[:100], 5) is None
    assert classes_elsewhere([spread, one], one, 5) is None
    assert "as other classes" in (classes_elsewhere([spread], one, 5) or "")


def test_views_agree_where_all_name_one_class() -> None:
    one, two = np.eye(3, dtype=np.float32)[[0, 1]], np.eye(3, dtype=np.float32)[[0, 2]]
    found = views_agree([one, two])
    assert found is not None
    assert found.tolist() == [1, 0]
    assert views_agree([one]) is None
