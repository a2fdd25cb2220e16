"""`toolkit tune`, readable top to bottom."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from toolkit.contracts import Event, Notify, ignore
from toolkit.errors import RunError
from toolkit.plugin.host import Host
from toolkit.recipe.plan import Plan
from toolkit.runs.atomic import write_json
from toolkit.runs.children import refuse_while_a_script_is_run_again
from toolkit.runs.log import log_error
from toolkit.runs.machine import machine_faults
from toolkit.runs.reading import DamagedFile, read_json
from toolkit.train.waiting import waiting
from toolkit.tune.address import without_secrets
from toolkit.tune.asked import Asked
from toolkit.tune.bench import Bench, Question, threads
from toolkit.tune.deaths import failures, record_death
from toolkit.tune.failure import hopeless, nothing_found
from toolkit.tune.folder import StudyFolder, study_folder, study_hash
from toolkit.tune.objective import curve_of
from toolkit.tune.open import check_corners, open_study
from toolkit.tune.result import write_result
from toolkit.tune.rows import candidates
from toolkit.tune.stop import noise, unlikely
from toolkit.tune.storage import check_url, close_storage, out_of_reach, storage_errors
from toolkit.tune.sweep import sweep
from toolkit.tune.teller import Teller
from toolkit.tune.tickets import TICKET, finished
from toolkit.tune.trial import Study, run_rescore, run_trial
from toolkit.tune.work import Goal, ended, work
from toolkit.tune.workers import Orders, work_in_processes


@machine_faults()
def tune(
    question: Question,
    plan: Plan,
    host: Host,
    *,
    asked: Asked,
    runs: Path = Path("runs"),
    notify: Notify = ignore,
    since: int | None = None,
    killed: Mapping[int, str] | None = None,
) -> StudyFolder:
    """Search a recipe's space, or go on with the search; score the best again on fresh folds;
    write the best recipe, `tune.json` and `tune.html`.

    Args:
        question: the recipe's place and what is laid over it.
        plan: the recipe's plan.
        since: number of the first trial that belongs to this start; by default the next one.
        killed: earlier processes of this start, and the signals that ended them.

    Raises `UserError`s with everything that is to mend before any trial, and where every trial
    failed. An interruption leaves the results so far.
    """
    refuse_while_a_script_is_run_again()
    if asked.storage is not None:
        check_url(asked.storage)
    chosen = waiting()
    if chosen is not None:
        notify(Event("message", chosen))
    bench = Bench(question, host, notify, asked.skip_bad)
    data = bench.prepare(plan, verify=asked.verify)
    check_corners(plan, bench, host)
    hash_ = study_hash(plan, data.fingerprint)
    folder = study_folder(runs, plan.name, hash_, date.today())
    name = f"{plan.name}-{hash_[:8]}"
    try:
        study = open_study(plan, bench, folder, name, asked.storage, lambda: None, since)
        try:
            for pid, by in (killed or {}).items():
                _killed(study, pid, by)
            _record(study, hash_, name, asked, notify)
            sweep(study)
            _search_and_rescore(study, hash_, name, asked, notify)
            sweep(study)
        finally:
            close_storage(study.storage)
    except storage_errors() as error:
        failure = out_of_reach(asked.storage, error)
        log_error(folder.log, failure)
        raise failure from None  # it may quote the password
    except BaseException as error:
        log_error(folder.log, error)
        raise
    return folder


def _search_and_rescore(study: Study, hash_: str, name: str, asked: Asked, notify: Notify) -> None:
    teller = Teller(study, asked, notify)
    deadline = None if asked.seconds is None else time.time() + asked.seconds
    why = ""
    try:
        for rescore in (False, True):
            if rescore:
                _queue_the_best(study)
            goal = goal_of(study, asked.trials, deadline, rescore=rescore)
            if rescore and ended(study.final.get_trials(deepcopy=False), goal):
                break
            teller.enter(rescore)
            if asked.workers > 1:
                # A process for each of the few that are scored again: the rest would look on.
                workers = min(asked.workers, goal.trials or 1) if rescore else asked.workers
                orders = _orders(study, name, asked, deadline, rescore, workers)
                work_in_processes(orders, workers, notify, teller.poll, partial(_killed, study))
                reason = ended_because(study, goal)
            else:
                reason = search(study, goal, notify, teller.told, rescore=rescore)
            if not rescore:
                why = reason
                notify(Event("message", f"the search ends: {reason}"))
    finally:
        trials = study.study.get_trials(deepcopy=False)
        if finished(trials) or failures(trials, study.deaths):
            write_result(study, hash_)
    if not any(trial.state == TrialState.COMPLETE for trial in trials):
        raise nothing_found(trials, why, study.deaths)


def _killed(study: Study, pid: int, by: str) -> None:
    """Keep by which signal a process of this study was killed."""
    for each in (study.study, study.final):
        record_death(each, pid, by)


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


def ended_because(study: Study, goal: Goal) -> str:
    """Why workers ended, where they ended by themselves."""
    return ended(study.study.get_trials(deepcopy=False), goal) or "nothing is left to do"


def goal_of(study: Study, trials: int | None, deadline: float | None, *, rescore: bool) -> Goal:
    """When the search is done, or the re-score: the time limit is the search's alone."""
    if rescore:
        queued = study.final.get_trials(deepcopy=False)
        return Goal(len({t.user_attrs["of"] for t in queued}), sampled=False)

    def enough(found: Sequence[FrozenTrial]) -> str | None:
        lost = hopeless(found, study.since, study.deaths)
        if lost is not None:
            return lost
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
    study: Study, name: str, asked: Asked, deadline: float | None, rescore: bool, workers: int
) -> Orders:
    question = study.bench.question
    return Orders(
        question.recipe,
        dict(question.overrides),
        study.folder.path,
        name,
        asked.storage,
        asked.trials,
        deadline,
        rescore,
        asked.skip_bad,
        max(1, threads() // workers),
        study.since,
    )


def _record(study: Study, hash_: str, name: str, asked: Asked, notify: Notify) -> None:
    """Write what is asked; a study that is joined or resumed is checked against it."""
    question = study.bench.question
    storage = None if asked.storage is None else without_secrets(asked.storage)
    facts: dict[str, Any] = {
        "study": hash_,
        "name": name,
        "recipe": question.recipe,
        "overrides": dict(question.overrides),
        "space": study.plan.values["tune"]["space"],
        "proxy": study.plan.values["tune"]["proxy"],
        "objective": study.objective.name,
        "direction": study.objective.direction,
        "storage": storage,
        "resolved": study.plan.values,
    }
    file = study.folder.facts
    if file.is_file():
        try:
            before = read_json(file, keys=["storage"])["storage"]
        except DamagedFile as damage:
            notify(Event("message", f"{damage}; written again, with the storage of this start"))
            before = storage
        before = None if before is None else without_secrets(before)  # one of old may be whole
        if before != storage:
            raise RunError(
                f"{study.folder.path}: this study is kept in {before or 'its folder'}; go on with "
                f"it there{f' (--storage {before})' if before else ', without --storage'}"
            )
    write_json(file, facts)
