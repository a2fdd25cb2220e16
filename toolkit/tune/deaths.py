"""Trials whose process died: by what, and how often they are tried again.

A process that dies cannot say so. Whoever started it keeps the signal with the study.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from toolkit.tune.child import EXIT
from toolkit.tune.process import place
from toolkit.tune.tickets import RETRY, WITHDRAWN

LEASE = "lease"
REASON = "reason"
INTERRUPTED = "interrupted"
RETRIES = 3
"""A trial whose process was killed so often is not tried again: it may be what kills it."""
CRASH_RETRIES = 1
"""A crash or an exit of native code comes again, unlike a kill from outside."""

_CRASHES = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT")


def record_death(study: optuna.Study, pid: int, by: str) -> None:
    """Keep with the study that a process of this machine was killed: by a signal of that
    name, or by an `EXIT`."""
    study.set_user_attr(_key(place(), pid), by)


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
    limit = CRASH_RETRIES if by in _CRASHES or by.startswith(EXIT) else RETRIES
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
