"""Who uses a file: a lock of the operating system, gone with the process however it ends."""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.errors import UserError

_WAIT_SECONDS = 60.0  # for one that removes the file; it holds the lock for milliseconds


class Lease:
    """Held while this object lives. Any number of processes hold one of the same file."""

    def __init__(self, descriptor: int) -> None:
        self.release = weakref.finalize(self, os.close, descriptor)


def hold(file: Path) -> Lease | None:
    """A lease of the file, or None where there is no such file.

    Raises `UserError` where the file's system has no locks.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except (FileNotFoundError, NotADirectoryError):
            return None
        lease = Lease(descriptor)
        locked = _try_lock(descriptor, file, shared=True)
        if locked and _is_still(file, descriptor):
            return lease
        lease.release()
        if time.monotonic() > deadline:
            raise UserError(
                f"{file}: another process has been removing it for {_WAIT_SECONDS:.0f} s; end that "
                "process, or move the cache with TOOLKIT_CACHE"
            )
        time.sleep(0.01)


def _is_still(file: Path, descriptor: int) -> bool:
    """Whether the file is the one that was opened: it may have been removed, or made anew, before
    the lock was had."""
    try:
        return os.path.samestat(os.stat(file), os.fstat(descriptor))
    except FileNotFoundError:
        return False


@contextmanager
def alone(file: Path) -> Iterator[bool]:
    """Whether nobody holds a lease of the file; while that is so, nobody gets one.

    A file that this user may not write is nothing to remove, so it counts as used.
    """
    with _by_name(file) if sys.platform == "win32" else _by_lock(file) as answer:
        yield answer


@contextmanager
def _by_lock(file: Path) -> Iterator[bool]:
    try:
        descriptor = os.open(file, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        yield True
        return
    except OSError:
        yield False
        return
    try:
        yield _try_lock(descriptor, file, shared=False)
    finally:
        os.close(descriptor)


@contextmanager
def _by_name(file: Path) -> Iterator[bool]:
    """For Windows, which renames no file that somebody has open."""
    aside = file.with_suffix(".aside")
    try:
        file.rename(aside)
    except FileNotFoundError:
        yield True
        return
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        if aside.exists():  # it was not removed
            aside.rename(file)


def _try_lock(descriptor: int, file: Path, *, shared: bool) -> bool:
    if sys.platform == "win32":
        return True  # to have it open is enough, see `_by_name`
    import fcntl

    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise UserError(
            f"{file.parents[1]}: its file system has no locks ({error.strerror}); move the cache "
            "with TOOLKIT_CACHE"
        ) from error
    return True
