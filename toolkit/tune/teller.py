"""Tells whoever watches, and the recipe's tracker, of a study and of every trial that ends."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from toolkit.contracts import Event, Notify, RunInfo, TrialInfo
from toolkit.model.generators import same_random_numbers
from toolkit.plugin.observers import Trackers
from toolkit.tune.asked import Asked
from toolkit.tune.deaths import failures
from toolkit.tune.rows import row_of, rows_of
from toolkit.tune.tickets import finished
from toolkit.tune.trial import Study


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
            "paths": [entry.path for entry in study.space.entries],
            "objective": study.objective.name,
            "maximize": study.objective.maximize,
            "trials": asked.trials,
            "since": study.since,
            "rows": rows_of(study, study.study.get_trials(deepcopy=False)),
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
        return (self.study.final if self.rescore else self.study.study).get_trials(deepcopy=False)

    def _ended(self) -> set[int]:
        trials = self._trials()
        ended = [*finished(trials), *failures(trials, self.study.deaths)]
        return {trial.number for trial in ended}
