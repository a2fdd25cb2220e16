"""Every metric in the box, against scikit-learn and by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn

from toolkit.contracts import Facts, ImageSpec
from toolkit.errors import UserError
from toolkit.plugin.host import load_host
from toolkit.score import metrics
from toolkit.score.counts import confusion, per_class
from toolkit.score.measures import metric_fault

CLASSES = 4
FACTS = Facts(("a", "b", "c", "d"), (1, 1, 1, 1), ImageSpec(64), seed=0)


def labelled(seed: int, rows: int = 60, skill: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels of every class, and probabilities that are right more often than not."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(CLASSES), rng.integers(0, CLASSES, rows - CLASSES)])
    logits = rng.normal(0, 1, (rows, CLASSES)) + skill * np.eye(CLASSES)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return truth, probabilities.astype(np.float32)


def exact(probabilities: np.ndarray) -> np.ndarray:
    """Rows that sum to 1 in float64, as scikit-learn wants them."""
    wide = probabilities.astype(np.float64)
    return wide / wide.sum(axis=1, keepdims=True)


def sklearn_auc(truth: np.ndarray, p: np.ndarray) -> float:
    return float(sklearn.roc_auc_score(truth, exact(p), multi_class="ovr", labels=range(CLASSES)))


THEIRS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "macro_f1": lambda t, p: sklearn.f1_score(t, p.argmax(1), average="macro"),
    "weighted_f1": lambda t, p: sklearn.f1_score(t, p.argmax(1), average="weighted"),
    "accuracy": lambda t, p: sklearn.accuracy_score(t, p.argmax(1)),
    "balanced_accuracy": lambda t, p: sklearn.balanced_accuracy_score(t, p.argmax(1)),
    "log_loss": lambda t, p: sklearn.log_loss(t, exact(p), labels=range(CLASSES)),
    "kappa": lambda t, p: sklearn.cohen_kappa_score(t, p.argmax(1)),
    "mcc": lambda t, p: sklearn.matthews_corrcoef(t, p.argmax(1)),
    "top_k": lambda t, p: sklearn.top_k_accuracy_score(t, p, k=3, labels=range(CLASSES)),
    "auc": sklearn_auc,
}


def ask(name: str, truth: Any, probabilities: Any, **options: Any) -> float:
    metric = getattr(metrics, name)(FACTS, **options)
    return float(metric(np.asarray(truth), np.asarray(probabilities, dtype=np.float32)))


def predicting(labels: list[int], classes: int = CLASSES) -> np.ndarray:
    """Certain probabilities of these classes."""
    return np.eye(classes, dtype=np.float32)[labels]


def registered() -> list[str]:
    registry = load_host({"TOOLKIT_PLUGINS": ""}).registry
    return [entry.name for entry in registry if entry.kind == "metric"]


def test_every_metric_in_the_box_is_held_against_scikit_learn() -> None:
    assert set(registered()) == THEIRS.keys()


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("skill", [0.0, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_metric_gives_what_scikit_learn_gives(name: str, seed: int, skill: float) -> None:
    truth, p = labelled(seed, skill=skill)
    assert ask(name, truth, p) == pytest.approx(THEIRS[name](truth, p), rel=1e-5)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_gives_what_scikit_learn_gives(k: int) -> None:
    truth, p = labelled(5, skill=0.5)
    expected = sklearn.top_k_accuracy_score(truth, p, k=k, labels=range(CLASSES))
    assert ask("top_k", truth, p, k=k) == pytest.approx(expected)


@pytest.mark.parametrize("name", THEIRS)
def test_every_metric_says_its_name_its_direction_and_bounds_that_hold(name: str) -> None:
    metric = getattr(metrics, name)(FACTS)
    assert metric_fault(metric) is None
    low, high = metric.bounds
    for seed in range(5):
        truth, p = labelled(seed, skill=[-3.0, 0.0, 9.0][seed % 3])
        assert low <= metric(truth, p) <= (np.inf if high is None else high)
    perfect, wrong = (
        ask(name, [0, 1, 2, 3], predicting(rows)) for rows in ([0, 1, 2, 3], [3, 3, 0, 0])
    )
    assert (perfect > wrong) == metric.higher_is_better
    assert perfect == (high if metric.higher_is_better else low)


# A class without rows in the truth: what a small fold looks like. Class 3 does not occur, and is
# predicted once.
ABSENT = [0, 0, 1, 1, 2, 2]
ABSENT_P = predicting([0, 3, 1, 1, 2, 0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Over the classes that occur: scikit-learn's mean over their labels.
        (
            "macro_f1",
            sklearn.f1_score(ABSENT, ABSENT_P.argmax(1), labels=[0, 1, 2], average="macro"),
        ),
        ("weighted_f1", sklearn.f1_score(ABSENT, ABSENT_P.argmax(1), average="weighted")),
        ("accuracy", 4 / 6),
        ("balanced_accuracy", (1 / 2 + 1 + 1 / 2) / 3),
        ("log_loss", -np.log(1e-15) * 2 / 6),
        ("kappa", sklearn.cohen_kappa_score(ABSENT, ABSENT_P.argmax(1))),
        ("mcc", sklearn.matthews_corrcoef(ABSENT, ABSENT_P.argmax(1))),
        # Class 0: of 2 x 4 pairs 2 x 4 lie 1:0 and the rest ties; the mean over three classes.
        (
            "auc",
            np.mean(
                [sklearn.roc_auc_score(np.array(ABSENT) == c, ABSENT_P[:, c]) for c in range(3)]
            ),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_a_class_that_does_not_occur_is_left_out(name: str, expected: float) -> None:
    assert ask(name, ABSENT, ABSENT_P) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("macro_f1", 1, 0),
        ("weighted_f1", 1, 0),
        ("accuracy", 1, 0),
        ("balanced_accuracy", 1, 0),
        ("log_loss", 0, -np.log(1e-15)),
        ("kappa", 0, 0),  # chance alone agrees on every row, or on none
        ("mcc", 0, 0),
        ("top_k", 1, 0),
        ("auc", 0.5, 0.5),  # no row of another class to rank below
    ],
)
def test_rows_of_one_class_alone_have_a_score_that_is_stated(
    name: str, right: float, wrong: float
) -> None:
    options = {"k": 1} if name == "top_k" else {}
    assert ask(name, [1, 1, 1], predicting([1, 1, 1]), **options) == pytest.approx(right)
    assert ask(name, [1, 1, 1], predicting([2, 2, 2]), **options) == pytest.approx(wrong)
    assert ask(name, [1], predicting([1]), **options) == pytest.approx(right)


def test_macro_f1_is_as_worked_by_hand() -> None:
    truth, predicted = [0, 0, 0, 1, 1, 2], predicting([0, 0, 1, 1, 1, 0], 3)
    # F1 = 2 hits / (true + predicted): 4/(3 + 3), 4/(2 + 3), 0/(1 + 0); mean (2/3 + 4/5 + 0) / 3
    assert ask("macro_f1", truth, predicted) == pytest.approx((2 / 3 + 4 / 5) / 3)


def test_predicting_a_class_that_does_not_occur_costs_the_true_class_only() -> None:
    # class 0: 2 x 1/(2 + 1) = 2/3, class 1: 1, class 2 does not occur
    found = ask("macro_f1", [0, 0, 1, 1], predicting([0, 2, 1, 1], 3))
    assert found == pytest.approx((2 / 3 + 1) / 2)


def test_kappa_and_mcc_are_as_worked_by_hand() -> None:
    truth, predicted = [0, 0, 0, 1], predicting([0, 0, 1, 1], 2)
    # Agreement 3/4; by chance 3/4 x 2/4 + 1/4 x 2/4 = 1/2: (3/4 - 1/2) / (1 - 1/2)
    assert ask("kappa", truth, predicted) == pytest.approx(0.5)
    # 3 x 4 - (3 x 2 + 1 x 2) = 4; (16 - 8)(16 - 10) = 48
    assert ask("mcc", truth, predicted) == pytest.approx(4 / 48**0.5)


def test_of_equal_probabilities_the_lower_class_comes_first() -> None:
    even = np.full((4, 4), 0.25)
    # Ranks 0, 1, 2, 3: two of the four truths are among the first two.
    assert ask("top_k", [0, 1, 2, 3], even, k=2) == 0.5
    assert ask("top_k", [0, 1, 2, 3], even, k=1) == ask("accuracy", [0, 1, 2, 3], even) == 0.25


def test_equal_probabilities_count_half_a_pair_in_the_area() -> None:
    assert ask("auc", [0, 1, 2, 3], np.full((4, 4), 0.25)) == 0.5


def test_top_k_of_as_many_classes_as_there_are_is_refused() -> None:
    with pytest.raises(UserError, match="k = 4 of 4 classes is always 1; set k below"):
        metrics.top_k(FACTS, k=4)


def test_a_certain_mistake_has_a_finite_log_loss() -> None:
    found = ask("log_loss", [0, 1], predicting([0, 0], 2))
    assert found == pytest.approx(-np.log(1e-15) / 2)  # (0 + 34.5) / 2


def test_scores_of_many_metrics_are_those_of_each() -> None:
    truth, p = labelled(0)
    every = {name: getattr(metrics, name)(FACTS) for name in THEIRS}
    found = metrics.scores(truth, p, every)
    assert found == {name: metric(truth, p) for name, metric in every.items()}


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
