"""What people and trackers are told of a study while it goes on: a row a trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from optuna.trial import FrozenTrial, TrialState

from toolkit.tune.failures import failures, reason_of
from toolkit.tune.few_folds import again
from toolkit.tune.objective import curve_of

if TYPE_CHECKING:
    from toolkit.tune.study import Study
from copy import deepcopy
from functools import partial
from statistics import fmean

from optuna.trial import Trial

from toolkit.contracts import Event, Notify, RunInfo, TrialInfo
from toolkit.model.generators import same_random_numbers
from toolkit.plugin.observers import Trackers
from toolkit.tune.asked import Asked
from toolkit.tune.failures import finished
from toolkit.tune.study import Study

_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.FAIL: "failed",
}


def row_of(study: Study, trial: FrozenTrial) -> dict[str, Any]:
    """A trial of the search, or of the re-score, as plain values.

    `folds` are the scores of its finished folds; `score` is the out-of-fold score of a complete
    trial, `so_far` what one that was stopped early had: the mean of its folds, or the best epoch of
    the first. A trial that stopped or failed has a `reason`.
    """
    attrs = trial.user_attrs
    deaths = study.deaths if trial.state == TrialState.FAIL else {}
    score = trial.value if trial.state == TrialState.COMPLETE else None
    return {
        "trial": trial.number,
        "of": attrs.get("of"),
        "state": _STATES[trial.state],
        "incumbent": bool(attrs.get("incumbent")),
        "values": study.values(trial) if "of" not in attrs else {},
        "folds": list(curve_of(trial.intermediate_values).folds),
        "score": score,
        "so_far": _so_far(study, trial) if trial.state == TrialState.PRUNED else None,
        "seconds": attrs.get("seconds"),
        "threads": attrs.get("threads"),
        "plan": attrs.get("plan"),
        "reason": reason_of(trial, deaths),
    }


def _so_far(study: Study, trial: FrozenTrial) -> float | None:
    sign = study.objective.sign
    curve = curve_of(trial.intermediate_values, sign)
    if curve.folds:
        return sign * fmean(curve.folds)
    return sign * max(curve.epochs) if curve.epochs else None


def rows_of(study: Study, trials: Sequence[FrozenTrial]) -> list[dict[str, Any]]:
    """The trials that count, those under way, and those that failed."""
    lost = {trial.number for trial in failures(list(trials), study.deaths)}
    return [
        row_of(study, trial)
        for trial in trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        or trial.number in lost
    ]


def show(study: Study, trial: Trial) -> None:
    """Tell whoever watches where a trial stands."""
    frozen = trial.study.get_trials(deepcopy=False)[trial.number]
    study.bench.notify(Event("trial", data=row_of(study, frozen)))


class Teller:
    """Tells whoever watches, and the recipe's tracker, of every trial that ends."""

    def __init__(self, study: Study, asked: Asked, notify: Notify) -> None:
        self.study, self.notify, self.rescore = study, notify, False
        plan, path = study.plan, study.folder.path
        plan_hash = plan.hash(study.bench.data(plan).fingerprint)
        # A copy for the tracker, which may keep and change it, and one for what it is told later.
        given, self.info = (
            RunInfo(path.name, str(path), plan_hash, deepcopy(dict(plan.values))) for _ in range(2)
        )
        track = plan.choices.get(("track",))
        makers = {} if track is None else {track.use: partial(track.build, given)}
        self.trackers = Trackers(
            makers,
            lambda failed: notify(Event("message", str(failed))),
            guard=same_random_numbers,
            entries={} if track is None else {track.use: track.entry},
        )
        self.known = self._ended()
        facts = {
            "folder": str(study.folder.path),
            "paths": [parameter.path for parameter in study.space.parameters],
            "objective": study.objective.name,
            "maximize": study.objective.maximize,
            "trials": asked.trials,
            "again": again(study.plan.split.given),
            "since": study.since,
            "rows": rows_of(study, study.search.get_trials(deepcopy=False)),
        }
        notify(Event("study", data=facts))

    def enter(self, rescore: bool) -> None:
        self.rescore = rescore
        self.known = self._ended()

    def told(self, trial: FrozenTrial) -> None:
        """A trial ended."""
        row = row_of(self.study, trial)
        self.notify(Event("trial", data=row))
        if self.rescore:
            return
        states: dict[str, Any] = {"COMPLETE": "complete", "PRUNED": "pruned"}
        plan = row["plan"] or ""
        info = TrialInfo(
            trial.number,
            states.get(trial.state.name, "failed"),
            row["values"],
            row["score"],
            dict(trial.intermediate_values),
            plan,
            str(self.study.folder.trial(plan).path) if plan else "",
            row["reason"],
        )
        self.trackers.toolkit_trial_end(study=self.info, trial=info)

    def poll(self) -> None:
        """Look for trials that ended in other processes."""
        trials, ended = self._trials(), self._ended()
        for trial in trials:
            if trial.state == TrialState.RUNNING:
                self.notify(Event("trial", data=row_of(self.study, trial)))
            elif trial.number in ended - self.known:
                self.told(trial)
        self.known = ended

    def _trials(self) -> list[FrozenTrial]:
        return (self.study.rescore if self.rescore else self.study.search).get_trials(
            deepcopy=False
        )

    def _ended(self) -> set[int]:
        trials = self._trials()
        ended = [*finished(trials), *failures(trials, self.study.deaths)]
        return {trial.number for trial in ended}
