"""`toolkit tune`, readable top to bottom."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from toolkit.contracts import Event, Notify, RunInfo, TrialInfo, ignore
from toolkit.errors import RunError
from toolkit.plugin.host import Host
from toolkit.plugin.observers import Trackers
from toolkit.recipe.plan import Plan
from toolkit.runs.atomic import write_json
from toolkit.runs.children import refuse_while_a_script_is_run_again
from toolkit.runs.log import log_error
from toolkit.runs.machine import machine_faults
from toolkit.train.components import check_components
from toolkit.train.state import same_random_numbers
from toolkit.train.waiting import waiting
from toolkit.tune.bench import Bench, Question, threads
from toolkit.tune.folder import StudyFolder, read_json, study_folder, study_hash
from toolkit.tune.objective import curve_of
from toolkit.tune.open import corner_plans, open_study
from toolkit.tune.result import write_result
from toolkit.tune.rows import candidates, row_of, rows_of
from toolkit.tune.stop import noise, unlikely
from toolkit.tune.storage import check_url, close_storage
from toolkit.tune.tickets import TICKET, finished
from toolkit.tune.trial import Study, run_rescore, run_trial
from toolkit.tune.work import Goal, work
from toolkit.tune.workers import Orders, work_in_processes


@dataclass(frozen=True)
class Asked:
    """What a person asked for beside the recipe."""

    trials: int | None
    """Completed and pruned trials of the study in all; None: as many as the time allows."""
    seconds: float | None = None
    workers: int = 1
    storage: str | None = None
    skip_bad: bool = False
    verify: bool = False


@machine_faults()
def tune(
    question: Question,
    plan: Plan,
    host: Host,
    *,
    asked: Asked,
    runs: Path = Path("runs"),
    notify: Notify = ignore,
) -> StudyFolder:
    """Search a recipe's space, or go on with the search; score the best again on fresh folds;
    write the best recipe, `tune.json` and `tune.html`.

    Args:
        question: the recipe's place and what is laid over it.
        plan: the recipe's plan.

    Raises `UserError`s with everything that is to mend before any trial. An interruption leaves
    the results so far.
    """
    refuse_while_a_script_is_run_again()
    if asked.storage is not None:
        check_url(asked.storage)
    chosen = waiting()
    if chosen is not None:
        notify(Event("message", chosen))
    bench = Bench(question, host, notify, asked.skip_bad)
    data = bench.prepare(plan, verify=asked.verify)
    for corner in corner_plans(plan, bench, host):
        check_components(corner, data.table, notify)
    hash_ = study_hash(plan, data.fingerprint)
    folder = study_folder(runs, plan.name, hash_, date.today())
    name = f"{plan.name}-{hash_[:8]}"
    study = open_study(plan, bench, folder, name, asked.storage, lambda: None)
    _record(study, hash_, name, asked)
    teller = _Teller(study, asked, notify)
    deadline = None if asked.seconds is None else time.time() + asked.seconds
    try:
        for rescore in (False, True):
            if rescore:
                _queue_the_best(study)
            goal = goal_of(study, asked.trials, deadline, rescore=rescore)
            teller.enter(rescore)
            # A process for each of the few that are scored again: the rest would look on.
            workers = min(asked.workers, goal.trials or 1) if rescore else asked.workers
            if workers > 1:
                orders = _orders(question, folder, name, asked, deadline, rescore, workers)
                work_in_processes(orders, workers, notify, teller.poll)
            else:
                reason = search(study, goal, notify, teller.told, rescore=rescore)
                if not rescore:
                    notify(Event("message", f"the search ends: {reason}"))
    except BaseException as error:
        log_error(folder.log, error)
        raise
    finally:
        if finished(study.study.get_trials(deepcopy=False)):
            write_result(study, hash_)
        close_storage(study.storage)
    return folder


def search(
    study: Study,
    goal: Goal,
    notify: Notify,
    told: Callable[[FrozenTrial], None],
    *,
    rescore: bool,
) -> str:
    """Do trials of the search, or of the re-score, in this process. Returns why it ended."""
    if rescore:
        return work(study.final, goal, partial(run_rescore, study), notify, told)
    return work(study.study, goal, partial(run_trial, study), notify, told)


def goal_of(study: Study, trials: int | None, deadline: float | None, *, rescore: bool) -> Goal:
    """When the search is done, or the re-score: the time limit is the search's alone."""
    if rescore:
        queued = study.final.get_trials(deepcopy=False)
        return Goal(len({t.user_attrs["of"] for t in queued}), sampled=False)

    def enough(found: Sequence[FrozenTrial]) -> str | None:
        sign, folds = study.objective.sign, len(study.folds)
        done = sorted(finished(found), key=lambda t: t.datetime_complete or t.datetime_start or 0)
        curves = [curve_of(t.intermediate_values, sign) for t in done]
        scores = [
            sign * t.value if t.state == TrialState.COMPLETE and t.value is not None else None
            for t in done
        ]
        return unlikely(scores, noise(curves, folds), study.plan.tune.patience)

    return Goal(trials, deadline, enough)


