"""Trials that failed, or whose process died: why, how often they are tried again, and when a study
has seen enough of them.

A process that dies cannot say so: whoever started it keeps the signal with the study. What is
queued on purpose carries a ticket, and one ticket counts once. Several processes may queue the same
trial at the same moment, and no storage offers a lock for that; numbers are given once in each, so
the lowest number with a ticket is the one that counts.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from toolkit.errors import UserError, cause
from toolkit.execute.carry_out import CRASH_RETRIES as CRASH_RETRIES
from toolkit.execute.carry_out import RETRIES as RETRIES
from toolkit.execute.carry_out import retries_after
from toolkit.runs.machine import GOES_ON, machine_fault
from toolkit.runs.process import place
from toolkit.tune.storage import storage_errors

TICKET = "ticket"


RETRY = "retry"


WITHDRAWN = "withdrawn"
"""Why a trial that was queued or started twice is not done."""


INCUMBENT = "incumbent"


def ticket_of(trial: FrozenTrial) -> str | None:
    ticket: str | None = trial.user_attrs.get(TICKET)
    return ticket


def retry_ticket(number: int) -> str:
    return f"retry of {number}"


def superfluous(
    trial: FrozenTrial, trials: Sequence[FrozenTrial], wanted: int | None
) -> str | None:
    """Why a trial that was just started should not be done; None where it should."""
    before = [t for t in trials if t.number < trial.number]
    ticket = ticket_of(trial)
    if ticket is not None and any(ticket_of(t) == ticket for t in before):
        return f"{ticket}: done by another"
    if wanted is not None and sum(t.state != TrialState.FAIL for t in before) >= wanted:
        return f"{wanted} trials are enough"
    return None


def finished(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that count: completed or pruned."""
    return [t for t in trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]


LEASE = "lease"


REASON = "reason"


INTERRUPTED = "interrupted"


def record_death(study: optuna.Study, pid: int, by: str, where: str | None = None) -> None:
    """Keep with the study that a process was killed: by a signal of that name, or by an `EXIT`.

    Args:
        where: its machine (`runs.process.place`); by default this one.
    """
    study.set_user_attr(_key(where or place(), pid), by)


def died(trial: FrozenTrial) -> bool:
    """Whether a trial was cut off: its process died, or was interrupted."""
    attrs = trial.user_attrs
    return trial.state == TrialState.FAIL and WITHDRAWN not in attrs and REASON not in attrs


def given_up(trial: FrozenTrial, deaths: Mapping[str, Any]) -> bool:
    """Whether a trial died too often to be tried again.

    Args:
        deaths: the study's user attributes.
    """
    if not died(trial) or INTERRUPTED in trial.user_attrs:
        return False
    by = _signal(trial, deaths) or ""
    limit = retries_after(by)
    return int(trial.user_attrs.get(RETRY, 0)) >= limit


def failures(trials: list[FrozenTrial], deaths: Mapping[str, Any]) -> list[FrozenTrial]:
    """The trials that failed for good: by themselves, or because their process always died."""
    return [
        trial
        for trial in trials
        if trial.state == TrialState.FAIL
        and WITHDRAWN not in trial.user_attrs
        and (REASON in trial.user_attrs or given_up(trial, deaths))
    ]


def reason_of(trial: FrozenTrial, deaths: Mapping[str, Any]) -> str:
    """Why a trial has no score; empty where it has one, or is under way."""
    if REASON in trial.user_attrs or not died(trial):
        return str(trial.user_attrs.get(REASON, ""))
    if INTERRUPTED in trial.user_attrs:
        return "interrupted"
    name = _signal(trial, deaths)
    times = int(trial.user_attrs.get(RETRY, 0)) + 1
    said = "died" if name is None else f"was killed by {name}"
    text = f"its process {said}" + (f" each of the {times} times it was tried" if times > 1 else "")
    return text + ("; often the system's memory ran out" if name == "SIGKILL" else "")


def _signal(trial: FrozenTrial, deaths: Mapping[str, Any]) -> str | None:
    lease = trial.user_attrs.get(LEASE)
    name = None if lease is None else deaths.get(_key(lease["place"], lease["pid"]))
    return None if name is None else str(name)


def _key(where: str, pid: int) -> str:
    return f"death of {where}:{pid}"


FAILURES = 10
"""A search ends when so many trials in a row failed since it was started."""


_LONGEST = 400  # characters of a reason


# Every trial would meet these, and the same command goes on once they are mended.
_OF_THE_SYSTEM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENFILE, errno.EIO)


def ends_the_study(error: BaseException) -> bool:
    """Whether an exception is not the trial's own: Ctrl-C, a storage out of reach, a full disk."""
    if isinstance(error, (KeyboardInterrupt, *storage_errors())):
        return True
    # A library may write the refusal into its text, and a line for people may be made of both.
    refused = isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM
    refused |= any(os.strerror(number) in str(error) for number in _OF_THE_SYSTEM)
    return refused or (error.__cause__ is not None and ends_the_study(error.__cause__))


def why(error: BaseException) -> str:
    """What a trial failed with, in one line."""
    refused = machine_fault(error)
    if refused is not None:
        text = str(refused).removesuffix(f"; {GOES_ON}")
    elif isinstance(error, UserError):
        text = "; ".join(error.lines)
    else:
        text = cause(error).rstrip(": ")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def no_number(value: float | None) -> bool:
    """Whether a score is none: a study cannot compare it."""
    return value is None or not math.isfinite(value)


def in_a_row(
    trials: Sequence[FrozenTrial], since: int, deaths: Mapping[str, Any]
) -> list[FrozenTrial]:
    """The failures behind the last trial that counts, the latest first.

    Args:
        since: number of the first trial that may count: an earlier start met what may be mended.
        deaths: the study's user attributes.
    """
    lost = {trial.number for trial in failures(list(trials), deaths)}
    ended = [*finished(trials), *(trial for trial in trials if trial.number in lost)]
    ended.sort(key=_end, reverse=True)
    found = []
    for trial in ended:
        if trial.state != TrialState.FAIL:
            break
        if trial.number >= since:
            found.append(trial)
    return found


def _end(trial: FrozenTrial) -> tuple[float, int]:
    ended = trial.datetime_complete
    return (0.0 if ended is None else ended.timestamp(), trial.number)


def hopeless(trials: Sequence[FrozenTrial], since: int, deaths: Mapping[str, Any]) -> str | None:
    """Why the search may end: nothing but failures; None while it should go on."""
    lost = in_a_row(trials, since, deaths)
    return None if len(lost) < FAILURES else f"{len(lost)} trials in a row failed"


def nothing_found(
    trials: Sequence[FrozenTrial], ended: str, deaths: Mapping[str, Any]
) -> UserError:
    """A study without a complete trial: the reasons, each once, with its trials."""
    lost = failures(list(trials), deaths)
    if not lost:
        return UserError(f"no trial is complete: {ended}; the same command goes on")
    reasons: dict[str, list[int]] = {}
    for trial in lost:
        reasons.setdefault(reason_of(trial, deaths), []).append(trial.number)
    lines = [
        f"trial{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}: {reason}"
        for reason, numbers in reasons.items()
    ]
    return UserError(
        *lines,
        f"no trial is complete: {ended}. Mend the reasons above, or the ranges of [tune.space]; "
        "the same command goes on",
    )
