"""What the cache holds, its bound, and what goes: the least recently used, and never what is in
use."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from toolkit.builtin.known_listing import LISTINGS
from toolkit.contracts import Event, Notify, ignore
from toolkit.data.known import Known
from toolkit.data.pack import IMAGES, INDEX
from toolkit.errors import UserError
from toolkit.files.archives import CONTENTS, STORE, contents_of
from toolkit.files.lease import alone

LIMIT_VARIABLE = "TOOLKIT_CACHE_GB"
DEFAULT_LIMIT_GB = 20.0


@dataclass(frozen=True)
class PackInfo:
    """What `toolkit cache` shows of a pack, or of an unpacked archive."""

    key: str
    """Its folder, below the cache folder."""
    images: int
    """Files, of an archive."""
    gigabytes: float
    used: float
    """Last use, seconds since the epoch; now for one that is in use."""
    in_use: bool = False
    """Whether a process has it open."""
    archive: str = ""
    """The archive whose files they are, as it was named; empty for a pack of decoded images."""


def packs(folder: Path) -> list[PackInfo]:
    """The packs of a cache folder, the most recently used first."""
    found = []
    for index in folder.glob(f"*/{INDEX}") if folder.is_dir() else ():
        home = index.parent
        with suppress(FileNotFoundError):  # another process removed it a moment ago
            size = sum(file.stat().st_size for file in home.iterdir())
            images = index.read_bytes().count(b'": ')  # without a million objects
            used = home.stat().st_mtime
            with alone(home / IMAGES) as free:
                in_use = not free
            used = time.time() if in_use else used
            found.append(PackInfo(home.name, images, size / 1e9, used, in_use))
    return sorted(found, key=lambda pack: -pack.used)


def archives(folder: Path) -> list[PackInfo]:
    """The unpacked archives of a cache folder, the most recently used first."""
    found = []
    for file in (folder / STORE).glob(f"*/{CONTENTS}"):
        with suppress(FileNotFoundError):
            facts = contents_of(file)
            used = file.parent.stat().st_mtime
            with alone(file) as free:
                in_use = not free
            used = time.time() if in_use else used
            key = f"{STORE}/{file.parent.name}"
            size = int(facts.get("bytes", 0)) / 1e9
            name = str(facts.get("archive", file.parent.name))
            found.append(PackInfo(key, int(facts.get("files", 0)), size, used, in_use, name))
    return sorted(found, key=lambda archive: -archive.used)


def limit_gb() -> float:
    """The cache's bound, `TOOLKIT_CACHE_GB`, gigabytes."""
    text = os.environ.get(LIMIT_VARIABLE, str(DEFAULT_LIMIT_GB))
    try:
        return float(text)
    except ValueError as error:
        raise UserError(f"{LIMIT_VARIABLE}={text}: expected a number of gigabytes") from error


def evict(folder: Path, keep: str = "", limit: float | None = None) -> list[PackInfo]:
    """Remove the least recently used packs and unpacked archives until the rest fits.

    `keep` stays in any case, and so does whatever a live process uses, whichever process that is.
    """
    limit = limit_gb() if limit is None else limit
    total, removed = 0.0, []
    held = [*packs(folder), *archives(folder)]
    order = sorted(held, key=lambda p: (p.key != keep, not p.in_use, -p.used))
    for pack in order:
        total += pack.gigabytes
        if pack.key != keep and total > limit and _remove(folder / pack.key, pack):
            total -= pack.gigabytes
            removed.append(pack)
    return removed


def _remove(home: Path, pack: PackInfo) -> bool:
    """Remove a pack or an archive; False where a process makes it, opens it or has it open."""
    leased, whole = (CONTENTS, CONTENTS) if pack.archive else (IMAGES, INDEX)
    lock = FileLock(home.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    try:
        with alone(home / leased) as free:
            if free:
                (home / whole).unlink(missing_ok=True)  # from here it is no pack
                shutil.rmtree(home, ignore_errors=True)
    finally:
        lock.release()
    if free:
        home.with_suffix(".lock").unlink(missing_ok=True)
    return free


def clear(folder: Path) -> list[PackInfo]:
    """Remove every pack and unpacked archive that no process uses, what killed builds left behind,
    and what is known of files and folders from earlier starts."""
    removed = evict(folder, limit=-1)
    store = folder / STORE
    unfinished = [*folder.glob("*.tmp"), *store.glob("*.tmp")]
    for left in (*unfinished, *folder.glob("*.lock"), *store.glob("*.lock")):
        lock = FileLock(left.with_suffix(".lock"))
        try:
            with lock.acquire(timeout=0):
                shutil.rmtree(left.with_suffix(".tmp"), ignore_errors=True)
        except Timeout:
            continue  # a build is under way
        left.with_suffix(".lock").unlink(missing_ok=True)
    Known(folder, ignore).forget()
    for file in (*store.glob("*.json"), *store.glob("*.part"), *(folder / LISTINGS).glob("*")):
        file.unlink(missing_ok=True)
    return removed


def tell_excess(folder: Path, notify: Notify) -> None:
    held = sum(pack.gigabytes for pack in (*packs(folder), *archives(folder)))
    limit = limit_gb()
    if held > limit:
        notify(
            Event(
                "message",
                f"{folder} holds {held:.2f} GB, above {LIMIT_VARIABLE} = {limit:g}: all of it is "
                "in use",
            )
        )
