"""The metrics of a plan, built: what a run is scored by, and which of them decides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from toolkit.contracts import Facts, Floats, Ints
from toolkit.errors import PluginError
from toolkit.recipe.plan import Choice, Plan
from toolkit.recipe.scores import Score
from toolkit.score.intervals import Interval, intervals
from toolkit.score.metric import Bounds, Metric
from toolkit.score.metrics import Ask, OfCounts, OfRows, scores

NO_BOUNDS: Bounds = (None, None)


@dataclass(frozen=True)
class Measure:
    """A metric, under the name that the recipe gives it."""

    name: str
    metric: Metric
    choice: Choice

    @property
    def sign(self) -> int:
        """Times this, more is better."""
        return 1 if self.metric.higher_is_better else -1

    @property
    def higher_is_better(self) -> bool:
        return self.metric.higher_is_better

    @property
    def bounds(self) -> Bounds:
        return getattr(self.metric, "bounds", NO_BOUNDS)

    def better(self, value: float, than: float) -> bool:
        return self.sign * value > self.sign * than

    def ask(self, where: str, truth: Ints, probabilities: Floats) -> float:
        """The score. Raises `PluginError` where the metric fails, or gives no finite number.

        Args:
            where: what is scored, for the error: `fold 0, epoch 3`.
        """
        with self.choice.blamed(f"fails on {where}"):
            value = self.metric(_read_only(truth), _read_only(probabilities))
        return self.checked(where, value)

    def checked(self, where: str, value: object) -> float:
        """A number between the bounds, or an error that names the metric."""
        fault = fault_of(value, self.bounds)
        if fault is not None:
            whose = self.choice.whose
            raise PluginError(f"{self.choice.component}: gives {fault} for {where}{whose}")
        return float(value)  # type: ignore[arg-type]

    def described(self) -> dict[str, Any]:
        """What `report.json` says of it."""
        return {
            "name": self.name,
            "title": self.metric.name,
            "help": self.choice.entry.help,
            "higher_is_better": self.metric.higher_is_better,
            "bounds": list(self.bounds),
        }


@dataclass(frozen=True)
class Measures:
    """All that a run is scored by."""

    by_name: Mapping[str, Measure]
    monitor: Score

    @property
    def monitored(self) -> Measure:
        """What decides: early stopping, the epoch that is kept, the schedule, the search."""
        return self.by_name[self.monitor.metric]

    def scores(self, where: str, truth: Ints, probabilities: Floats) -> dict[str, float]:
        """Every score, by the metric's name; see `Measure.ask`."""
        return scores(truth, probabilities, self._asked(where))

    def intervals(
        self, where: str, truth: Ints, probabilities: Floats, units: Ints, seed: int
    ) -> dict[str, Interval | None]:
        """95% intervals of every score; see `score.intervals`."""
        asked = self._asked(f"{where}, as the bootstrap draws them")
        return intervals(truth, probabilities, units, seed, asked)

    def described(self) -> list[dict[str, Any]]:
        """What `report.json` says of the metrics."""
        return [measure.described() for measure in self.by_name.values()]

    def _asked(self, where: str) -> dict[str, Ask]:
        """What asks each metric: of ours, itself; of a third party's, with a look at the answer."""
        return {
            name: measure.metric
            if isinstance(measure.metric, OfCounts | OfRows)
            else partial(measure.ask, where)
            for name, measure in self.by_name.items()
        }


def measures_of(plan: Plan, facts: Facts) -> Measures:
    """Build the metrics of a plan. Raises `PluginError` where one is no metric."""
    built = {name: build_measure(name, choice, facts) for name, choice in plan.metrics.items()}
    return Measures(built, plan.monitor)


def build_measure(name: str, choice: Choice, facts: Facts) -> Measure:
    """Build a metric. Raises `PluginError` where what the factory gives is none."""
    metric = choice.build(facts)
    with choice.blamed("its name, direction or bounds cannot be read"):
        fault = metric_fault(metric)
    if fault is not None:
        raise PluginError(f"{choice.component}: {fault}{choice.whose}")
    return Measure(name, metric, choice)


def metric_fault(metric: object) -> str | None:
    """What keeps an object from being a metric; None where nothing does."""
    name = getattr(metric, "name", None)
    if not isinstance(name, str) or not name.strip() or "\n" in name:
        return f"its name is {name!r}, expected a line of text"
    direction = getattr(metric, "higher_is_better", None)
    if not isinstance(direction, bool):
        return f"higher_is_better is {direction!r}, expected True or False"
    if not callable(metric):
        return f"a {type(metric).__name__} cannot be called with (truth, probabilities)"
    bounds = getattr(metric, "bounds", NO_BOUNDS)
    if not isinstance(bounds, tuple) or len(bounds) != 2:
        return f"bounds is {bounds!r}, expected (lowest, highest) with None for an open end"
    if not all(end is None or _is_finite(end) for end in bounds):
        return f"bounds is {bounds!r}, expected numbers, or None for an open end"
    low, high = bounds
    if low is not None and high is not None and low >= high:
        return f"bounds is {bounds!r}, expected the lowest value first"
    return None


def fault_of(value: object, bounds: Bounds) -> str | None:
    """What is wrong with a metric's answer; None where it is a number between the bounds."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return f"a {type(value).__name__}, expected a number,"
    number = float(value)
    if not math.isfinite(number):
        return f"{number}, which is no number,"
    low, high = bounds
    slack = 1e-6  # a mean of many numbers may round beyond the end
    if (low is not None and number < low - slack) or (high is not None and number > high + slack):
        return f"{number:g}, outside of its bounds {low} to {high},"
    return None


def _is_finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _read_only(array: Any) -> Any:
    """A view that cannot be changed: the next metric, and the file, get the same numbers."""
    view = array.view()
    view.flags.writeable = False
    return view


def try_measures(measures: Measures, classes: int) -> None:
    """Ask every metric about a few made-up rows, before anything trains: of all classes, and of
    one alone, which a small fold or a draw of the bootstrap may be. Raises `PluginError`."""
    rows = np.arange(2 * classes) % classes
    certain = np.eye(classes, dtype=np.float32)
    even = np.full((len(rows), classes), 1 / classes, dtype=np.float32)
    for what, truth, probabilities in (
        ("rows of every class", rows, even),
        ("rows that are all right", rows, certain[rows]),
        ("rows of one class", np.zeros_like(rows), even),
    ):
        measures.scores(f"a first try with {what}", truth, probabilities)
