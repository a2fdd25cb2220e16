"""Who works on a trial: a lease of host, process and pulse, so that the trials of the dead are
found and done again. It is kept with the trial, so it works in any storage."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import optuna
import psutil
from optuna.trial import FrozenTrial, Trial, TrialState

from toolkit.tune.tickets import RETRY, retry_ticket, ticket_of

LEASE = "lease"
BEAT_SECONDS = 15.0
DEAD_SECONDS = 90.0
"""Without a pulse for so long, a trial of another machine is given up."""
RETRIES = 3
"""A trial whose process died so often is not tried again: it may be what kills it."""


@contextmanager
def leased(trial: Trial) -> Iterator[None]:
    """Hold the lease of a trial that this process carries out; a thread keeps its pulse."""
    stop = threading.Event()
    lease: dict[str, Any] = {
        "place": place(),
        "pid": os.getpid(),
        "started": _started(os.getpid()),
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
            except optuna.exceptions.StorageInternalError:
                continue  # out of reach for a moment

    thread = threading.Thread(target=pulse, daemon=True, name="lease")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


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
            began = _started(lease["pid"])
            return began is None or abs(began - lease["started"]) > 2  # seconds: a recycled ID
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


def requeue(study: optuna.Study) -> list[int]:
    """Queue every failed trial that nobody has queued again, with its values.

    A kill between failing a trial and queueing it loses nothing: whoever looks next sees a failed
    trial without a successor. Two that look at once queue it twice; its ticket lets one of them
    count. Returns the numbers of the failed trials.
    """
    trials = study.get_trials(deepcopy=False)
    taken = {ticket_of(trial) for trial in trials}
    found = []
    for trial in trials:
        if trial.state != TrialState.FAIL or "withdrawn" in trial.user_attrs:
            continue
        tries = trial.user_attrs.get(RETRY, 0) + 1
        ticket = retry_ticket(trial.number)
        if ticket in taken or tries > RETRIES:
            continue
        attrs = {k: v for k, v in trial.user_attrs.items() if k in ("incumbent", "of")}
        params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        study.enqueue_trial(params, user_attrs={**attrs, "ticket": ticket, RETRY: tries})
        found.append(trial.number)
    return found


def given_up(trials: list[FrozenTrial]) -> list[int]:
    """Numbers of the trials that died too often."""
    return [
        trial.number
        for trial in trials
        if trial.state == TrialState.FAIL and trial.user_attrs.get(RETRY, 0) >= RETRIES
    ]


def place() -> str:
    """This machine, and the part of its processes that this process can see."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    return f"{socket.gethostname()}/{namespace}"


def _started(pid: int) -> float | None:
    """When a process began; None where there is none."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.Error:
        return None
