"""Local worker processes: one device each where there are some, the threads shared evenly."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from toolkit.contracts import Event, Notify, ignore
from toolkit.errors import MachineError, ToolkitError, UserError
from toolkit.runs.children import without_main
from toolkit.runs.machine import machine_fault
from toolkit.runs.signals import die_with, interruptible, killed_by

_POLL_SECONDS = 1.0
_RESTARTS = 3
"""A worker that dies so often is not started again."""


@dataclass(frozen=True)
class Orders:
    """What a worker process needs to know; it travels by pickle."""

    recipe: str
    overrides: Mapping[str, Any]
    folder: Path
    name: str
    storage: str | None
    trials: int | None
    deadline: float | None
    rescore: bool
    skip_bad: bool
    threads: int


def work_in_processes(orders: Orders, count: int, notify: Notify, poll: Callable[[], None]) -> None:
    """Run workers until all have ended.

    Args:
        poll: called about once a second; the study is its to look at.

    Raises what a worker raised; a worker that was killed is replaced.
    """
    devices = _devices()
    crew = [_Worker(orders, number, devices) for number in range(count)]
    try:
        while any(not worker.done for worker in crew):
            pipes = [worker.pipe for worker in crew if worker.pending]
            wait([*pipes, *(w.process.sentinel for w in crew if not w.done)], _POLL_SECONDS)
            for worker in crew:
                worker.listen(notify)
            poll()
            time.sleep(0.05)
    except BaseException:
        for worker in crew:
            worker.interrupt()
        raise
    finally:
        for worker in crew:
            worker.process.join()
        poll()
    failed = next((worker.error for worker in crew if worker.error is not None), None)
    if failed is not None:
        raise failed


class _Worker:
    """One worker process, seen from the process that started it."""

    def __init__(self, orders: Orders, number: int, devices: list[str]) -> None:
        self.orders, self.number = orders, number
        self.environment = {"OMP_NUM_THREADS": str(orders.threads)}
        if devices:
            self.environment["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]
        self.error: Exception | None = None
        self.starts = 0
        self.start()

    process: BaseProcess
    pipe: Connection
    pending: bool
    """Whether it may still say something."""
    done: bool = False

    def start(self) -> None:
        self.starts += 1
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe(duplex=False)
        self.process = context.Process(
            target=_main, args=(self.orders, theirs, os.getpid()), name=f"worker {self.number}"
        )
        with _environment(self.environment), without_main():
            self.process.start()
        theirs.close()
        self.pending = True

    def listen(self, notify: Notify) -> None:
        """Pass on what the worker says; start it again where it was killed."""
        while self.pending and self.pipe.poll():
            try:
                kind, text = self.pipe.recv()
            except EOFError:
                self.pending = False
                break
            if kind == "message":
                notify(Event("message", text))
            elif kind == "mistake":
                self.error = UserError(*text.splitlines())
            else:
                self.error = ToolkitError(text)
        code = self.process.exitcode
        if self.pending or code is None or self.done:
            return
        if code < 0 and self.starts <= _RESTARTS:
            text = f"worker {self.number} died (signal {-code}); another takes over"
            notify(Event("message", text))
            self.start()
            return
        self.done = True
        if code < 0:
            self.error = MachineError(
                f"worker {self.number} was ended by {killed_by(code)} {self.starts} times; the "
                "same command goes on; with fewer --workers each has more memory"
            )
        elif code > 0 and self.error is None:
            self.error = ToolkitError(f"worker {self.number} ended with code {code}")

    def interrupt(self) -> None:
        """Let the worker finish its bookkeeping and end."""
        if self.process.is_alive() and self.process.pid is not None:
            # Not SIGINT, which a background job, and what it starts, ignores.
            os.kill(self.process.pid, signal.SIGTERM)


def _main(orders: Orders, pipe: Connection, parent: int) -> None:
    """A worker process."""

    def alive() -> None:
        if os.getppid() != parent:  # killed: this process would work on unseen
            raise KeyboardInterrupt

    def tell(event: Event) -> None:
        if event.stage == "message":
            pipe.send(("message", event.text))

    die_with(parent)
    try:
        with interruptible():
            _work(orders, alive, tell)
    except KeyboardInterrupt:
        pass  # the trial was failed in the study, and is queued again by whoever goes on
    except UserError as error:
        pipe.send(("mistake", "\n".join(error.lines)))
    except Exception as error:  # noqa: BLE001 - shown whole by the process that started this one
        import traceback

        fault = machine_fault(error)
        if fault is not None:
            pipe.send(("mistake", str(fault)))
            return
        pipe.send(("fault", traceback.format_exc()))
    finally:
        pipe.close()


def _work(orders: Orders, alive: Callable[[], None], notify: Notify) -> None:
    import torch

    from toolkit.plugin.host import load_host
    from toolkit.tune.bench import Bench, Question
    from toolkit.tune.folder import StudyFolder
    from toolkit.tune.open import open_study
    from toolkit.tune.storage import close_storage
    from toolkit.tune.tune import goal_of, search
    from toolkit.tune.work import Goal

    torch.set_num_threads(orders.threads)
    host = load_host()
    question = Question(orders.recipe, orders.overrides)
    bench = Bench(question, host, ignore, orders.skip_bad)
    plan = question.plan(host)
    bench.prepare(plan)
    folder = StudyFolder(orders.folder)
    study = open_study(plan, bench, folder, orders.name, orders.storage, alive)
    goal: Goal = goal_of(study, orders.trials, orders.deadline, rescore=orders.rescore)
    try:
        search(study, goal, notify, lambda trial: None, rescore=orders.rescore)
    finally:
        close_storage(study.storage)


def _devices() -> list[str]:
    """The GPUs that this process may use."""
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible:
        return visible.split(",")
    return [str(number) for number in range(torch.cuda.device_count())]


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
