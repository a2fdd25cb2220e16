"""Archives as folders: unpacked once into the cache, under the digest of their content.

An unpacked archive is a folder `archives/<key>/` with `contents.json`, which says what it is, and
the files in a folder called as the archive. It appears under its name only when it is whole.
Whoever opens one holds a lease of it, which ends with the process: what is in use is never evicted.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from toolkit.errors import DataError
from toolkit.files import Tell, cache_folder, open_regular
from toolkit.files.entries import Contents, Damaged
from toolkit.files.lease import Lease, hold
from toolkit.files.tars import open_tar
from toolkit.files.unpack import Bound, unpack
from toolkit.files.zips import open_zip

CONTENTS = "contents.json"
STORE = "archives"

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_OTHERS = (".7z", ".rar", ".tar.zst", ".tzst", ".tar.lz4", ".tar.z", ".gz", ".bz2", ".xz", ".zst")
_NOT_READ = {b"7z\xbc\xaf'\x1c": "7z", b"Rar!": "RAR", b"\x28\xb5\x2f\xfd": "zstd"}
_VERSION = 1  # raise it when what `unpack` makes of an archive changes
_RACY_SECONDS = 2.0  # one that changed so shortly before may change again at the same time
_BLOCK = 1 << 20  # bytes read at once
_PATIENCE_SECONDS = 5.0
_TOLD = 500  # files between two words of progress

Progress = Callable[[int, int], None]
"""Told of the files written so far, and of all of them; 0 where nobody knows."""


@dataclass(frozen=True)
class Unpacked:
    """An archive's files, which nobody removes while this object lives."""

    archive: str
    """As it was named."""
    root: Path
    """The folder that holds them."""
    files: int
    bytes: int
    notes: tuple[str, ...]
    lease: Lease

    def worded(self, text: str) -> str:
        """A text about the files with the archive's name in the folder's place."""
        return text.replace(str(self.root), self.archive)


def is_archive(path: str | Path) -> bool:
    """Whether a path is an archive's, by its name; a folder is none."""
    name = os.fspath(path).lower()
    return name.endswith((*SUFFIXES, *_OTHERS)) and not os.path.isdir(path)


def archive_in(path: Path) -> Path | None:
    """The archive that a path is, or that it leads into: `data.zip/train.csv`; None without one."""
    if path.is_dir():
        return None
    return next((one for one in (path, *path.parents) if is_archive(one) and one.is_file()), None)


def stem(archive: str | Path) -> str:
    """An archive's name as its folder's: tables may name images by it, `pets/001.jpg`."""
    base = os.path.basename(archive)
    suffix = next((s for s in (*SUFFIXES, *_OTHERS) if base.lower().endswith(s)), "")
    return base[: len(base) - len(suffix)] or "files"


def opened(archive: str | Path, tell: Tell, progress: Progress | None = None) -> Unpacked:
    """An archive's files, unpacked now if the cache does not hold them yet.

    Args:
        tell: told of waiting for another process.

    Raises `DataError` where the archive is not there, is damaged or encrypted, has entries that
    lead out of it, or holds more than the bound.
    """
    name = str(archive)
    try:
        with open_regular(name) as file:
            key = _key(name, file)
            home = cache_folder() / STORE / key
            found = _held(name, home)
            if found is None:
                home.parent.mkdir(parents=True, exist_ok=True)
                # The lock is kept until the files are leased: nobody evicts them in between.
                with _locked(home, tell):
                    found = _held(name, home) or _made(name, file, home, progress)
    except FileNotFoundError as error:
        if error.filename not in (name, None):
            raise
        raise DataError(
            f"{name}: there is no such archive; point elsewhere: --set data.root=FOLDER"
        ) from error
    except OSError as error:
        if error.filename not in (name, None):
            raise
        raise DataError(f"{name}: cannot be read: {error.strerror or error}") from error
    with suppress(OSError):  # a cache that another user filled
        os.utime(found.root.parent)  # the least recently used is evicted first
    return found


