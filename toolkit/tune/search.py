"""`toolkit tune`, readable top to bottom."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from toolkit.contracts import Event, Notify, ignore
from toolkit.errors import RunError
from toolkit.plugin.host import Host
from toolkit.recipe.plan import Plan
from toolkit.runs.address import without_secrets
from toolkit.runs.atomic import write_json, write_text
from toolkit.runs.children import refuse_while_a_script_is_run_again
from toolkit.runs.log import log_error
from toolkit.runs.machine import machine_faults
from toolkit.runs.process import place
from toolkit.runs.reading import DamagedFile, read_json
from toolkit.train.waiting import waiting
from toolkit.tune.asked import Asked, Question
from toolkit.tune.bench import Bench
from toolkit.tune.best import best_recipe, check_best
from toolkit.tune.checks import check_corners
from toolkit.tune.failures import TICKET, failures, finished, nothing_found, record_death
from toolkit.tune.few_folds import limits
from toolkit.tune.folder import StudyFolder, study_folder, study_hash, sweep
from toolkit.tune.loop import do_trials, ended, ended_because, goal_of
from toolkit.tune.page import draw_page
from toolkit.tune.progress import Teller
from toolkit.tune.result import candidates, result
from toolkit.tune.storage import check_url, close_storage, out_of_reach, storage_errors
from toolkit.tune.study import Study, open_study
from toolkit.tune.workers import Orders, executor_of, work_through


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
    for line in limits(plan):
        notify(Event("message", line))
    check_corners(plan, bench, host)
    hash_ = study_hash(plan, data.fingerprint)
    folder = study_folder(runs, plan.name, hash_, date.today())
    name = f"{plan.name}-{hash_[:8]}"
    try:
        study = open_study(plan, bench, folder, name, asked.storage, lambda: None, since)
        try:
            for pid, by in (killed or {}).items():
                _killed(study, place(), pid, by)
            _record(study, hash_, name, asked, notify)
            searched = ", ".join(str(parameter) for parameter in study.space.parameters)
            notify(Event("message", f"searches {searched}"))
            sweep(folder, study.search, study.rescore)
            _search_and_rescore(study, hash_, name, asked, notify)
            sweep(folder, study.search, study.rescore)
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
            if rescore and ended(study.rescore.get_trials(deepcopy=False), goal):
                break
            teller.enter(rescore)
            executor = executor_of(study.plan, asked.workers)
            if executor is not None:
                # One for each of the few that are scored again: the rest would look on.
                workers = min(asked.workers, goal.trials or 1) if rescore else asked.workers
                orders = _orders(study, name, asked, deadline, rescore)
                killed = partial(_killed, study)
                work_through(executor, study.plan, orders, workers, notify, teller.poll, killed)
                reason = ended_because(study, goal)
            else:
                reason = do_trials(study, goal, notify, teller.told, rescore=rescore)
            if not rescore:
                why = reason
                notify(Event("message", f"the search ends: {reason}"))
    finally:
        trials = study.search.get_trials(deepcopy=False)
        if finished(trials) or failures(trials, study.deaths):
            _write_result(study, hash_)
    if not any(trial.state == TrialState.COMPLETE for trial in trials):
        raise nothing_found(trials, why, study.deaths)


def _write_result(study: Study, hash_: str) -> None:
    """Write `best.toml`, `tune.json` and `tune.html` from the trials so far."""
    facts = result(study, hash_)
    if facts["winner"] is not None:
        trial = study.search.get_trials(deepcopy=False)[facts["winner"]]
        write_text(study.folder.best, best_recipe(study, trial, facts))
        check_best(study, trial)
    write_json(study.folder.report, facts)
    draw_page(study.folder, facts)


def _killed(study: Study, where: str, pid: int, by: str) -> None:
    """Keep by which signal a process of this study was killed."""
    for each in (study.search, study.rescore):
        record_death(each, pid, by, where)


def _queue_the_best(study: Study) -> None:
    """Queue the best trials for fresh folds."""
    there = {t.user_attrs["of"] for t in study.rescore.get_trials(deepcopy=False)}
    for trial in candidates(study, study.search.get_trials(deepcopy=False)):
        if trial.number not in there:
            attrs = {"of": trial.number, TICKET: f"re-score of {trial.number}"}
            study.rescore.enqueue_trial({}, user_attrs=attrs)


def _orders(study: Study, name: str, asked: Asked, deadline: float | None, rescore: bool) -> Orders:
    question = study.bench.question
    return Orders(
        question.recipe,
        dict(question.overrides),
        str(Path.cwd()),
        study.folder.path.absolute(),
        name,
        asked.storage,
        asked.trials,
        deadline,
        rescore,
        asked.skip_bad,
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
