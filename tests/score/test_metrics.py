"""Scores against scikit-learn and by hand, and their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn

from toolkit.score.metrics import (
    Intervals,
    confusion,
    intervals,
    macro_f1,
    macro_f1_of,
    per_class,
    scores,
)

CLASSES = 4


def labelled(seed: int, rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Labels of every class, and probabilities that are right more often than not."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(CLASSES), rng.integers(0, CLASSES, rows - CLASSES)])
    logits = rng.normal(0, 1, (rows, CLASSES)) + 2 * np.eye(CLASSES)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return truth, probabilities.astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_the_scores_are_those_of_scikit_learn(seed: int) -> None:
    truth, probabilities = labelled(seed)
    predicted = probabilities.argmax(axis=1)
    found = scores(truth, probabilities)
    assert found["macro_f1"] == pytest.approx(sklearn.f1_score(truth, predicted, average="macro"))
    assert found["accuracy"] == pytest.approx(sklearn.accuracy_score(truth, predicted))
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    assert found["log_loss"] == pytest.approx(sklearn.log_loss(truth, exact), rel=1e-6)


def test_macro_f1_is_as_worked_by_hand() -> None:
    truth, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 0])
    # F1 = 2 hits / (true + predicted): 4/(3 + 3), 4/(2 + 3), 0/(1 + 0); mean (2/3 + 4/5 + 0) / 3
    assert macro_f1(truth, predicted, 3) == pytest.approx((2 / 3 + 4 / 5) / 3)


def test_a_class_that_does_not_occur_is_left_out_of_the_mean() -> None:
    truth, predicted = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    # (2 x 2/(3 + 2) + 2 x 2/(2 + 3)) / 2 = 4/5, whether or not there are other classes
    assert macro_f1(truth, predicted, 2) == pytest.approx(0.8)
    assert macro_f1(truth, predicted, 5) == pytest.approx(0.8)


def test_predicting_a_class_that_does_not_occur_costs_the_true_class_only() -> None:
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    # class 0: 2 x 1/(2 + 1) = 2/3, class 1: 1, class 2 does not occur
    assert macro_f1(truth, predicted, 3) == pytest.approx((2 / 3 + 1) / 2)


def test_many_matrices_are_scored_at_once() -> None:
    rng = np.random.default_rng(0)
    stacked = rng.integers(0, 9, (7, CLASSES, CLASSES))
    alone = [float(macro_f1_of(matrix)) for matrix in stacked]
    np.testing.assert_allclose(macro_f1_of(stacked), alone)


def test_rows_of_the_confusion_are_true_classes() -> None:
    truth, predicted = np.array([0, 0, 2, 2, 2]), np.array([0, 1, 2, 2, 0])
    expected = [[1, 1, 0], [0, 0, 0], [1, 0, 2]]
    assert confusion(truth, predicted, 3).tolist() == expected
    assert sklearn.confusion_matrix(truth, predicted, labels=range(3)).tolist() == expected


def test_the_scores_of_each_class_are_those_of_scikit_learn() -> None:
    truth, probabilities = labelled(3)
    predicted = probabilities.argmax(axis=1)
    names = ("a", "b", "c", "d")
    rows = per_class(confusion(truth, predicted, CLASSES), names)
    expected = sklearn.precision_recall_fscore_support(truth, predicted, labels=range(CLASSES))
    assert [row["class"] for row in rows] == list(names)
    for key, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose([row[key] for row in rows], values)
    assert [row["predicted"] for row in rows] == np.bincount(predicted, minlength=4).tolist()


def test_a_class_that_is_never_predicted_or_never_true_scores_zero() -> None:
    first, second, third = per_class(np.array([[2, 0, 1], [1, 0, 0], [0, 0, 0]]), ("a", "b", "c"))
    assert second == {
        "class": "b", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1, "predicted": 0,
    }  # fmt: skip
    assert third == {
        "class": "c", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "predicted": 1,
    }  # fmt: skip
    assert first["f1"] == pytest.approx(4 / 6)


def test_a_certain_mistake_has_a_finite_log_loss() -> None:
    probabilities = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    found = scores(np.array([0, 1]), probabilities)
    assert found["log_loss"] == pytest.approx(-np.log(1e-15) / 2)  # (0 + 34.5) / 2


def widths(found: Intervals) -> np.ndarray:
    return np.array([high - low for low, high in (found.macro_f1, found.accuracy, found.log_loss)])


@pytest.mark.parametrize("seed", range(3))
def test_the_intervals_hold_the_scores(seed: int) -> None:
    truth, probabilities = labelled(seed, rows=200)
    point = scores(truth, probabilities)
    found = intervals(truth, probabilities, np.arange(200), seed=0, draws=300)
    for name in ("macro_f1", "accuracy", "log_loss"):
        low, high = getattr(found, name)
        assert low < point[name] < high


def test_the_interval_of_the_accuracy_has_the_width_of_a_binomial() -> None:
    truth, probabilities = labelled(0, rows=400)
    accuracy = scores(truth, probabilities)["accuracy"]
    low, high = intervals(truth, probabilities, np.arange(400), seed=0).accuracy
    expected = 2 * 1.96 * np.sqrt(accuracy * (1 - accuracy) / 400)
    assert high - low == pytest.approx(expected, rel=0.15)


def test_rows_of_one_unit_are_no_independent_evidence() -> None:
    truth, probabilities = labelled(0, rows=40)
    truth, probabilities = np.repeat(truth, 10), np.repeat(probabilities, 10, axis=0)
    alone = intervals(truth, probabilities, np.arange(400), seed=0, draws=300)
    grouped = intervals(truth, probabilities, np.repeat(np.arange(40), 10), seed=0, draws=300)
    # 40 units of 10 equal rows know as much as 40 rows: intervals sqrt(10) = 3.2 times as wide
    assert (widths(grouped) > 2 * widths(alone)).all()


def test_the_names_of_units_do_not_matter() -> None:
    truth, probabilities = labelled(0)
    units = np.arange(60) // 3
    first = intervals(truth, probabilities, units, seed=0, draws=50)
    assert intervals(truth, probabilities, units * 7 + 100, seed=0, draws=50) == first


def test_the_seed_decides_the_intervals() -> None:
    truth, probabilities = labelled(0)
    first, again, other = (
        intervals(truth, probabilities, np.arange(60), seed, draws=50) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def by_definition(
    truth: np.ndarray, probabilities: np.ndarray, units: np.ndarray, seed: int, draws: int
) -> Intervals:
    """Scores of the resampled rows, each draw from its own confusion matrix."""
    rng = np.random.default_rng(seed)
    names, unit = np.unique(units, return_inverse=True)
    found = []
    for _ in range(draws):
        drawn = rng.integers(0, len(names), len(names))
        times = np.bincount(drawn, minlength=len(names))[unit]
        rows = np.repeat(np.arange(len(truth)), times)
        matrix = confusion(truth[rows], probabilities[rows].argmax(axis=1), probabilities.shape[1])
        own = np.clip(probabilities[np.arange(len(truth)), truth].astype(np.float64), 1e-15, 1)
        loss = -(np.log(own) * times).sum() / times.sum()
        found.append((float(macro_f1_of(matrix)), np.trace(matrix) / times.sum(), loss))
    low, high = np.quantile(np.array(found), [0.025, 0.975], axis=0)
    return Intervals(*((float(a), float(b)) for a, b in zip(low, high, strict=True)))


@pytest.mark.parametrize("grouped", [False, True])
def test_intervals_from_counts_of_classes_are_those_of_whole_matrices(grouped: bool) -> None:
    truth, probabilities = labelled(3, rows=90)
    units = np.arange(90) // 3 if grouped else np.arange(90)
    found = intervals(truth, probabilities, units, seed=5, draws=60)
    assert found == by_definition(truth, probabilities, units, seed=5, draws=60)


def test_a_draw_costs_no_logarithm_and_no_square_of_the_classes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logarithms, lengths = [], []
    log, bincount = np.log, np.bincount
    monkeypatch.setattr(np, "log", lambda x: logarithms.append(len(x)) or log(x))

    def counted(values: np.ndarray, *rest: Any, **options: Any) -> np.ndarray:
        result = bincount(values, *rest, **options)
        lengths.append(len(result))
        return result

    monkeypatch.setattr(np, "bincount", counted)
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(20), 60).astype(np.float32)  # 20 x 20 pairs
    intervals(rng.integers(0, 20, 60), probabilities, np.arange(60), seed=0, draws=50)
    assert logarithms == [60]
    assert max(lengths) == 60
