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

from toolkit.contracts import Event, Notify, ignore
from toolkit.data.known import Known
from toolkit.data.lease import alone
from toolkit.data.pack import IMAGES, INDEX
from toolkit.errors import UserError

LIMIT_VARIABLE = "TOOLKIT_CACHE_GB"
DEFAULT_LIMIT_GB = 20.0


@dataclass(frozen=True)
class PackInfo:
    """What `toolkit cache` shows of a pack."""

    key: str
    images: int
    gigabytes: float
    used: float
    """Last use, seconds since the epoch; now for one that is in use."""
    in_use: bool = False
    """Whether a process has it open."""


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


def limit_gb() -> float:
    """The cache's bound, `TOOLKIT_CACHE_GB`, gigabytes."""
    text = os.environ.get(LIMIT_VARIABLE, str(DEFAULT_LIMIT_GB))
    try:
        return float(text)
    except ValueError as error:
        raise UserError(f"{LIMIT_VARIABLE}={text}: expected a number of gigabytes") from error


def evict(folder: Path, keep: str = "", limit: float | None = None) -> list[PackInfo]:
    """Remove the least recently used packs until the rest fits.

    `keep` stays in any case, and so does whatever a live process uses, whichever process that is.
    """
    limit = limit_gb() if limit is None else limit
    total, removed = 0.0, []
    order = sorted(packs(folder), key=lambda p: (p.key != keep, not p.in_use, -p.used))
    for pack in order:
        total += pack.gigabytes
        if pack.key != keep and total > limit and _remove(folder / pack.key):
            total -= pack.gigabytes
            removed.append(pack)
    return removed


def _remove(home: Path) -> bool:
    """Remove a pack; False where a process makes it, opens it or has it open."""
    lock = FileLock(home.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    try:
        with alone(home / IMAGES) as free:
            if free:
                (home / INDEX).unlink(missing_ok=True)  # from here it is no pack
                shutil.rmtree(home, ignore_errors=True)
    finally:
        lock.release()
    if free:
        home.with_suffix(".lock").unlink(missing_ok=True)
    return free


def clear(folder: Path) -> list[PackInfo]:
    """Remove every pack that no process uses, what killed builds left behind, and what is known of
    files from earlier starts."""
    removed = evict(folder, limit=0)
    for left in [*folder.glob("*.tmp"), *folder.glob("*.lock")] if folder.is_dir() else ():
        lock = FileLock(left.with_suffix(".lock"))
        try:
            with lock.acquire(timeout=0):
                shutil.rmtree(left.with_suffix(".tmp"), ignore_errors=True)
        except Timeout:
            continue  # a build is under way
        left.with_suffix(".lock").unlink(missing_ok=True)
    Known(folder, ignore).forget()
    return removed


def tell_excess(folder: Path, notify: Notify) -> None:
    held, limit = sum(pack.gigabytes for pack in packs(folder)), limit_gb()
    if held > limit:
        notify(
            Event(
                "message",
                f"{folder} holds {held:.2f} GB, above {LIMIT_VARIABLE} = {limit:g}: all of it is "
                "in use",
            )
        )
