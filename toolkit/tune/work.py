"""The loop of a worker: take a trial, carry it out, tell its result, until enough are done.

Any number of workers, on any number of machines, share a study through its storage alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from toolkit.contracts import Event, Notify
from toolkit.tune.lease import Reaper, give_up, leased, reap, requeue
from toolkit.tune.tickets import finished, superfluous
from toolkit.tune.trial import Outcome

_WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Goal:
    """When a study is done."""

    trials: int | None
    """This many completed or pruned trials."""
    deadline: float | None = None
    """No trial starts after this moment of `time.time()`."""
    enough: Callable[[Sequence[FrozenTrial]], str | None] = lambda trials: None
    """Why the study may end before that, judged by its trials."""
    sampled: bool = True
    """Whether trials are sampled; otherwise only queued ones are done."""


def work(
    study: optuna.Study,
    goal: Goal,
    carry_out: Callable[[Trial], Outcome],
    notify: Notify,
    told: Callable[[FrozenTrial], None],
) -> str:
    """Do trials until the goal is reached. Returns why it ended.

    A trial that fails by an exception is failed in the study, and the exception passes.

    Args:
        told: called with every trial that this process finished.
    """
    reaper = Reaper()
    while True:
        for number in reap(study, reaper):
            notify(Event("message", f"trial {number}: its process is gone; it is done again"))
        requeue(study)
        trials = study.get_trials(deepcopy=False)
        ended = _ended(trials, goal)
        if ended is not None:
            return ended
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


def _ended(trials: Sequence[FrozenTrial], goal: Goal) -> str | None:
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
        trial.set_user_attr("withdrawn", reason)
        give_up(study, trial.number)
        return
    try:
        outcome = carry_out(trial)
    except BaseException:
        give_up(study, trial.number)
        raise
    try:
        study.tell(trial, outcome.value, outcome.state)
    except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
        text = "was given up by others, and is done again from what this process left"
        notify(Event("message", f"trial {trial.number}: {text}"))
        return
    told(study.get_trials(deepcopy=False)[trial.number])
