"""Who works on a trial: a lease of host, process and pulse, so that the trials of the dead are
found and done again. It is kept with the trial, so it works in any storage."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from toolkit.runs.process import place, same_start, started
from toolkit.tune.failures import (
    INTERRUPTED,
    LEASE,
    RETRIES,
    RETRY,
    TICKET,
    died,
    given_up,
    retry_ticket,
    ticket_of,
)
from toolkit.tune.storage import storage_errors

__all__ = ["DEAD_SECONDS", "LEASE", "RETRIES", "Reaper", "leased", "place", "reap", "requeue"]

BEAT_SECONDS = 15.0
DEAD_SECONDS = 90.0
"""Without a pulse for so long, a trial of another machine is given up."""
_JOIN_SECONDS = 10.0


@contextmanager
def leased(trial: Trial) -> Iterator[None]:
    """Hold the lease of a trial that this process carries out; a thread keeps its pulse."""
    stop = threading.Event()
    lease: dict[str, Any] = {
        "place": place(),
        "pid": os.getpid(),
        "started": started(os.getpid()),
        "beat": 0,
    }
    trial.set_user_attr(LEASE, lease)

    def pulse() -> None:
        while not stop.wait(BEAT_SECONDS):
            lease["beat"] += 1
            try:
                trial.set_user_attr(LEASE, dict(lease))
            except optuna.exceptions.UpdateFinishedTrialError:
                return  # others gave it up; the worker hears of it when it tells the result
            # Out of reach for a moment, in whatever way a driver says so: without a pulse a live
            # trial is given up, and the trial itself meets a storage that stays away.
            except Exception:  # noqa: BLE001
                continue

    thread = threading.Thread(target=pulse, daemon=True, name="lease")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_JOIN_SECONDS)  # a driver may wait for an answer; the thread is a daemon


class Reaper:
    """Finds trials whose process is gone.

    On the same machine the process is looked up. Elsewhere the pulse is watched, on this
    process's own clock: the clocks of two machines need not agree.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.seen: dict[int, tuple[Any, float]] = {}

    def dead(self, trial: FrozenTrial) -> bool:
        """Whether nobody carries out this running trial any more."""
        lease = trial.user_attrs.get(LEASE)
        if lease is not None and lease["place"] == place():
            began = started(lease["pid"])
            return began is None or not same_start(began, lease["started"])  # a recycled ID
        beat = None if lease is None else (lease["place"], lease["pid"], lease["beat"])
        last, since = self.seen.get(trial.number, (None, -1.0))
        if since < 0 or last != beat:
            self.seen[trial.number] = (beat, self.clock())
            return False
        return self.clock() - since > DEAD_SECONDS


def reap(study: optuna.Study, reaper: Reaper) -> list[int]:
    """Fail the running trials of dead processes. Returns their numbers."""
    found = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if reaper.dead(trial) and give_up(study, trial.number):
            found.append(trial.number)
    return found


def give_up(study: optuna.Study, number: int) -> bool:
    """Fail a trial; False where somebody else finished it first."""
    try:
        study.tell(number, state=TrialState.FAIL)
    except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
        return False
    return True


def abandon(study: optuna.Study, trial: Trial) -> None:
    """Fail a trial that this process cannot end; whoever goes on does it again, and this is not
    counted against it. Where the storage is out of reach, the lease runs out instead."""
    with suppress(*storage_errors(), OSError, optuna.exceptions.UpdateFinishedTrialError):
        trial.set_user_attr(INTERRUPTED, True)
        give_up(study, trial.number)


def requeue(study: optuna.Study) -> list[int]:
    """Queue every trial that was cut off and that nobody has queued again, with its values.

    A kill between failing a trial and queueing it loses nothing: whoever looks next sees a failed
    trial without a successor. Two that look at once queue it twice; its ticket lets one of them
    count. Returns the numbers of the failed trials.
    """
    trials = study.get_trials(deepcopy=False)
    taken = {ticket_of(trial) for trial in trials}
    lost = [t for t in trials if died(t) and retry_ticket(t.number) not in taken]
    deaths = study.user_attrs if lost else {}
    found = []
    for trial in lost:
        if given_up(trial, deaths):
            continue
        attrs = {k: v for k, v in trial.user_attrs.items() if k in ("incumbent", "of")}
        attrs[TICKET] = retry_ticket(trial.number)
        # An interruption says nothing against the trial.
        attrs[RETRY] = trial.user_attrs.get(RETRY, 0) + (INTERRUPTED not in trial.user_attrs)
        params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        study.enqueue_trial(params, user_attrs=attrs)
        found.append(trial.number)
    return found