def _key(name: str, file: BinaryIO) -> str:
    """What tells the archive's content and name apart; a content that was read before is known by
    the file's size, time and place on the disk."""
    stat = os.fstat(file.fileno())
    stamp = f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ino}"
    place = hashlib.blake2b(os.fsencode(os.path.abspath(name)), digest_size=12).hexdigest()
    pointer = cache_folder() / STORE / f"{place}.json"
    known = contents_of(pointer)
    if known.get("stamp") == stamp and isinstance(known.get("digest"), str):
        digest = known["digest"]
    else:
        digest = _digest(file)
        if stat.st_mtime < time.time() - _RACY_SECONDS:
            with suppress(OSError):  # a cache that cannot be written: said where it is unpacked
                _write_json(pointer, {"stamp": stamp, "digest": digest})
    facts = json.dumps([_VERSION, digest, stem(name)])
    return hashlib.blake2b(facts.encode(errors="surrogateescape"), digest_size=12).hexdigest()


def _digest(file: BinaryIO) -> str:
    digest = hashlib.blake2b(digest_size=16)
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _held(name: str, home: Path) -> Unpacked | None:
    """The whole files of an archive, leased; None where there are none."""
    lease = hold(home / CONTENTS)
    if lease is None:
        return None
    known = contents_of(home / CONTENTS)
    root = home / str(known.get("root", ""))
    if not known or not root.is_dir():
        return None  # removed by hand, or cut by a power failure
    return Unpacked(name, root, known["files"], known["bytes"], tuple(known["notes"]), lease)


def _made(name: str, file: BinaryIO, home: Path, progress: Progress | None) -> Unpacked:
    """Unpack beside the place, and give it its name when it is whole."""
    half_made, inner = home.with_suffix(".tmp"), stem(name)
    shutil.rmtree(half_made, ignore_errors=True)  # of a process that was killed
    root = half_made / inner
    root.mkdir(parents=True)
    try:
        contents = _contents(name, file)
        bound = Bound.of(name, os.fstat(file.fileno()).st_size)

        def told(count: int) -> None:
            if progress is not None and count % _TOLD == 0:
                progress(count, contents.count or 0)

        written = unpack(name, contents, root, bound, told)
        facts = {
            **asdict(written),
            "root": inner,
            "archive": os.path.abspath(name),
            "notes": contents.notes,
        }
        _write_json(half_made / CONTENTS, facts | asdict(written))
        if hasattr(os, "sync"):
            os.sync()  # before the name, so that a power cut leaves no half of it
        shutil.rmtree(home, ignore_errors=True)  # damaged, or it would have been found
        half_made.rename(home)
    except Damaged as damage:
        raise DataError(
            f"{name}: is damaged, cut short, or no archive ({damage}); fetch or pack it again"
        ) from damage
    finally:
        shutil.rmtree(half_made, ignore_errors=True)
    found = _held(name, home)
    if found is None:
        raise DataError(f"{home}: was removed while it was made; start again")
    return found


def _contents(name: str, file: BinaryIO) -> Contents:
    """Opened by what the file is, whatever its name says."""
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    if not head:
        raise DataError(f"{name}: is empty")
    other = next((kind for magic, kind in _NOT_READ.items() if head.startswith(magic)), None)
    if other is not None:
        raise DataError(
            f"{name}: is packed by {other}, which is not read here; unpack it and name the folder, "
            "or pack it as .zip or .tar.gz"
        )
    # An archive without entries begins with the end mark.
    zipped = head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))
    if zipped or name.lower().endswith(".zip"):
        return open_zip(name, file)
    return open_tar(name, file)


@contextmanager
def _locked(home: Path, tell: Tell) -> Iterator[None]:
    """One process unpacks an archive; the others wait, and say so."""
    lock = FileLock(home.with_suffix(".lock"))
    try:
        lock.acquire(timeout=_PATIENCE_SECONDS)
    except Timeout:
        tell(f"waiting for another process that unpacks into {home}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def contents_of(file: Path) -> dict[str, Any]:
    """A file of ours; empty where it is not there or damaged."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_json(file: Path, facts: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.write_text(json.dumps(facts), encoding="utf-8")
    os.replace(part, file)
