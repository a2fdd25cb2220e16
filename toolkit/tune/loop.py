"""The loop of a worker: take a trial, carry it out, tell its result, until enough are done.

Any number of workers, on any number of machines, share a study through its storage alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from toolkit.contracts import Event, Notify
from toolkit.tune.failures import (
    REASON,
    WITHDRAWN,
    ends_the_study,
    finished,
    given_up,
    hopeless,
    no_number,
    reason_of,
    superfluous,
    why,
)
from toolkit.tune.lease import Reaper, abandon, give_up, leased, reap, requeue
from toolkit.tune.objective import curve_of
from toolkit.tune.stopping import noise, unlikely
from toolkit.tune.study import Study
from toolkit.tune.trial import Outcome, run_rescore, run_trial

_WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Goal:
    """When a study is done."""

    trials: int | None
    """This many completed or pruned trials; those that failed do not count."""
    deadline: float | None = None
    """No trial starts after this moment of `time.time()`."""
    enough: Callable[[Sequence[FrozenTrial]], str | None] = lambda trials: None
    """Why the study may end before that, judged by its trials."""
    sampled: bool = True
    """Whether trials are sampled; otherwise only queued ones are done."""


def goal_of(study: Study, trials: int | None, deadline: float | None, *, rescore: bool) -> Goal:
    """When the search is done, or the re-score: the time limit is the search's alone."""
    if rescore:
        queued = study.rescore.get_trials(deepcopy=False)
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


def do_trials(
    study: Study,
    goal: Goal,
    notify: Notify,
    told: Callable[[FrozenTrial], None],
    *,
    rescore: bool,
) -> str:
    """Do trials of the search, or of the re-score, in this process. Returns why it ended."""
    if rescore:
        return work(study.rescore, goal, partial(run_rescore, study), notify, told)
    return work(study.search, goal, partial(run_trial, study), notify, told)


def ended_because(study: Study, goal: Goal) -> str:
    """Why workers ended, where they ended by themselves."""
    return ended(study.search.get_trials(deepcopy=False), goal) or "nothing is left to do"


def work(
    study: optuna.Study,
    goal: Goal,
    carry_out: Callable[[Trial], Outcome],
    notify: Notify,
    told: Callable[[FrozenTrial], None],
) -> str:
    """Do trials until the goal is reached. Returns why it ended.

    A trial that fails by an exception, or whose score is no number, is failed with its reason, and
    the next one is done. What is no trial's own passes: Ctrl-C, a storage out of reach, a full
    disk.

    Args:
        told: called with every trial that this process finished, or gave up for a dead one.
    """
    reaper = Reaper()
    while True:
        reaped = reap(study, reaper)
        requeue(study)
        for number in reaped:
            _mourn(study, number, notify, told)
        trials = study.get_trials(deepcopy=False)
        reason = ended(trials, goal)
        if reason is not None:
            return reason
        running = [t for t in trials if t.state == TrialState.RUNNING]
        waiting = [t for t in trials if t.state == TrialState.WAITING]
        full = goal.trials is not None and len(finished(trials)) + len(running) >= goal.trials
        if not waiting and (full or not goal.sampled):
            if not running:
                return "nothing is left to do"
            time.sleep(_WAIT_SECONDS)  # for the others: one of them may die
            continue
        trial = study.ask()
        with leased(trial):
            _do(study, trial, goal, carry_out, notify, told)


def ended(trials: Sequence[FrozenTrial], goal: Goal) -> str | None:
    """Why the goal is reached; None while it is not."""
    done = finished(trials)
    if goal.trials is not None and len(done) >= goal.trials:
        return f"{len(done)} trials are done"
    if goal.deadline is not None and time.time() >= goal.deadline:
        return "the time is up"
    return goal.enough(trials)


def _do(
    study: optuna.Study,
    trial: Trial,
    goal: Goal,
    carry_out: Callable[[Trial], Outcome],
    notify: Notify,
    told: Callable[[FrozenTrial], None],
) -> None:
    trials = study.get_trials(deepcopy=False)
    reason = superfluous(trials[trial.number], trials, goal.trials)
    if reason is not None:
        trial.set_user_attr(WITHDRAWN, reason)
        give_up(study, trial.number)
        return
    outcome = _outcome(study, trial, carry_out)
    try:
        if outcome.reason:
            trial.set_user_attr(REASON, outcome.reason)
        study.tell(trial, outcome.value, outcome.state)
    except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
        if not study.get_trials(deepcopy=False)[trial.number].state.is_finished():
            raise
        text = "was given up by others, and is done again from what this process left"
        notify(Event("message", f"trial {trial.number}: {text}"))
        return
    told(study.get_trials(deepcopy=False)[trial.number])


def _outcome(study: optuna.Study, trial: Trial, carry_out: Callable[[Trial], Outcome]) -> Outcome:
    """How the trial ended. Third-party code may raise anything, or exit: it is one trial's end."""
    try:
        outcome = carry_out(trial)
    except BaseException as error:
        if ends_the_study(error):
            abandon(study, trial)
            raise
        return Outcome(TrialState.FAIL, reason=why(error))
    if outcome.state == TrialState.COMPLETE and no_number(outcome.value):
        return Outcome(TrialState.FAIL, reason=f"its score is {outcome.value}")
    return outcome


def _mourn(
    study: optuna.Study, number: int, notify: Notify, told: Callable[[FrozenTrial], None]
) -> None:
    """Tell of a trial whose process died."""
    trial, deaths = study.get_trials(deepcopy=False)[number], study.user_attrs
    if given_up(trial, deaths):
        notify(Event("message", f"trial {number} is given up: {reason_of(trial, deaths)}"))
        told(trial)
    else:
        notify(Event("message", f"trial {number}: its process is gone; it is done again"))