def _queue_the_best(study: Study) -> None:
    """Queue the best trials for fresh folds."""
    there = {t.user_attrs["of"] for t in study.final.get_trials(deepcopy=False)}
    for trial in candidates(study, study.study.get_trials(deepcopy=False)):
        if trial.number not in there:
            attrs = {"of": trial.number, TICKET: f"re-score of {trial.number}"}
            study.final.enqueue_trial({}, user_attrs=attrs)


def _orders(
    question: Question,
    folder: StudyFolder,
    name: str,
    asked: Asked,
    deadline: float | None,
    rescore: bool,
    workers: int,
) -> Orders:
    return Orders(
        question.recipe,
        dict(question.overrides),
        folder.path,
        name,
        asked.storage,
        asked.trials,
        deadline,
        rescore,
        asked.skip_bad,
        max(1, threads() // workers),
    )


def _record(study: Study, hash_: str, name: str, asked: Asked) -> None:
    """Write what is asked; a study that is joined or resumed is checked against it."""
    question = study.bench.question
    facts: dict[str, Any] = {
        "study": hash_,
        "name": name,
        "recipe": question.recipe,
        "overrides": dict(question.overrides),
        "space": study.plan.values["tune"]["space"],
        "proxy": study.plan.values["tune"]["proxy"],
        "objective": study.objective.name,
        "direction": study.objective.direction,
        "storage": asked.storage,
        "resolved": study.plan.values,
    }
    file = study.folder.facts
    if file.is_file():
        before = read_json(file)["storage"]
        if before != asked.storage:
            raise RunError(
                f"{study.folder.path}: this study is kept in {before or 'its folder'}; go on with "
                f"it there{f' (--storage {before})' if before else ', without --storage'}"
            )
    write_json(file, facts)


class _Teller:
    """Tells whoever watches, and the recipe's tracker, of every trial that ends."""

    def __init__(self, study: Study, asked: Asked, notify: Notify) -> None:
        self.study, self.notify, self.rescore = study, notify, False
        info = RunInfo(
            study.folder.path.name, str(study.folder.path), study.plan.name, study.plan.values
        )
        track = study.plan.choices.get(("track",))
        makers = {} if track is None else {track.use: partial(track.build, info)}
        self.info = info
        self.trackers = Trackers(
            makers, lambda failed: notify(Event("message", str(failed))), guard=same_random_numbers
        )
        self.known = self._ended()
        facts = {
            "folder": str(study.folder.path),
            "paths": [entry.path for entry in study.space.entries],
            "objective": study.objective.name,
            "maximize": study.objective.maximize,
            "trials": asked.trials,
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
        info = TrialInfo(
            trial.number,
            states.get(trial.state.name, "failed"),
            row["values"],
            row["score"],
            dict(trial.intermediate_values),
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
        return {trial.number for trial in finished(self._trials())}
