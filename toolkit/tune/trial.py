"""One trial: sampled values become a plan, its folds are trained, its score is told."""

from __future__ import annotations

import gc
import math
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import optuna
import torch
from optuna.storages import BaseStorage
from optuna.trial import Trial, TrialState

from toolkit.contracts import Event, Facts
from toolkit.errors import UserError
from toolkit.recipe.plan import Plan
from toolkit.tune.bench import Bench, threads
from toolkit.tune.deaths import failures, reason_of
from toolkit.tune.failure import ends_the_study
from toolkit.tune.folder import StudyFolder
from toolkit.tune.objective import Objective, curve_of, epoch_step, fold_step
from toolkit.tune.prune import Pruner
from toolkit.tune.rows import row_of
from toolkit.tune.space import Space

FRESH_SEED = 1_000_003
"""Added to the recipe's seeds, it cuts fresh folds and draws fresh weights for a re-score."""


def fresh_seed(seed: int) -> int:
    """The seed of a re-score, from that of the recipe."""
    return (seed + FRESH_SEED) % 2**32


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
    since: int = 0
    """Number of the first trial that was not there when the study was started. A failure from
    before that may be mended by now."""

    @property
    def deaths(self) -> dict[str, Any]:
        """Which processes were killed, and by what."""
        return {**self.study.user_attrs, **self.final.user_attrs}

    @property
    def folds(self) -> range:
        """The folds that a trial trains."""
        return range(self.plan.proxy.folds or self.plan.split.folds)

    @property
    def proxy(self) -> dict[str, Any]:
        """What is laid over every trial to make it cheaper."""
        return dict(self.plan.proxy.values)

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
        trial.set_user_attr("outside", not study.space.holds(study.plan, study.facts))
        for entry in study.space.entries:
            if entry.path in known:
                entry.suggest(trial)
    else:
        trial.set_user_attr("values", study.space.suggest(trial))
    show(study, trial)
    frozen = trial.study.get_trials(deepcopy=False)[trial.number]
    with _traced(study, trial, ""):
        overrides = {**study.overrides(frozen), **study.proxy}
        plan = study.bench.question.plan(study.bench.host, overrides)
        return _carry_out(study, trial, plan, list(study.folds), prune=True)


def run_rescore(study: Study, trial: Trial) -> Outcome:
    """Score one of the best trials again: as the recipe says, on fresh folds."""
    show(study, trial)
    of = study.study.get_trials(deepcopy=False)[trial.user_attrs["of"]]
    fresh = {"seed": fresh_seed(study.plan.seed), "split.seed": fresh_seed(study.plan.split.seed)}
    with _traced(study, trial, " on fresh folds"):
        plan = study.bench.question.plan(study.bench.host, {**study.overrides(of), **fresh})
        return _carry_out(study, trial, plan, list(range(plan.split.folds)), prune=False)


def show(study: Study, trial: Trial) -> None:
    """Tell who looks on where a trial stands."""
    frozen = trial.study.get_trials(deepcopy=False)[trial.number]
    study.bench.notify(Event("trial", data=row_of(study, frozen)))


@contextmanager
def _traced(study: Study, trial: Trial, where: str) -> Iterator[None]:
    """Keep the whole traceback of what fails; let go of the memory that it holds."""
    try:
        yield
    except BaseException as error:
        told = isinstance(error, UserError) and error.__cause__ is None
        if not ends_the_study(error) and not told:
            now = datetime.now().isoformat(timespec="seconds")
            with study.folder.log.open("a", encoding="utf-8") as log:
                text = "".join(traceback.format_exception(error))
                log.write(f"{now} trial {trial.number}{where} failed:\n{text}")
        # A model that did not fit would take the next trial's place: its frames hold it.
        traceback.clear_frames(error.__traceback__)
        gc.collect()
        torch.cuda.empty_cache()  # nothing where CUDA was not used
        raise


def _carry_out(
    study: Study, trial: Trial, plan: Plan, numbers: Sequence[int], *, prune: bool
) -> Outcome:
    bench, objective = study.bench, study.objective
    plan_hash = plan.hash(bench.data(plan).fingerprint)
    place = study.folder.trial(plan_hash) if prune else study.folder.rescore(plan_hash)
    job = bench.job(plan, place)
    before = _failed_before(study, trial, plan_hash)
    trial.set_user_attr("plan", plan_hash)
    trial.set_user_attr("threads", threads())
    if before is not None:
        return Outcome(TrialState.FAIL, reason=before)
    watch = _Watch(study, trial, prune=prune)
    whole = bench.train(job, numbers, watch)
    trial.set_user_attr("seconds", round(watch.seconds + bench.seconds(job, numbers), 1))
    if not whole:
        return Outcome(TrialState.PRUNED, reason=watch.reason)
    return Outcome(TrialState.COMPLETE, bench.score(job, numbers, objective))


def _failed_before(study: Study, trial: Trial, plan_hash: str) -> str | None:
    """Why an equal trial failed since the study was started: it would fail again."""
    trials, deaths = trial.study.get_trials(deepcopy=False), study.deaths
    for other in failures(trials, deaths):
        known = other.user_attrs.get("plan") == plan_hash
        if known and trial.study is study.study and other.number >= study.since:
            return f"as trial {other.number}, which tried the same: {reason_of(other, deaths)}"
    return None


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
        show(self.study, self.trial)
        return self._goes_on()

    def _tell(self, step: int, value: float) -> None:
        if not math.isfinite(value):
            raise UserError(f"{self.study.objective.name} is {value}")
        self.told[step] = value
        self.trial.report(value, step)

    def _goes_on(self) -> bool:
        if not self.prune or self.trial.user_attrs.get("incumbent"):
            return True
        sign = self.study.objective.sign
        others = [
            curve_of(other.intermediate_values, sign)
            for other in self.trial.study.get_trials(deepcopy=False)
            # What failed is no measure, and what was cut off is done again.
            if other.number != self.trial.number and other.state != TrialState.FAIL
        ]
        self.reason = self.study.pruner.reason(curve_of(self.told, sign), others) or ""
        return not self.reason
