"""Digests of file contents. Each file is read once: what is known of it from an earlier start is
taken as long as its size, time and place on the disk stay the same."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass

from toolkit.contracts import Event, Notify
from toolkit.data.known import Known
from toolkit.errors import UserError
from toolkit.files import in_threads, open_regular, require_no_shortage

_BLOCK = 1 << 20  # bytes read at once
_RACY_SECONDS = 2.0
"""A file that changed so shortly before it was read may change again within the resolution of its
time (2 s on FAT): its digest is not kept."""
_KEPT_AT_ONCE = 50_000


@dataclass(frozen=True)
class _Read:
    """A digest, and what the file was like while it was read; no stamp where that is unsure."""

    digest: str | None
    stamp: str | None


def content_digests(
    paths: Iterable[str], notify: Notify, known: Known | None = None, *, verify: bool = False
) -> dict[str, str | None]:
    """Digest (32 hex digits) of the content of every file; None where there is no file that can
    be read.

    Args:
        known: what earlier starts found out; it learns the new.
        verify: read every file, whatever is known.

    Raises `UserError` where reading a file takes longer than the bound.
    """
    wanted = list(dict.fromkeys(paths))

    def tell(text: str) -> None:
        notify(Event("message", text))

    found: dict[str, str | None] = {}
    if known is not None and not verify:
        stamps = {path: stamp for path, stamp in in_threads(_stamp, wanted, tell) if stamp}
        found.update(known.digests(stamps))
    learned: list[tuple[str, str, str]] = []
    for path, read in in_threads(_read, [path for path in wanted if path not in found], tell):
        found[path] = read.digest
        if known is not None and read.digest is not None and read.stamp is not None:
            learned.append((path, read.stamp, read.digest))
            if len(learned) == _KEPT_AT_ONCE:  # a kill loses no more
                known.learn_digests(learned)
                learned = []
    if known is not None:
        known.learn_digests(learned)
    return {path: found[path] for path in wanted}


def _stamp(path: str) -> str | None:
    try:
        return _stamp_of(os.stat(path))
    except (OSError, ValueError):
        return None


def _stamp_of(stat: os.stat_result) -> str:
    return f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ino}"


def _read(path: str) -> _Read:
    now = time.time()
    try:
        with open_regular(path) as file:
            before = os.fstat(file.fileno())
            digest = hashlib.blake2b(digest_size=16)
            while block := file.read(_BLOCK):
                digest.update(block)
            after = os.fstat(file.fileno())
    except OSError as error:
        require_no_shortage(path, error)
        return _Read(None, None)
    except MemoryError as error:
        raise UserError(f"{path}: there is too little memory to read it") from error
    steady = _stamp_of(before) == _stamp_of(after) and before.st_mtime < now - _RACY_SECONDS
    return _Read(digest.hexdigest(), _stamp_of(before) if steady else None)
