"""What an executor must hold: each job is carried out once, and how it ended is told."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.contracts import Event
from toolkit.contracts.execute import Job, Outcome, Resources
from toolkit.errors import UserError
from toolkit.testing import executor_jobs
from toolkit.testing.subject import NotApplicable, Subject, require

JOBS = "toolkit.testing.executor_jobs"


@dataclass
class _Opened:
    """An executor that is ready, and what it told."""

    executor: Any
    threads: int
    told: dict[str, list[Event]] = field(default_factory=dict)

    def tell(self, job: Job, event: Event) -> None:
        self.told.setdefault(job.name, []).append(event)

    def job(self, name: str, function: Callable[..., None], folder: Path) -> Job:
        given = {"name": name, "folder": str(folder)}
        job = Job(name, f"{JOBS}:{function.__name__}", given, writes=str(folder))

        def here() -> None:
            function(given, {}, partial(self.tell, job))

        return replace(job, facts=None, here=here) if self.executor.here else job


def every_job_is_done(subject: Subject) -> None:
    """Each job is carried out once, more of them than workers, and its end is told once."""
    with _folder() as folder, _opened(subject, jobs=3, workers=1) as opened:
        names = [f"job {number}" for number in range(3)]
        outcomes = _done(opened, [_writes(opened, name, folder) for name in names])
        require(
            sorted(outcome.job.name for outcome in outcomes) == names,
            f"tells the ends of {[outcome.job.name for outcome in outcomes]}, expected {names}",
        )
        _require_good(outcomes)
        found = {name: _text(folder / name) for name in names}
        require(
            set(found.values()) == {"done\n"},
            f"the jobs' files hold {found} in the folder that they write, expected 'done' once",
        )


def events_are_told(subject: Subject) -> None:
    """What a job tells is told in its order, before its end, and with the job that it is about."""
    with _folder() as folder, _opened(subject, jobs=1) as opened:
        _require_good(_done(opened, [opened.job("tells", executor_jobs.tells, folder)]))
        found = [(e.stage, e.done, e.data.get("loss")) for e in opened.told.get("tells", ())]
        found = [event for event in found if event[0] == "epoch"]
        expected = [("epoch", n, n / 2) for n in range(1, 4)]
        require(found == expected, f"tells {found}, expected {expected}")


def threads_hold(subject: Subject) -> None:
    """`open` returns the threads of a job: those that are asked for."""
    with _folder() as folder, _opened(subject, jobs=1, cpus=1) as opened:
        require(opened.threads == 1, f"open returns {opened.threads}, where cpus = 1 is asked for")
        if opened.executor.here:
            return
        _require_good(_done(opened, [opened.job("counts", executor_jobs.counts, folder)]))
        found = _text(folder / "counts")
        require(found == "1", f"a job has OMP_NUM_THREADS = {found or 'nothing'}, expected 1")


def mistakes_are_told(subject: Subject) -> None:
    """What a job raises is told, each line of a `UserError`; the jobs behind it are done."""
    with _folder() as folder, _opened(subject, jobs=2, workers=1) as opened:
        bad = opened.job("errs", executor_jobs.errs, folder)
        if opened.executor.here:
            _require_raises(opened, bad)
            return
        outcomes = _done(opened, [bad, _writes(opened, "next", folder)])
        errors = {outcome.job.name: outcome.error for outcome in outcomes}
        found = errors["errs"]
        require(
            isinstance(found, UserError) and found.lines == ("first", "second"),
            f"the error is {found!r}, expected a UserError of the two lines that were raised",
        )
        require(errors["next"] is None, "the job behind one that raised is not done")


def deaths_are_told(subject: Subject) -> None:
    """A job whose process dies without a word is told by `died`; the other jobs are done."""
    with _folder() as folder, _opened(subject, jobs=2, workers=1) as opened:
        if opened.executor.here:
            raise NotApplicable("its jobs are carried out in this process")
        jobs = [opened.job("dies", executor_jobs.dies, folder), _writes(opened, "next", folder)]
        died = {outcome.job.name: outcome.died for outcome in _done(opened, jobs)}
        require(bool(died["dies"]), "a job whose process was killed counts as done")
        require(not died["next"], f"the job beside it ends with {died['next']}")


def at_most_workers(subject: Subject) -> None:
    """No more jobs at once than `workers`, and as many where there is room."""
    with _folder() as folder, _opened(subject, jobs=2, workers=2, cpus=1) as opened:
        if opened.executor.here:
            raise NotApplicable("it does one job after the other")
        jobs = [opened.job(name, executor_jobs.meets, folder) for name in ("one", "two")]
        _require_good(_done(opened, jobs))
        alone = [job.name for job in jobs if _text(folder / job.name) != "met"]
        require(not alone, f"job {' and '.join(alone)} met no other, where workers = 2")


def closing_ends_them(subject: Subject) -> None:
    """`close` interrupts what works, so that a job can do its bookkeeping, and waits for it."""
    with _folder() as folder, _opened(subject, jobs=2, workers=2, cpus=1) as opened:
        if opened.executor.here:
            raise NotApplicable("its jobs are carried out in this process")
        opened.executor.submit(opened.job("long", executor_jobs.long, folder))
        opened.executor.submit(opened.job("follows", executor_jobs.follows, folder))
        _require_good([opened.executor.wait()])
        opened.executor.close()
        found = _text(folder / "long")
        require(
            found == "interrupted",
            f"a job that works when the executor is closed is {found}, expected interrupted by a "
            "KeyboardInterrupt, and waited for",
        )


CHECKS = (
    every_job_is_done,
    events_are_told,
    threads_hold,
    mistakes_are_told,
    deaths_are_told,
    at_most_workers,
    closing_ends_them,
)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _opened(
    subject: Subject, *, jobs: int, workers: int | None = None, cpus: int | None = None
) -> Iterator[_Opened]:
    executor = subject.build()
    opened = _Opened(executor, 0)
    if executor.here:
        workers = None
    opened.threads = executor.open(Resources(jobs, workers, cpus, 0 if cpus else None), opened.tell)
    try:
        yield opened
    finally:
        executor.close()


def _done(opened: _Opened, jobs: Sequence[Job]) -> list[Outcome]:
    for job in jobs:
        opened.executor.submit(job)
    return [opened.executor.wait() for _ in jobs]


def _require_good(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        wrong = outcome.died or outcome.error
        require(not wrong, f"{outcome.job.name} ends with {wrong}, though it is a good job")


def _require_raises(opened: _Opened, job: Job) -> None:
    try:
        _done(opened, [job])
    except UserError:
        return
    require(False, "what a job raises does not go through, though `here` says so")


def _writes(opened: _Opened, name: str, folder: Path) -> Job:
    return opened.job(name, executor_jobs.writes, folder)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""
