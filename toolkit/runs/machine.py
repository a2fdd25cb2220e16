"""Tells what the machine refuses (disk, rights, memory, processes) from faults of our own.

It is said in one line, with what to do, and ends with exit code 2: nothing is wrong with toolkit,
and nothing is lost.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.errors import MachineError, ToolkitError, cause

WRITING = "while writing "
"""Begins the note that `runs.atomic` adds to an error: which file it was about."""

GOES_ON = "the same command goes on afterwards"

_SPACE = "make room (`toolkit cache` shows the decoded images), or choose another disk"
_ELSEWHERE = "choose another folder (--runs, TOOLKIT_CACHE, TMPDIR)"
_LESS_MEMORY = (
    "lower train.batch_size (and raise train.accumulate), image.size or the number of workers, or "
    "end other programs"
)
_PROCESSES = "raise the limit (ulimit -u), or lower the number of workers"

# What was found, and the next step. `EEXIST` comes of making a folder where a file is.
_REFUSALS = {
    errno.ENOSPC: ("no space is left on its disk", _SPACE),
    errno.EDQUOT: ("the quota of its disk is used up", _SPACE),
    errno.EFBIG: ("a file may not grow so large here", "raise the limit (ulimit -f), or " + _SPACE),
    errno.EACCES: ("no permission", "change its rights, or " + _ELSEWHERE),
    errno.EPERM: ("no permission", "change its rights, or " + _ELSEWHERE),
    errno.EROFS: ("its file system is read-only", _ELSEWHERE),
    errno.ENOTDIR: ("a file is where a folder should be", "move it away, or " + _ELSEWHERE),
    errno.EEXIST: ("a file is where a folder should be", "move it away, or " + _ELSEWHERE),
    errno.EISDIR: ("a folder is where a file should be", "move it away, or choose another name"),
    errno.ENAMETOOLONG: ("its path is too long for this system", "choose shorter names"),
    errno.ELOOP: ("its links lead in a circle", "mend them"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n), or use fewer workers"),
    errno.ENFILE: ("too many files are open on this machine", "end other programs"),
    errno.ENOMEM: ("memory ran out", _LESS_MEMORY),
    errno.EAGAIN: ("no more processes or threads may start", _PROCESSES),
    errno.EIO: ("its disk fails (input/output error)", "look at the disk, or " + _ELSEWHERE),
    errno.ENXIO: ("its device is gone", _ELSEWHERE),
    errno.ENODEV: ("its device is gone", _ELSEWHERE),
    errno.ESTALE: ("its network mount is stale", "mount it again"),
    errno.ENOLCK: ("its file system has no locks", _ELSEWHERE),
    errno.ENOSYS: ("its file system cannot do what is asked", _ELSEWHERE),
    errno.EBUSY: ("it is in use by another program", "end that program"),
}
_WINDOWS_TOO_LONG, _WINDOWS_IN_USE = 206, (32, 33)

# Numbers that libraries write into their texts: Python's, Arrow's, Rust's.
_NUMBER = re.compile(r"(?:[Ee]rrno |os error |Os \{ code: )(\d+)")
_TEXTS = {
    os.strerror(number): number
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENOMEM, errno.EIO)
}
_MEMORY = re.compile(
    r"DefaultCPUAllocator: (?:can't allocate|not enough) memory|Insufficient memory|"
    r"(?:CUDA|HIP|MPS backend) out of memory|ALLOC_FAILED"
)
_ASKED_BYTES = re.compile(r"allocate (\d+) bytes")


def machine_fault(error: BaseException) -> MachineError | None:
    """What the machine refused, in one line; None where an error is something else.

    An error that another one was explicitly raised from counts, too.
    """
    if isinstance(error, ToolkitError):
        return error if isinstance(error, MachineError) else None
    line = _line(error)
    if line is not None:
        return MachineError(f"{line}; {GOES_ON}")
    return None if error.__cause__ is None else machine_fault(error.__cause__)


@contextmanager
def machine_faults() -> Iterator[None]:
    """What the machine refuses inside is raised as `MachineError`."""
    try:
        yield
    except Exception as error:
        fault = machine_fault(error)
        if fault is None or fault is error:
            raise
        raise fault from error


def _line(error: BaseException) -> str | None:
    from concurrent.futures import BrokenExecutor
    from socket import gaierror

    text = str(error)
    if isinstance(error, MemoryError) or _MEMORY.search(text):
        asked = _ASKED_BYTES.search(text)
        size = f" ({int(asked[1]) / 1e9:.1f} GB more were asked for)" if asked else ""
        return f"memory ran out{size}: {_LESS_MEMORY}"
    if isinstance(error, BrokenExecutor):
        return f"a process of ours was killed, by hand or for want of memory: {_LESS_MEMORY}"
    if isinstance(error, RuntimeError) and "DataLoader worker" in text and "(pid" in text:
        return _loader(text)
    if isinstance(error, RuntimeError) and "can't start new thread" in text:
        return f"no more threads may start: {_PROCESSES}"
    if isinstance(error, ConnectionError | TimeoutError | gaierror):
        return f"the network does not answer ({cause(error)}): try again"
    number = _number(error, text)
    if number is None:
        return None
    found, step = _REFUSALS[number]
    where = _place(error)
    return f"{where}: {found}: {step}" if where else f"{found.replace('its ', 'a ', 1)}: {step}"


def _number(error: BaseException, text: str) -> int | None:
    """The refusal's number, one of `_REFUSALS`."""
    if isinstance(error, OSError) and error.errno is not None:
        windows = getattr(error, "winerror", None)
        if windows == _WINDOWS_TOO_LONG:
            return errno.ENAMETOOLONG
        if windows in _WINDOWS_IN_USE:
            return errno.EBUSY
        number: int | None = error.errno
        if number == errno.EEXIST and not _is_file(error):
            return None
        if number == errno.ENOENT and _folder_is_gone(error):
            return errno.ENODEV
    else:
        told = _NUMBER.search(text)
        found = (number for words, number in _TEXTS.items() if words in text)
        number = int(told[1]) if told else next(found, None)
    return number if number in _REFUSALS else None


def _is_file(error: OSError) -> bool:
    return isinstance(error.filename, str) and Path(error.filename).is_file()


def _folder_is_gone(error: OSError) -> bool:
    """Whether a missing file's very folder is missing: removed, or unmounted, under a run."""
    name = error.filename
    return isinstance(name, str) and not Path(name).absolute().parent.is_dir()


def _place(error: BaseException) -> str | None:
    """The file that an error is about."""
    notes = getattr(error, "__notes__", ())
    written = next((n.removeprefix(WRITING) for n in notes if n.startswith(WRITING)), None)
    name = written or getattr(error, "filename", None)
    return os.fsdecode(name) if isinstance(name, str | bytes) else None


def _loader(text: str) -> str:
    if "Bus error" in text or "shm" in text:
        return (
            "a loader process found too little shared memory: make /dev/shm larger (docker run "
            "--shm-size), or set train.workers = 0"
        )
    return f"a loader process was killed, by hand or for want of memory: {_LESS_MEMORY}"
