"""Intervals of scores: the bootstrap by its definition, and the quick ways to the same numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from toolkit.contracts import Facts, ImageSpec
from toolkit.score import metrics
from toolkit.score.intervals import DRAWS, FEWEST_DRAWS, Interval, draws_of, intervals
from toolkit.score.metrics import ALWAYS, scores

CLASSES = 4
FACTS = Facts(("a", "b", "c", "d"), (1, 1, 1, 1), ImageSpec(64), seed=0)
EVERY = {
    name: getattr(metrics, name)(FACTS)
    for name in (
        *("macro_f1", "weighted_f1", "accuracy", "balanced_accuracy", "log_loss"),
        *("kappa", "mcc", "top_k", "auc"),
    )
}


def labelled(seed: int, rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Labels of every class, and probabilities that are right more often than not."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(CLASSES), rng.integers(0, CLASSES, rows - CLASSES)])
    logits = rng.normal(0, 1, (rows, CLASSES)) + 2 * np.eye(CLASSES)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return truth, probabilities.astype(np.float32)


def widths(found: Mapping[str, Interval | None]) -> np.ndarray:
    return np.array([high - low for low, high in found.values() if low is not None])


@pytest.mark.parametrize("seed", range(3))
def test_the_intervals_hold_the_scores(seed: int) -> None:
    truth, probabilities = labelled(seed, rows=200)
    point = scores(truth, probabilities, EVERY)
    found = intervals(truth, probabilities, np.arange(200), 0, EVERY, draws=300)
    assert found.keys() == EVERY.keys()
    for name, (low, high) in found.items():
        assert low < point[name] < high


def test_the_interval_of_the_accuracy_has_the_width_of_a_binomial() -> None:
    truth, probabilities = labelled(0, rows=400)
    accuracy = scores(truth, probabilities, ALWAYS)["accuracy"]
    low, high = intervals(truth, probabilities, np.arange(400), 0, ALWAYS)["accuracy"]
    expected = 2 * 1.96 * np.sqrt(accuracy * (1 - accuracy) / 400)
    assert high - low == pytest.approx(expected, rel=0.15)


def test_rows_of_one_unit_are_no_independent_evidence() -> None:
    truth, probabilities = labelled(0, rows=40)
    truth, probabilities = np.repeat(truth, 10), np.repeat(probabilities, 10, axis=0)
    alone = intervals(truth, probabilities, np.arange(400), 0, EVERY, draws=300)
    units = np.repeat(np.arange(40), 10)
    grouped = intervals(truth, probabilities, units, 0, EVERY, draws=300)
    # 40 units of 10 equal rows know as much as 40 rows: intervals sqrt(10) = 3.2 times as wide
    assert (widths(grouped) > 2 * widths(alone)).all()


def test_the_names_of_units_do_not_matter() -> None:
    truth, probabilities = labelled(0)
    units = np.arange(60) // 3
    first = intervals(truth, probabilities, units, 0, ALWAYS, draws=50)
    assert intervals(truth, probabilities, units * 7 + 100, 0, ALWAYS, draws=50) == first


def test_the_seed_decides_the_intervals() -> None:
    truth, probabilities = labelled(0)
    first, again, other = (
        intervals(truth, probabilities, np.arange(60), seed, ALWAYS, draws=50) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_an_interval_does_not_change_with_the_metrics_beside_it() -> None:
    truth, probabilities = labelled(0)
    alone = intervals(truth, probabilities, np.arange(60), 0, ALWAYS, draws=50)
    beside = intervals(truth, probabilities, np.arange(60), 0, EVERY, draws=50)
    assert {name: beside[name] for name in ALWAYS} == alone


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("name", EVERY)
def test_a_quick_interval_is_that_of_the_rows_that_were_drawn(name: str, grouped: bool) -> None:
    truth, probabilities = labelled(3, rows=90)
    units = np.arange(90) // 3 if grouped else np.arange(90)
    found = intervals(truth, probabilities, units, 5, EVERY, draws=60)[name]
    rng, values = np.random.default_rng(5), []
    names, unit = np.unique(units, return_inverse=True)
    for _ in range(60):
        drawn = rng.integers(0, len(names), len(names))
        times = np.bincount(drawn, minlength=len(names))[unit]
        rows = np.repeat(np.arange(90), times)
        values.append(EVERY[name](truth[rows], probabilities[rows]))
    assert found == pytest.approx(np.quantile(values, [0.025, 0.975]), rel=1e-12)


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
    truth = rng.integers(0, 20, 60)
    intervals(truth, probabilities, np.arange(60), 0, ALWAYS, draws=50)
    assert logarithms == [60]
    assert max(lengths) == 60
    assert len(lengths) == 4 * 50  # the units, and once the classes of rows: whatever is asked


def test_a_metric_that_is_asked_anew_has_fewer_draws_where_the_data_is_large() -> None:
    assert draws_of(2_000 * 17) == DRAWS
    assert draws_of(5_000 * 100) == 400
    assert draws_of(1_000_000) == FEWEST_DRAWS
    assert draws_of(1_100_000) == 0  # too few to tell the middle 95%


def test_where_the_data_is_too_large_there_is_no_interval_and_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("toolkit.score.intervals.MOST_PROBABILITIES", 60 * CLASSES * 199)
    truth, probabilities = labelled(0)
    asked: list[int] = []

    def slow(truth: np.ndarray, probabilities: np.ndarray) -> float:
        asked.append(len(truth))
        return 0.5

    found = intervals(truth, probabilities, np.arange(60), 0, {**ALWAYS, "slow": slow})
    assert found["slow"] is None
    assert not asked
    assert None not in [found[name] for name in ALWAYS]
