"""One trial: sampled values become a plan, its folds are trained, its score is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import Trial, TrialState

from toolkit.contracts import Event, Facts
from toolkit.errors import UserError
from toolkit.recipe.plan import Plan
from toolkit.tune.bench import Bench, threads
from toolkit.tune.folder import StudyFolder
from toolkit.tune.objective import Objective, curve_of, epoch_step, fold_step
from toolkit.tune.prune import Pruner
from toolkit.tune.rows import row_of
from toolkit.tune.space import Space

FRESH_SEED = 1_000_003
"""Added to the recipe's seed, it cuts fresh folds and draws fresh weights for a re-score."""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended."""

    state: TrialState
    value: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Study:
    """A study and everything its trials need: what one worker holds."""

    study: optuna.Study
    final: optuna.Study
    """The best trials, scored again on fresh folds."""
    storage: BaseStorage
    """Where both are kept."""
    plan: Plan
    """Of the recipe as it is."""
    space: Space
    objective: Objective
    pruner: Pruner
    bench: Bench
    folder: StudyFolder
    facts: Facts
    alive: Callable[[], None]
    """Called often; raises `KeyboardInterrupt` where this process should stop."""

    @property
    def folds(self) -> range:
        """The folds that a trial trains."""
        return range(self.plan.proxy.folds or self.plan.split.folds)

    @property
    def proxy(self) -> dict[str, Any]:
        """What is laid over every trial to make it cheaper."""
        proxy = self.plan.proxy
        given = {"image.size": proxy.size, "train.epochs": proxy.epochs}
        return {key: value for key, value in given.items() if value is not None}

    def values(self, trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
        """A trial's values by their paths; the incumbent's are the recipe's own."""
        if trial.user_attrs.get("incumbent"):
            return self.space.of_recipe(self.plan, self.facts)
        return dict(trial.user_attrs.get("values", {}))

    def overrides(self, trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
        """What a trial lays over the recipe."""
        if trial.user_attrs.get("incumbent"):
            return {}
        return self.space.overrides(self.values(trial), self.plan, self.facts)


def run_trial(study: Study, trial: Trial) -> Outcome:
    """Carry out a trial of the search."""
    if trial.user_attrs.get("incumbent"):
        known = study.space.incumbent(study.plan, study.facts)
        for entry in study.space.entries:
            if entry.path in known:
                entry.suggest(trial)
    else:
        trial.set_user_attr("values", study.space.suggest(trial))
    frozen = trial.study.get_trials(deepcopy=False)[trial.number]
    plan = study.bench.question.plan(study.bench.host, {**study.overrides(frozen), **study.proxy})
    return _carry_out(study, trial, plan, list(study.folds), prune=True)


def run_rescore(study: Study, trial: Trial) -> Outcome:
    """Score one of the best trials again: as the recipe says, on fresh folds."""
    of = study.study.get_trials(deepcopy=False)[trial.user_attrs["of"]]
    seed = (study.plan.seed + FRESH_SEED) % 2**32
    plan = study.bench.question.plan(study.bench.host, {**study.overrides(of), "seed": seed})
    return _carry_out(study, trial, plan, list(range(plan.split.folds)), prune=False)


def _carry_out(
    study: Study, trial: Trial, plan: Plan, numbers: Sequence[int], *, prune: bool
) -> Outcome:
    bench, objective = study.bench, study.objective
    plan_hash = plan.hash(bench.data(plan).fingerprint)
    place = study.folder.trial(plan_hash) if prune else study.folder.rescore(plan_hash)
    job = bench.job(plan, place)
    trial.set_user_attr("plan", plan_hash)
    trial.set_user_attr("threads", threads())
    watch = _Watch(study, trial, prune=prune)
    watch.show()
    try:
        whole = bench.train(job, numbers, watch)
    except UserError as error:
        if trial.user_attrs.get("incumbent"):
            raise
        trial.set_user_attr("reason", str(error))
        return Outcome(TrialState.PRUNED, reason=str(error))
    trial.set_user_attr("seconds", round(watch.seconds + bench.seconds(job, numbers), 1))
    if not whole:
        trial.set_user_attr("reason", watch.reason)
        return Outcome(TrialState.PRUNED, reason=watch.reason)
    return Outcome(TrialState.COMPLETE, bench.score(job, numbers, objective))


class _Watch:
    """Reports every score to the study, and stops a trial that cannot keep up."""

    def __init__(self, study: Study, trial: Trial, *, prune: bool) -> None:
        self.study, self.trial, self.prune = study, trial, prune
        self.told: dict[int, float] = {}
        self.reason = ""
        self.seconds = 0.0
        """Of the epochs of a fold that is not finished."""

    def epoch(self, fold: int, metrics: Mapping[str, float], /) -> bool:
        self.study.alive()
        epoch = int(metrics["epoch"])
        self.seconds += metrics["seconds"]
        self._tell(epoch_step(fold, epoch), metrics[self.study.objective.name])
        return fold > 0 or self._goes_on()

    def fold(self, fold: int, scores: Mapping[str, float], /) -> bool:
        self.study.alive()
        self.seconds = 0.0
        self._tell(fold_step(fold), scores[self.study.objective.score])
        self.show()
        return self._goes_on()

    def show(self) -> None:
        """Tell who looks on where the trial stands."""
        frozen = self.trial.study.get_trials(deepcopy=False)[self.trial.number]
        self.study.bench.notify(Event("trial", data=row_of(self.study, frozen)))

    def _tell(self, step: int, value: float) -> None:
        self.told[step] = value
        self.trial.report(value, step)

    def _goes_on(self) -> bool:
        if not self.prune or self.trial.user_attrs.get("incumbent"):
            return True
        sign = self.study.objective.sign
        others = [
            curve_of(other.intermediate_values, sign)
            for other in self.trial.study.get_trials(deepcopy=False)
            if other.number != self.trial.number
        ]
        self.reason = self.study.pruner.reason(curve_of(self.told, sign), others) or ""
        return not self.reason
