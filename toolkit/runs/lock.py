"""One process at a time in a run folder. The lock goes with the process, however it ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from toolkit.errors import RunError
from toolkit.runs.folder import RunFolder
from toolkit.runs.supervised import dying_words, mark, process_id


@contextmanager
def held(folder: RunFolder, *, wait: float = 0) -> Iterator[None]:
    """Hold the run folder. Raises `RunError` where another process holds it.

    Args:
        wait: seconds that it may take the other process to let go.
    """
    lock = FileLock(folder.lock)
    holder = folder.lock.with_name(".lock-holder")
    try:
        lock.acquire(timeout=wait)
    except Timeout as error:
        try:
            who = holder.read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has let go a moment ago
            who = "another process"
        raise RunError(
            f"{folder.path}: this run is under way ({who}); wait for it, or stop it first"
        ) from error
    try:
        who = f"process {process_id()} on {socket.gethostname()}"
        holder.write_text(who, encoding="utf-8", errors="replace")
        with at_work_in(folder):
            yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


@contextmanager
def at_work_in(folder: RunFolder) -> Iterator[None]:
    """Where this process dies inside, it is told which run it worked at."""
    mark(folder=str(folder.path), log=str(folder.log))
    try:
        with dying_words(folder.log):
            yield
    finally:
        mark(stage="end")


def is_held(folder: RunFolder) -> bool:
    """Whether a process is at work in the folder."""
    lock = FileLock(folder.lock)
    if not folder.lock.exists():
        return False
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True
