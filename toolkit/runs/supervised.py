"""What a process that trains leaves for the one that waits for it: where it is.

`toolkit run` and `toolkit tune` work in a child, so that a death in native code, which no Python
code of the dying process sees, is told by its parent. A process dies as a whole, so where it stands
is kept once for the process. Without a supervisor nothing is kept.
"""

from __future__ import annotations

import atexit
import faulthandler
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolkit.runs.signals import die_with

VARIABLE = "TOOLKIT_SUPERVISOR"
"""How the child hears of its supervisor: `<process>:<file>`."""

SIZE = 1 << 14
"""Bytes of the file: room for the longest path. It never grows: a full disk does not matter."""


@dataclass
class _Supervised:
    supervisor: int
    file: int
    at: dict[str, Any] = field(default_factory=dict)


_self: _Supervised | None = None


def begin(told: str) -> None:
    """This process is supervised. `told` is what the variable held."""
    global _self
    supervisor, _, name = told.partition(":")
    die_with(int(supervisor))
    file = os.open(name, os.O_RDWR | getattr(os, "O_BINARY", 0))
    with suppress(OSError):  # Windows removes no open file; there, the supervisor does it
        os.unlink(name)
    _self = _Supervised(int(supervisor), file)
    faulthandler.enable()
    # `os._exit` and C's `exit`, by which a library may end the process, come without.
    atexit.register(mark, ended=True)


def process_id() -> int:
    """The process that a person started, and may stop."""
    return os.getpid() if _self is None else _self.supervisor


def mark(**at: Any) -> None:
    """Say where this process is, beside what was said before; None takes a word back."""
    if _self is None:
        return
    _self.at = {key: value for key, value in {**_self.at, **at}.items() if value is not None}
    os.lseek(_self.file, 0, os.SEEK_SET)
    os.write(_self.file, json.dumps(_self.at).encode().ljust(SIZE)[:SIZE])


def read_marks(file: int) -> dict[str, Any]:
    """Where the child was, read by its supervisor."""
    os.lseek(file, 0, os.SEEK_SET)
    with suppress(ValueError):  # nothing was said
        at: dict[str, Any] = json.loads(os.read(file, SIZE))
        return at
    return {}


@contextmanager
def dying_words(log: Path) -> Iterator[None]:
    """Where this process dies in native code, its Python stack is written to `log`."""
    if _self is None:
        yield
        return
    with log.open("a", encoding="utf-8") as file:
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.enable(sys.__stderr__ or 2)
