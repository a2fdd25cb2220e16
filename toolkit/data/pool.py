"""Spreads work over processes. What the work holds travels once to each process, not with every
job: with the jobs it would cost the square of their number."""

from __future__ import annotations

import multiprocessing
import pickle
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from toolkit.errors import MachineError, UserError
from toolkit.files import REPORT_SECONDS
from toolkit.runs.children import NEEDS_GUARD, needs_main, without_main

Job = TypeVar("Job")
Result = TypeVar("Result")

_CHUNK = 32  # jobs that a process takes at once, at most
_AHEAD = 4  # chunks a process that wait for it


def in_processes(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    processes: int,
    prepare: Callable[[], None],
    waiting: Callable[[Job, float], None],
) -> Iterator[Result]:
    """The result of every job, as they come.

    Args:
        work: pickles, once for each process.
        prepare: called in each process at its start.
        waiting: told the oldest job in work, and the seconds since anything was done, while
            nothing gets done for long.

    Raises what `work` raises, and `MachineError` where the processes die.
    """
    # Spawned, not forked: the parent may hold threads of OpenMP or CUDA that a fork would break.
    context = multiprocessing.get_context("spawn")
    size = max(1, min(_CHUNK, len(jobs) // (processes * _AHEAD)))
    todo = deque(jobs[start : start + size] for start in range(0, len(jobs), size))
    count = min(processes, len(todo))
    pickled = pickle.dumps(work)
    pool = ProcessPoolExecutor(count, context, _start, (prepare, pickled))
    pending: dict[Future[list[Result]], Sequence[Job]] = {}
    since = time.monotonic()
    try:
        while todo or pending:
            while todo and len(pending) < count * _AHEAD:
                chunk = todo.popleft()
                with without_main(pickled):
                    pending[pool.submit(_each, chunk)] = chunk
            done, _ = wait(pending, REPORT_SECONDS, FIRST_COMPLETED)
            if not done:
                waiting(next(iter(pending.values()))[0], time.monotonic() - since)
                continue
            since = time.monotonic()
            for future in done:
                del pending[future]
                yield from future.result()
    except BrokenProcessPool as error:
        if needs_main(pickled):
            raise UserError(f"the decoding processes died: {NEEDS_GUARD}") from error
        raise MachineError(
            "the decoding processes died, killed by hand or for want of memory: end other "
            "programs; the same command goes on afterwards"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


class _Process:
    """What this process works with. A process of a pool works for one call alone."""

    pickled = b""
    work: Callable[[Any], Any] | None = None


def _start(prepare: Callable[[], None], pickled: bytes) -> None:
    prepare()
    _Process.pickled = pickled


def _each(jobs: Sequence[Any]) -> list[Any]:
    # Unpickled by the first jobs, not at the start: there, an error would only kill the process.
    if _Process.work is None:
        _Process.work = pickle.loads(_Process.pickled)
    return [_Process.work(job) for job in jobs]
