"""A run's score on test images without labels: of each fold's model, and of the folds joined.

Each fold's accuracy is its average thresholded confidence (`confidence.py`), with a threshold of
its own out-of-fold rows. What joining gains no out-of-fold row tells, since one model alone has
predicted it. It is read from the test rows: each fold in turn stands for the truth. How often the
others, joined, give its answer (G), against how often one of them does (S), says what joining
gains on a truth that is as far from the models as they are from each other. The true accuracy A of
a single model may be above or below S, so

    joined = A * (1 + (G / S - 1) * k),   k = (K - 1)^2 / (K (K - 2))

k leads from K - 1 joined folds to K, where the gain grows as variance falls, like 1 - 1/K. Errors
that fall independently make this exact; errors that all folds share make it too low, never a
promise. Two folds leave one, which gains nothing: no gain is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from toolkit.contracts import Floats, Ints
from toolkit.score.confidence import (
    Calibration,
    Confidence,
    calibration_of,
    largest,
    negative_entropy,
    rightness,
    threshold,
)
from toolkit.score.counts import Numbers
from toolkit.score.f1_forecast import confused_as, macro_f1_from
from toolkit.score.votes import Agreement, agreement_of

DRAWS = 400
FEWEST_DRAWS = 100
MOST_ROWS = 40_000_000
"""That all draws together look at."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Member:
    """One fold's model: its labelled rows, which it did not train on, and its test rows."""

    probabilities: Floats
    """Of the calibration rows `(n, C)`."""
    truth: Ints
    units: Ints
    """Unit of each calibration row: rows of one unit are drawn together."""
    test: Floats
    """Of the test rows `(m, C)`, the same rows for every member."""


@dataclass(frozen=True)
class MemberForecast:
    """What one fold's model is expected to score."""

    rows: int
    threshold: float
    calibrated: float
    """Its accuracy on the calibration rows."""
    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class Forecast:
    """What a run is expected to score on its test images."""

    accuracy: float
    macro_f1: float
    accuracy_interval: Interval
    macro_f1_interval: Interval
    gain: float
    """Accuracy that joining the folds adds to their mean."""
    agreement: Agreement
    members: tuple[MemberForecast, ...]


def forecast(
    members: Sequence[Member], joined: Floats, seed: int, draws: int = DRAWS, miss: float = 0.0
) -> Forecast:
    """Forecast the test score of models and of their joined prediction.

    The 95% intervals come from draws that resample units of the calibration rows and test rows,
    choose the measure of confidence (negative entropy, largest probability) anew, and take between
    none and twice of the gain of joining: choices that no label settles.

    Args:
        joined: the joined prediction of the test rows `(m, C)`.
        miss: standard error of the accuracy for what the calibration rows do not show.
    """
    folds = _Folds(members, joined)
    point = folds.ask(negative_entropy, folds.once, np.ones(folds.rows), 1.0)
    rng = np.random.default_rng(seed)
    ways: tuple[Confidence, ...] = (negative_entropy, largest)
    work = sum(len(m.truth) + folds.rows for m in members)
    times = int(np.clip(MOST_ROWS // max(work, 1), min(FEWEST_DRAWS, draws), draws))
    found = np.empty((times, 2))
    for draw in range(times):
        way, of_units = ways[rng.integers(len(ways))], folds.drawn(rng)
        asked = folds.ask(way, of_units, _drawn(rng, folds.rows), rng.uniform(0, 2))
        # What the calibration rows do not show moves both scores alike.
        off = 1 + (rng.normal(0.0, miss) / asked.accuracy if asked.accuracy else 0.0)
        found[draw] = asked.accuracy * off, asked.macro_f1 * off
    alone = [folds.alone(number, float(a)) for number, a in enumerate(point.members)]
    return Forecast(
        point.accuracy,
        point.macro_f1,
        _interval(found[:, 0], point.accuracy),
        _interval(found[:, 1], point.macro_f1),
        gain=point.accuracy - float(point.members.mean()),
        agreement=folds.agreement,
        members=tuple(alone),
    )


class _Asked(NamedTuple):
    """One answer: of the joined prediction, and of each member."""

    accuracy: float
    macro_f1: float
    members: Numbers


class _Folds:
    """What every draw needs, worked out once."""

    def __init__(self, members: Sequence[Member], joined: Floats) -> None:
        self.members, self.labels = members, joined.argmax(axis=1)
        self.rows, self.classes = joined.shape
        self.agreement = agreement_of([m.test for m in members], joined)
        self.units = [np.unique(m.units, return_inverse=True)[1] for m in members]
        self.once = [np.ones(len(m.truth)) for m in members]
        self.read = [m.test.argmax(axis=1) for m in members]
        truth = np.concatenate([m.truth for m in members])
        of_rows = np.concatenate([m.probabilities.argmax(axis=1) for m in members])
        self.confused = confused_as(truth, of_rows, self.classes)
        self.known: dict[Confidence, list[tuple[Calibration, Numbers]]] = {
            way: [(calibration_of(m.probabilities, m.truth, way), way(m.test)) for m in members]
            for way in (negative_entropy, largest)
        }

    def drawn(self, rng: np.random.Generator) -> list[Numbers]:
        """How often each calibration row of each member is drawn, whole units at a time."""
        return [_drawn(rng, int(unit.max()) + 1)[unit] for unit in self.units]

    def ask(
        self, way: Confidence, of_rows: Sequence[Numbers], weights: Numbers, gains: float
    ) -> _Asked:
        """The scores of test rows that count by their weights; the gain of joining, so often."""
        members, right = [], np.zeros(self.rows)
        for (found, score), drawn, read in zip(self.known[way], of_rows, self.read, strict=True):
            overall, own = rightness(found, drawn, score, read)
            members.append(float(np.average(overall, weights=weights)))
            # Where a fold reads the row otherwise, its being right says that the others are wrong.
            right += own * (read == self.labels) / len(self.read)
        gain = gains * self.agreement.gain(weights)
        accuracy = float(np.clip(np.mean(members) * (1 + gain), 0.0, 1.0))
        f1 = macro_f1_from(right, self.labels, weights, accuracy, self.confused)
        return _Asked(accuracy, f1, np.array(members))

    def alone(self, number: int, accuracy: float) -> MemberForecast:
        """The forecast of one fold's model by itself."""
        found, score = self.known[negative_entropy][number]
        once, read = self.once[number], self.read[number]
        _, own = rightness(found, once, score, read)
        return MemberForecast(
            rows=len(once),
            threshold=float(threshold(found.together, once).at[0]),
            calibrated=float(found.right.mean()),
            accuracy=accuracy,
            macro_f1=macro_f1_from(own, read, np.ones(self.rows), accuracy, self.confused),
        )


def _drawn(rng: np.random.Generator, count: int) -> Numbers:
    """How often each of `count` things is drawn, with replacement."""
    return np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64)


def _interval(values: Numbers, point: float) -> Interval:
    """The middle 95%, between 0 and 1, and with the forecast in it: the other measure of
    confidence, which half of the draws ask, may lie to one side."""
    low, high = np.clip(np.quantile(values, [0.025, 0.975]), 0.0, 1.0)
    return min(float(low), point), max(float(high), point)
