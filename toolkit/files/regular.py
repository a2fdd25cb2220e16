"""Opens regular files, and says in words what anything else is."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from toolkit.errors import UserError

# What the system is short of: no fault of the file that happened to be read.
_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}

NOWHERE = "is a link that leads nowhere"


class NoRegularFile(OSError):
    """The path is there, but reading it could block, or has no meaning."""


def open_regular(path: str | Path) -> BinaryIO:
    """A regular file, opened for reading; links are followed.

    Raises `NoRegularFile` for anything else, `OSError` where the file cannot be opened, and
    `UserError` where the system is short of memory or of open files.
    """
    try:
        must_be_regular(os.stat(path))
        # Whatever takes the file's place between the two calls: opening does not wait for it.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags | getattr(os, "O_NOCTTY", 0))
        try:
            must_be_regular(os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        return os.fdopen(descriptor, "rb")
    except OSError as error:
        require_no_shortage(path, error)
        raise
    except ValueError as error:  # a name with a NUL in it
        raise OSError(errno.EINVAL, str(error)) from error


def must_be_regular(found: os.stat_result) -> None:
    """Raise `NoRegularFile` for anything else."""
    if not stat.S_ISREG(found.st_mode):
        raise NoRegularFile(f"is {kind_of(found.st_mode)}; only regular files are read")


def kind_of(mode: int) -> str:
    """What a path leads to that is no regular file, in words."""
    kinds = {
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
        stat.S_IFDIR: "a folder",
    }
    return kinds.get(stat.S_IFMT(mode), "no file")


def require_no_shortage(path: str | Path, error: OSError) -> None:
    """Raise `UserError` where the error says that the system is short of something."""
    if error.errno in _SHORTAGES:
        raise UserError(
            f"{path}: cannot be read now: {error.strerror}; raise the limit (`ulimit -n`) or end "
            "other programs, then start again"
        ) from error


def in_words(error: OSError) -> str:
    """What kept a file from being read, without its name."""
    if isinstance(error, NoRegularFile):
        return str(error)
    return f"cannot be read: {error.strerror or error}"
