"""Trials that fail by themselves: why, in one line, and when a study has seen enough of them."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from toolkit.errors import UserError, cause
from toolkit.runs.machine import GOES_ON, machine_fault
from toolkit.tune.deaths import failures, reason_of
from toolkit.tune.storage import storage_errors
from toolkit.tune.tickets import finished

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
