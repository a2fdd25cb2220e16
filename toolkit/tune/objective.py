"""What a study maximizes or minimizes, and how a score is named along the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from toolkit.contracts import Facts
from toolkit.recipe.metrics import MONITOR
from toolkit.recipe.plan import Plan
from toolkit.recipe.scores import score_named
from toolkit.score.measures import build_measure


@dataclass(frozen=True)
class Objective:
    """The score that counts."""

    name: str
    """As an epoch's row says it: `clean_f1`."""
    score: str
    """As a fold's scores say it: `macro_f1`, `robust_f1`."""
    maximize: bool

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        return "maximize" if self.maximize else "minimize"

    @property
    def sign(self) -> int:
        """Times this, more is better."""
        return 1 if self.maximize else -1

    def better(self, value: float, than: float) -> bool:
        return self.sign * value > self.sign * than


def objective_of(plan: Plan, facts: Facts) -> Objective:
    """What a plan's search looks at, with the direction that its metric says."""
    named = plan.tune.objective
    score = plan.monitor if named == MONITOR else score_named(named)
    measure = build_measure(score.metric, plan.metrics[score.metric], facts)
    return Objective(score.name, score.key, measure.higher_is_better)


# Steps under which Optuna keeps a trial's scores: epochs of a fold, then the fold itself.
_FOLD = 10_000


def epoch_step(fold: int, epoch: int) -> int:
    """The step of an epoch's score; epochs count from 1."""
    return fold * _FOLD + epoch


def fold_step(fold: int) -> int:
    """The step of a finished fold's score, above those of its epochs."""
    return fold * _FOLD + _FOLD - 1


@dataclass(frozen=True)
class Curve:
    """A trial's scores so far, signed so that more is better."""

    epochs: tuple[float, ...]
    """Of the first fold, in order."""
    folds: tuple[float, ...]
    """Of the finished folds, in order."""


def curve_of(intermediate: Mapping[int, float], sign: int = 1) -> Curve:
    """A trial's curve from what Optuna keeps."""
    steps = sorted(intermediate)
    epochs = [sign * intermediate[step] for step in steps if step < _FOLD - 1]
    folds = [sign * intermediate[step] for step in steps if step % _FOLD == _FOLD - 1]
    return Curve(tuple(epochs), tuple(folds))
