"""Carries jobs out through an executor, and tries those again whose process died."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from toolkit.contracts import Event, Notify
from toolkit.contracts.execute import Executor, Job, Outcome
from toolkit.errors import MachineError
from toolkit.execute.child import EXIT

RETRIES = 3
"""A job whose process was killed so often is not tried again: it may be what kills it."""
CRASH_RETRIES = 1
"""A crash or an exit of native code comes again, unlike a kill from outside."""

CRASHES = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT")


def retries_after(died: str) -> int:
    """How often what died so is tried again."""
    return CRASH_RETRIES if died in CRASHES or died.startswith(EXIT) else RETRIES


def hint(died: str) -> str:
    """What a death often means."""
    return "; often the system's memory ran out" if died == "SIGKILL" else ""


def carry_out(
    executor: Executor,
    jobs: Sequence[Job],
    again: Callable[[Job], Job],
    notify: Notify,
    place: str,
) -> None:
    """Carry out every job, up to the first that fails.

    Args:
        executor: opened already.
        again: the job to do in the place of one that died.
        place: the folder that the results are in, for errors.

    Raises what a job raised, and `MachineError` where one died too often.
    """
    deaths = Counter[str]()
    for job in jobs:
        executor.submit(job)
    left = len(jobs)
    while left:
        outcome = executor.wait()
        if outcome.error is not None:
            raise outcome.error
        if not outcome.died:
            left -= 1
            continue
        deaths[outcome.job.name] += 1
        _mourn(outcome, deaths[outcome.job.name], notify, place)
        executor.submit(again(outcome.job))


def _mourn(outcome: Outcome, times: int, notify: Notify, place: str) -> None:
    """Tell of a job that died. Raises `MachineError` where it did so too often."""
    name, died = outcome.job.name, outcome.died
    if times > retries_after(died):
        raise MachineError(
            f"{place}: {name} was ended by {died}, each of the {times} times that it was tried"
            f"{hint(died)}; the same command goes on behind its last finished epoch; with fewer "
            "--workers each has more memory"
        )
    notify(Event("message", f"{name} was ended by {died}{hint(died)}; it goes on in a new process"))
