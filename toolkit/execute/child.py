"""A process of ours that does a job, seen from the process that started it.

Whatever the job does to its process, the one that waits lives on, and can say by what it died.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from toolkit.contracts import Event
from toolkit.errors import ToolkitError, UserError
from toolkit.runs.children import without_main
from toolkit.runs.machine import machine_fault
from toolkit.runs.signals import die_with, interruptible, killed_by

_POLL_SECONDS = 1.0

EXIT = "an exit with code"
"""What ends a process that a library or a plugin ends, by `os._exit` or C's `exit`."""

INTERRUPTED = "an interruption"
"""What ends a process that somebody asked to end, by Ctrl-C or `kill`."""

Task = Callable[..., object]
"""Called with its arguments, with what raises where the process should end, and with a notify."""


def _always(event: Event) -> bool:
    return True


class Child:
    """A process that carries out a task, and tells events."""

    process: BaseProcess
    pipe: Connection
    pending: bool
    """Whether it may still say something."""
    done: bool
    error: Exception | None = None
    died: str | None
    """The signal that killed it, by its name, or the exit that a library made it take."""
    ended: bool
    """Whether it came to its own end."""
    interrupted: bool
    at_work: bool
    """Whether it came to its work."""

    def __init__(
        self,
        name: str,
        task: Task,
        arguments: tuple[Any, ...],
        environment: Mapping[str, str],
        begins: Callable[[Event], bool] = _always,
    ) -> None:
        """Start the process.

        Args:
            begins: whether an event says that the process came to its work.
        """
        self.name, self.task, self.environment = name, task, environment
        self.arguments, self.begins = arguments, begins
        self.start()

    def start(self) -> None:
        self.pending, self.done, self.died, self.at_work = True, False, None, False
        self.ended = self.interrupted = False
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe(duplex=False)
        self.process = context.Process(
            target=_main, args=(self.task, self.arguments, theirs, os.getpid()), name=self.name
        )
        with _environment(self.environment), without_main():
            self.process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        return self.process.pid or 0

    def listen(self) -> Iterator[Event]:
        """What it told since it was last asked. Behind its last word it is `done` or `died`."""
        while self.pending and self.pipe.poll():
            try:
                kind, said = self.pipe.recv()
            except (EOFError, OSError):  # closed; in the middle of a word, where it was killed
                self.pending = False
                break
            if kind == "event":
                self.at_work |= self.begins(said)
                yield said
            elif kind == "end":
                self.ended = True
            elif kind == "interrupted":
                self.interrupted = True
            elif kind == "mistake":
                self.error = UserError(*said)
            else:
                self.error = ToolkitError(said)
        code = self.process.exitcode
        if self.pending or code is None or self.done:
            return
        self.done = True
        self.died = killed_by(code)
        if self.died is None and self.at_work and not self.ended:
            self.died = f"{EXIT} {code}"
        if self.died is None and self.error is None and (code > 0 or not self.ended):
            self.error = ToolkitError(f"{self.name} ended with code {code}")

    def interrupt(self) -> None:
        """Let it finish its bookkeeping and end."""
        if self.process.is_alive() and self.process.pid is not None:
            # Not SIGINT, which a background job, and what it starts, ignores.
            os.kill(self.process.pid, signal.SIGTERM)


def wait_for(children: Sequence[Child], seconds: float = _POLL_SECONDS) -> None:
    """Wait until one of them says something or ends, or for about a second."""
    pipes = [child.pipe for child in children if child.pending]
    wait([*pipes, *(c.process.sentinel for c in children if not c.done)], seconds)


def dismiss(children: Sequence[Child]) -> None:
    """Let those that still work finish their bookkeeping; a second Ctrl-C ends them at once."""
    for child in children:
        child.interrupt()
    try:
        for child in children:
            while child.process.is_alive():
                list(child.listen())  # a full pipe would hold it
                child.process.join(0.1)
    except KeyboardInterrupt:
        for child in children:
            child.process.kill()
        raise


def _main(task: Task, arguments: tuple[Any, ...], pipe: Connection, parent: int) -> None:
    """The process."""
    die_with(parent)

    def alive() -> None:
        if os.getppid() != parent:
            raise KeyboardInterrupt

    def tell(event: Event) -> None:
        try:
            pipe.send(("event", event))
        except OSError:  # nobody listens any more
            alive()

    try:
        with interruptible():
            task(*arguments, alive, tell)
    except KeyboardInterrupt:
        with suppress(OSError):
            pipe.send(("interrupted", None))
    except UserError as error:
        pipe.send(("mistake", error.lines))
    except Exception as error:  # noqa: BLE001 - shown whole by the process that started this one
        import traceback

        fault = machine_fault(error)
        said = ("fault", traceback.format_exc()) if fault is None else ("mistake", fault.lines)
        pipe.send(said)
    finally:
        with suppress(OSError):  # nobody listens any more
            pipe.send(("end", None))
        pipe.close()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables for a process that is about to start: torch reads them when it is imported."""
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
