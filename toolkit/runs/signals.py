"""Signals that end a process: as an interruption, together with its parent, and by name."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
ENDING = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
"""What asks a process to end: Ctrl-C, `kill`, a terminal that is closed, Windows' Ctrl-Break."""

INTERRUPTED = 130
"""The exit code of a command that was interrupted, as a shell has it: 128 and SIGINT's number."""

_ONE_PRESS = 1.0
"""Seconds. Ctrl-C in a terminal reaches a process twice: itself, and passed on by its parent."""

_PR_SET_PDEATHSIG = 1  # from Linux's prctl.h
_LOOK_SECONDS = 0.5

# What Windows calls a death in native code (ntstatus.h), in the words of POSIX.
_STATUSES = {
    0xC0000005: "SIGSEGV",
    0xC00000FD: "SIGSEGV",
    0xC000001D: "SIGILL",
    0xC0000374: "SIGABRT",
    0xC0000409: "SIGABRT",
}


@contextmanager
def interruptible(clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """SIGTERM and SIGHUP interrupt, as Ctrl-C does: a `KeyboardInterrupt` with the signal's name.

    A signal that is ignored stays so: `nohup` and a shell's background jobs mean it. A second one
    within a second is the same press.
    """
    raised = -_ONE_PRESS

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal raised
        if clock() - raised < _ONE_PRESS:
            return
        raised = clock()
        raise KeyboardInterrupt(signal.Signals(number).name)

    with handling(interrupt):
        yield


@contextmanager
def handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let a function handle what asks this process to end, except what it ignores."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {n: signal.getsignal(n) for n in ENDING if signal.getsignal(n) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, signal.SIG_DFL if old is None else old)


def die_with(parent: int) -> None:
    """Let this process end, at once and without a word, when `parent`, which started it, is gone:
    a killed run must let go of its folder."""
    import ctypes

    if sys.platform == "linux" and not ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL):
        if os.getppid() != parent:  # it was gone before we asked
            os._exit(1)
        return
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent").start()


def _watch(parent: int) -> None:
    """Where the system does not tell, look."""
    import psutil

    try:
        process = psutil.Process(parent)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_LOOK_SECONDS)
    except psutil.NoSuchProcess:
        pass
    os._exit(1)


def killed_by(code: int) -> str | None:
    """The name of the signal that an exit code tells of; None for a process that ended itself."""
    if code in _STATUSES:
        return _STATUSES[code]
    if code >= 0:
        return None
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
