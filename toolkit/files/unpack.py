"""Writes an archive's entries into a new folder: nothing outside of it, and within a bound."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import DataError, UserError, listed
from toolkit.files.entries import Contents, Entry

LIMIT_VARIABLE = "TOOLKIT_UNPACK_GB"
_TIMES, _AT_LEAST = 100, 10**9  # images hardly shrink; what grows a hundred times is no data set
_LEAST = 4096  # bytes that a file takes, however small it is
_CHUNK = 1 << 20


@dataclass
class Bound:
    """How much an archive may hold, so that a small one does not fill a disk."""

    archive: str
    limit: int
    written: int = 0

    @classmethod
    def of(cls, archive: str, size: int) -> Bound:
        """`TOOLKIT_UNPACK_GB`; by default a hundred times the archive's size, and 1 GB at least."""
        text = os.environ.get(LIMIT_VARIABLE)
        if text is None:
            return cls(archive, max(_AT_LEAST, _TIMES * size))
        try:
            return cls(archive, int(float(text) * 1e9))
        except (ValueError, OverflowError) as error:
            raise UserError(f"{LIMIT_VARIABLE}={text}: expected a number of gigabytes") from error

    def require(self, more: int) -> None:
        """Raise `DataError` where so many bytes more are too many."""
        if self.written + more > self.limit:
            raise DataError(
                f"{self.archive}: holds more than {self.limit / 1e9:g} GB, the bound for it "
                f"(100 times its size, and 1 GB at least); if that is right, allow more: "
                f"{LIMIT_VARIABLE} is a number of gigabytes"
            )

    def add(self, count: int) -> None:
        self.require(count)
        self.written += count


@dataclass(frozen=True)
class Written:
    """What was unpacked."""

    files: int
    bytes: int


def unpack(
    archive: str, contents: Contents, folder: Path, bound: Bound, told: Callable[[int], None]
) -> Written:
    """Write every entry below a folder that is new and this process's own. Links come last, so
    that nothing is written through one.

    Args:
        told: told of the files written so far, now and then.

    Raises `DataError` where an entry is refused, `Damaged` where the archive is.
    """
    if contents.declared is not None:
        bound.require(max(contents.declared, _LEAST * (contents.count or 0)))
        _require_space(archive, folder, contents.declared)
    written, links, other = set[str](), list[Entry](), list[str]()
    size = 0
    for entry in contents.entries:
        if entry.kind == "other":
            other.append(entry.path)
        elif entry.kind == "link":
            links.append(entry)
        elif not entry.path:
            continue  # the archive's own folder
        elif entry.kind == "folder":
            _made(archive, entry, folder / entry.path)
        else:
            if entry.path in written:
                raise DataError(
                    f"{archive}: holds two files called {entry.path!r}, and which is meant cannot "
                    "be told; pack the data again"
                )
            size += _write(archive, entry, folder, written, bound)
            written.add(entry.path)
            told(len(written))
    if other:
        raise DataError(
            f"{archive}: {len(other)} entries are devices, FIFOs or sockets ({listed(other, 3)}), "
            "so nothing of it is unpacked; pack the images alone"
        )
    _link(archive, links, folder)
    return Written(len(written), size)


def _require_space(archive: str, folder: Path, declared: int) -> None:
    free = shutil.disk_usage(folder).free
    if declared > free:
        raise UserError(
            f"{archive}: holds {declared / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free at "
            f"{folder.parents[1]}, where it is unpacked; make room (`toolkit cache clear`), or "
            "move the cache with TOOLKIT_CACHE"
        )


def _made(archive: str, entry: Entry, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise _collision(archive, entry) from error
    except OSError as error:
        raise _unwritable(archive, entry, error) from error


def _write(archive: str, entry: Entry, folder: Path, known: set[str], bound: Bound) -> int:
    """Write a file; returns its bytes."""
    target = folder / entry.path
    _made(archive, entry, target.parent)
    bound.require(max(entry.size, _LEAST))
    before = bound.written
    try:
        # Never over another file: on a disk that takes A.jpg and a.jpg for one, it would be lost.
        with open(target, "xb") as out:
            if entry.kind == "copy":
                _copy(archive, entry, folder, known, out.write, bound)
            else:
                assert entry.open is not None
                with entry.open() as content:
                    while chunk := content.read(_CHUNK):
                        bound.add(len(chunk))
                        out.write(chunk)
    except FileExistsError as error:
        raise _collision(archive, entry) from error
    except OSError as error:
        raise _unwritable(archive, entry, error) from error
    size = bound.written - before
    bound.add(max(0, _LEAST - size))
    return size


def _copy(
    archive: str,
    entry: Entry,
    folder: Path,
    known: set[str],
    write: Callable[[bytes], int],
    bound: Bound,
) -> None:
    """The content that a hard link shares with an entry before it."""
    if entry.target not in known:
        raise DataError(
            f"{archive}: its entry {entry.path!r} is a hard link to {entry.target!r}, which is not "
            "in it; pack the data again, with the files that its links name"
        )
    with open(folder / entry.target, "rb") as content:
        while chunk := content.read(_CHUNK):
            bound.add(len(chunk))
            write(chunk)


def _link(archive: str, links: list[Entry], folder: Path) -> None:
    """Make the links, of which none may lead outside, alone or through others."""
    root = os.path.realpath(folder)
    for entry in links:
        place = os.path.dirname(entry.path)
        inside = os.path.normpath(os.path.join(place, entry.target))
        if os.path.isabs(entry.target) or inside.split(os.sep)[0] == ".." or not entry.target:
            raise _leads_out(archive, entry)
        target = folder / entry.path
        _made(archive, entry, target.parent)
        if not _is_inside(str(target.parent), root):
            raise _leads_out(archive, entry)
        try:
            os.symlink(entry.target, target)
        except FileExistsError as error:
            raise _collision(archive, entry) from error
        except OSError as error:
            raise _unwritable(archive, entry, error) from error
    for entry in links:
        if not _is_inside(str(folder / entry.path), root):
            raise _leads_out(archive, entry)


def _is_inside(path: str, root: str) -> bool:
    real = os.path.realpath(path)
    return real == root or real.startswith(root + os.sep)


def _leads_out(archive: str, entry: Entry) -> DataError:
    return DataError(
        f"{archive}: its link {entry.path!r} leads out of it (to {entry.target!r}), so nothing of "
        "it is unpacked; pack the files that its links name"
    )


def _collision(archive: str, entry: Entry) -> DataError:
    return DataError(
        f"{archive}: its entry {entry.path!r} has the place of another one, which this disk takes "
        "for the same name; rename one of them"
    )


def _unwritable(archive: str, entry: Entry, error: OSError) -> OSError | UserError:
    if error.errno in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL):
        return DataError(
            f"{archive}: its entry {entry.path!r} has a name that this disk does not take "
            f"({error.strerror}); choose shorter names"
        )
    return error  # the machine's refusal: no space, no permission
