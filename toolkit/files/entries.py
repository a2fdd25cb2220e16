"""What archives hold, in one form for zip and tar."""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import IO, Literal

Kind = Literal["file", "folder", "link", "copy", "other"]


@dataclass(frozen=True)
class Entry:
    """One entry."""

    path: str
    """Below the archive, with `/`."""
    kind: Kind
    """copy: a hard link, to an entry before it; other: a device, a FIFO, a socket."""
    size: int = 0
    """Bytes of a file's content, as the archive declares them."""
    target: str = ""
    """Of a link, as it is written; of a copy, the path of the entry."""
    open: Callable[[], AbstractContextManager[IO[bytes]]] | None = None
    """A file's content; it is read before the next entry is asked for."""


class Damaged(Exception):
    """An archive cannot be read to its end; says why."""


# What the readers of the standard library raise for bytes that are not as they should be.
_FAULTS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    NotImplementedError,
    UnicodeDecodeError,
)


@contextmanager
def reading(name: str = "") -> Iterator[None]:
    """What is wrong with an archive's bytes is raised as `Damaged`.

    Args:
        name: the entry that is read.
    """
    try:
        yield
    except _FAULTS as error:
        raise Damaged(_worded(name, error)) from error
    except OSError as error:
        if error.errno is not None:  # of the disk; for a damaged stream libraries give none
            raise
        raise Damaged(_worded(name, error)) from error


def _worded(name: str, error: BaseException) -> str:
    text = str(error).replace("file could not be opened successfully:\n", "").split("\n")[0]
    text = text or type(error).__name__
    return f"{name}: {text}" if name else text


@dataclass(frozen=True)
class Contents:
    """An opened archive."""

    entries: Iterator[Entry]
    """Raises `Damaged`, or `DataError` for what is refused."""
    notes: list[str]
    """What was found out about its names; complete behind the last entry."""
    declared: int | None = None
    """Bytes of all files, where the archive says so ahead."""
    count: int | None = None
