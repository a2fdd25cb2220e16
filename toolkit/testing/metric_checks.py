"""What a metric must hold: a name, a direction, and `(truth, probabilities) -> float`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.contracts import Floats, Ints
from toolkit.score.measures import NO_BOUNDS, fault_of, metric_fault
from toolkit.score.metric import Metric
from toolkit.testing.subject import NotApplicable, Subject, require

ROWS = 40


def name_and_direction(subject: Subject) -> None:
    """It has a `name`, says whether `higher_is_better`, and its `bounds`, if any, are a pair."""
    fault = metric_fault(subject.build(subject.facts))
    require(fault is None, f"{fault}")


def finite_number(subject: Subject) -> None:
    """It gives a finite number within its bounds, for good probabilities, for uniform ones, and
    for those that are certain and wrong."""
    truth, classes = _truth(subject), len(subject.facts.classes)
    for what, probabilities in (
        ("", _probabilities(truth, classes)),
        (" where all classes are equally likely", np.full((ROWS, classes), 1 / classes)),
        (" where every row is right for certain", _certain(truth, classes)),
        (" where every row is wrong for certain", _certain(truth + 1, classes)),
    ):
        _require_number(_metric(subject), truth, probabilities.astype(np.float32), what)


def absent_class(subject: Subject) -> None:
    """Rows that lack a class (a small fold does) give a finite number."""
    truth = _truth(subject)
    for label in range(len(subject.facts.classes)):
        rows = truth != label
        found = _probabilities(truth, len(subject.facts.classes))[rows]
        _require_number(_metric(subject), truth[rows], found, f" without rows of class {label}")


def one_class_only(subject: Subject) -> None:
    """Rows of one class, or a single row, give a finite number: a draw of the bootstrap may."""
    classes = len(subject.facts.classes)
    for count in (5, 1):
        truth = np.full(count, 1)
        for what, found in (
            ("", _probabilities(truth, classes)),
            (" that are right for certain", _certain(truth, classes)),
        ):
            _require_number(_metric(subject), truth, found, f" for {count} rows of class 1{what}")


def direction(subject: Subject) -> None:
    """What is right for certain scores no worse than what is wrong for certain."""
    metric, truth, classes = _metric(subject), _truth(subject), len(subject.facts.classes)
    right = _score(metric, truth, _certain(truth, classes))
    wrong = _score(metric, truth, _certain(truth + 1, classes))
    better = right >= wrong if metric.higher_is_better else right <= wrong
    require(
        better,
        f"gives {right:.4g} where every row is right and {wrong:.4g} where every row is wrong, "
        f"with higher_is_better = {metric.higher_is_better}; turn the direction around",
    )


def row_order(subject: Subject) -> None:
    """The order of the rows does not matter."""
    metric, truth = _metric(subject), _truth(subject)
    probabilities = _probabilities(truth, len(subject.facts.classes))
    order = np.random.default_rng(4).permutation(ROWS)
    straight = _score(metric, truth, probabilities)
    turned = _score(metric, truth[order], probabilities[order])
    require(
        abs(straight - turned) <= 1e-6 * max(1.0, abs(straight)),
        f"gives {straight:.6g}, and {turned:.6g} for the same rows in another order; treat every "
        "row alike",
    )


def same_rows_same_score(subject: Subject) -> None:
    """The same rows give the same score, whatever was asked before: it keeps no state."""
    metric, truth = _metric(subject), _truth(subject)
    classes = len(subject.facts.classes)
    probabilities = _probabilities(truth, classes)
    first = _score(metric, truth, probabilities)
    _score(metric, truth, _certain(truth, classes))
    again = _score(metric, truth, probabilities)
    require(
        first == again,
        f"gives {first:.6g}, and {again:.6g} when asked again; keep no state, and draw nothing at "
        "random",
    )


def inputs_unmodified(subject: Subject) -> None:
    """Labels and probabilities are left as they were; the host passes them read-only."""
    truth = _truth(subject)
    probabilities = _probabilities(truth, len(subject.facts.classes))
    own, given = truth.copy(), probabilities.copy()
    _metric(subject)(own, given)
    require(
        np.array_equal(own, truth) and np.array_equal(given, probabilities),
        "changes what it is given in place; work on a copy",
    )


CHECKS = (
    name_and_direction,
    finite_number,
    absent_class,
    one_class_only,
    direction,
    row_order,
    same_rows_same_score,
    inputs_unmodified,
)


def _metric(subject: Subject) -> Metric:
    metric: Any = subject.build(subject.facts)
    if metric_fault(metric) is not None:
        raise NotApplicable("it is no metric; see name_and_direction")
    found: Metric = metric
    return found


def _require_number(metric: Metric, truth: Ints, probabilities: Floats, what: str) -> None:
    value = metric(truth.copy(), probabilities.copy())
    fault = fault_of(value, getattr(metric, "bounds", NO_BOUNDS))
    require(fault is None, f"gives {fault}{what}; decide what such rows score")


def _score(metric: Metric, truth: Ints, probabilities: Floats) -> float:
    """The score, where it is a number: whether it is, `finite_number` says."""
    value: Any = metric(truth.copy(), probabilities.copy())
    if fault_of(value, NO_BOUNDS) is not None:
        raise NotApplicable("it gives no number; see finite_number")
    return float(value)


def _truth(subject: Subject) -> Ints:
    """Labels of every class, in no order."""
    labels: Ints = np.arange(ROWS) % len(subject.facts.classes)
    return np.random.default_rng(0).permutation(labels)


def _probabilities(truth: Ints, classes: int) -> Floats:
    """Better than chance, `(n, C)`."""
    scores = np.random.default_rng(1).gamma(1.0, size=(len(truth), classes)) + 0.01
    scores[np.arange(len(truth)), truth] += 1
    found: Floats = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    return found


def _certain(labels: Ints | Sequence[int], classes: int) -> Floats:
    """One class alone for each row."""
    rows: Floats = np.eye(classes, dtype=np.float32)[np.asarray(labels) % classes]
    return rows
