"""One trial: sampled values become a plan, its folds are trained, its score is told."""

from __future__ import annotations

import gc
import math
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import torch
from optuna.trial import Trial, TrialState

from toolkit.errors import UserError
from toolkit.recipe.plan import Plan
from toolkit.tune.bench import threads
from toolkit.tune.failures import ends_the_study, failures, reason_of
from toolkit.tune.few_folds import again
from toolkit.tune.objective import curve_of, epoch_step, fold_step
from toolkit.tune.progress import show
from toolkit.tune.study import Study, fresh_seed


@dataclass(frozen=True)
class Outcome:
    """How a trial ended."""

    state: TrialState
    value: float | None = None
    reason: str = ""


def run_trial(study: Study, trial: Trial) -> Outcome:
    """Carry out a trial of the search."""
    if trial.user_attrs.get("incumbent"):
        known = study.space.incumbent(study.plan, study.facts)
        trial.set_user_attr("outside", not study.space.holds(study.plan, study.facts))
        for parameter in study.space.parameters:
            if parameter.path in known:
                parameter.suggest(trial)
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
    of = study.search.get_trials(deepcopy=False)[trial.user_attrs["of"]]
    fresh = {"seed": fresh_seed(study.plan.seed), "split.seed": fresh_seed(study.plan.split.seed)}
    with _traced(study, trial, f" {again(study.plan.split.given)}"):
        plan = study.bench.question.plan(study.bench.host, {**study.overrides(of), **fresh})
        return _carry_out(study, trial, plan, list(range(plan.folds)), prune=False)


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
        if known and trial.study is study.search and other.number >= study.since:
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
