"""Facts and protocol of executors: what carries folds and studies out, here or elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from toolkit.contracts import Event


@dataclass(frozen=True)
class Job:
    """Work for an executor: a fold to train, or a worker of a study."""

    name: str
    """What people call it: `fold 2`."""
    target: str
    """`"package.module:function"`: carries the work out in any process that has the same packages
    installed, and is called as `function(facts, moved, notify)`. What it returns is dropped: the
    result is in the folder that is written."""
    facts: Any = field(repr=False)
    """What the function needs to know; pickles."""
    reads: tuple[str, ...] = ()
    """Folders of files that are read and never change, absolute paths. A machine that does not see
    one needs a copy; `moved` says where it is: `{path: path of the copy}`."""
    writes: str = ""
    """The folder, an absolute path, that is read and written. A machine that does not see it works
    in another, which `moved` names, and its files are brought back behind the job's end."""
    here: Callable[[], object] | None = field(default=None, repr=False, compare=False)
    """The same work with what this process has in memory already."""


@dataclass(frozen=True)
class Resources:
    """What `[execute]` asks for; None leaves it to the executor."""

    jobs: int
    """How many there are to do."""
    workers: int | None = None
    """At most so many jobs at once."""
    cpus: int | None = None
    """Threads of a job."""
    gpus: float | None = None
    """Of a job; below 1, several share one."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended; without `error` and `died` it is done."""

    job: Job
    error: Exception | None = None
    """What it raised: a `UserError`, or a `ToolkitError` that holds the traceback's text."""
    died: str = ""
    """What ended its process, or its machine, without a word: `SIGKILL`, `its node is gone`."""


Tell = Callable[[Job, Event], None]
"""Told of every event of a job, in the process that waits."""


class Executor(Protocol):
    """Carries jobs out somewhere. A job that dies is told, never tried again: the host decides.

    It is opened once, used by one thread, and closed however it ends. A job's process has
    `OMP_NUM_THREADS` set to its threads.
    """

    here: bool
    """Whether jobs are carried out in this process, one after the other, by `Job.here`; what they
    raise then goes through."""

    def open(self, resources: Resources, tell: Tell, /) -> int:
        """Get ready. Returns the threads that each job will train with."""

    def submit(self, job: Job, /) -> None:
        """Take a job; returns at once."""

    def wait(self) -> Outcome:
        """How the next job ended, whichever it is; meanwhile events are told. A job that is not
        done wrote nothing behind this, unless its machine is out of sight."""

    def close(self) -> None:
        """End the jobs that still work: each is interrupted (`KeyboardInterrupt`), and waited
        for."""
