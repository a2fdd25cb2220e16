"""A job that dies is told and tried again, as often as its death deserves."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest

from toolkit.contracts import Event
from toolkit.contracts.execute import Job, Outcome, Resources, Tell
from toolkit.errors import MachineError, UserError
from toolkit.execute.carry_out import CRASH_RETRIES, RETRIES, carry_out


class Fated:
    """Ends jobs as it was told to."""

    here = False

    def __init__(self, **fates: list[Outcome | str]) -> None:
        self.fates = {name: deque(fate) for name, fate in fates.items()}
        self.jobs: deque[Job] = deque()
        self.tokens: list[int] = []

    def open(self, resources: Resources, tell: Tell, /) -> int:
        return 1

    def submit(self, job: Job, /) -> None:
        self.jobs.append(job)

    def wait(self) -> Outcome:
        job = self.jobs.popleft()
        self.tokens.append(job.facts)
        fate = self.fates[job.name].popleft() if self.fates[job.name] else ""
        return replace(fate, job=job) if isinstance(fate, Outcome) else Outcome(job, died=fate)

    def close(self) -> None:
        pass


def done(executor: Fated) -> list[str]:
    """Carry jobs out. Returns what was told."""
    told: list[Event] = []
    jobs = [Job(name, "", 0) for name in executor.fates]
    carry_out(executor, jobs, lambda job: replace(job, facts=job.facts + 1), told.append, "runs/a")
    return [event.text for event in told]


def test_a_job_that_was_killed_is_tried_again_with_a_token_of_its_own() -> None:
    executor = Fated(one=["SIGKILL", "the death of its node"], other=[])
    assert done(executor) == [
        "one was ended by SIGKILL; often the system's memory ran out; it goes on in a new process",
        "one was ended by the death of its node; it goes on in a new process",
    ]
    assert executor.tokens == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("died", "times"),
    [("SIGKILL", RETRIES), ("SIGSEGV", CRASH_RETRIES), ("an exit with code 3", CRASH_RETRIES)],
)
def test_what_always_dies_is_given_up(died: str, times: int) -> None:
    executor = Fated(one=[died] * 9)
    with pytest.raises(MachineError, match=f"each of the {times + 1} times that it was tried"):
        done(executor)
    assert len(executor.tokens) == times + 1


def test_what_a_job_raises_ends_them_all() -> None:
    error = UserError("first", "second")
    executor = Fated(one=[Outcome(Job("one", "", 0), error=error)], other=[])
    with pytest.raises(UserError) as raised:
        done(executor)
    assert raised.value is error
