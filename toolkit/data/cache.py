"""Decode once: images of one spec in one memory-mapped array, shared by everything that reads.

A pack is a folder `<key>/` with `images.u8` (raw, n x W x W x 3) and `index.json` (content hash
to row). Its key is the hash of the spec and of the contents that it holds, so a pack is never
changed: another data set or another size is another pack. A lock lets one process build while
the others wait; a pack appears under its name only when it is whole.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from toolkit.contracts import Event, Image, ImageSpec, Ints, Notify
from toolkit.data.images import decode, to_working
from toolkit.errors import DataError, UserError

FOLDER_VARIABLE = "TOOLKIT_CACHE"
LIMIT_VARIABLE = "TOOLKIT_CACHE_GB"
DEFAULT_LIMIT_GB = 20.0

_FORMAT = 1  # raise it when what `decode` or `to_working` makes of a file changes
_WORTH_A_POOL = 64  # images; below it, starting processes costs more than decoding


def cache_folder() -> Path:
    """`TOOLKIT_CACHE`, or the user's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else user_cache_path("recipe-toolkit")


@dataclass(frozen=True)
class Pack:
    """Decoded images at the working size. Pickles as a path: loader processes map it anew."""

    path: Path
    shape: tuple[int, int, int, int]
    index: Mapping[str, int]
    """Content hash to row."""

    @cached_property
    def images(self) -> Image:
        """`(n, W, W, 3)` uint8, a read-only memory map."""
        return np.memmap(self.path, np.uint8, "r", shape=self.shape)

    @property
    def cache(self) -> Path:
        """The cache folder that the pack lies in."""
        return self.path.parents[1]

    def rows(self, hashes: Iterable[str]) -> Ints:
        """The row of each content hash."""
        return np.array([self.index[content] for content in hashes], dtype=np.int64)

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "images"}


def open_pack(
    files: Mapping[str, str],
    spec: ImageSpec,
    notify: Notify,
    folder: Path,
    processes: int | None = None,
) -> tuple[Pack | None, dict[str, str]]:
    """The pack of these files, decoded now if it does not exist yet.

    Args:
        files: content hash to the path of a file with that content.
        folder: the cache folder.
        processes: decoders; by default one a core.

    Returns the pack, or None and the faults `{content hash: what is wrong}`. A pack with faults
    is not kept: the caller sets the bad files aside and asks for the others.
    """
    return build_pack(files, partial(_decoded, spec), spec, notify, folder, processes)


def build_pack(
    items: Mapping[str, Any],
    make: Callable[[Any], Image],
    spec: ImageSpec,
    notify: Notify,
    folder: Path,
    processes: int | None = None,
    facts: Any = None,
) -> tuple[Pack | None, dict[str, str]]:
    """The pack that holds `make(item)` under each item's name, made now if it does not exist yet.

    Args:
        make: gives an image `(W, W, 3)` at the working size, or raises `DataError`. Sent to
            other processes, so it pickles.
        facts: what the images depend on besides their names; a part of the pack's key.

    Returns as `open_pack` does.
    """
    key = _key(items, spec, facts)
    home = folder / key
    if not _whole(home):
        folder.mkdir(parents=True, exist_ok=True)
        _require_space(folder, len(items), spec)
        with FileLock(folder / f"{key}.lock"):
            if not _whole(home):
                shutil.rmtree(home, ignore_errors=True)
                count = processes or os.cpu_count() or 1
                faults = _build(home, items, make, spec, notify, count)
                if faults:
                    return None, faults
        evict(folder, keep=key)
    with suppress(PermissionError):  # a cache that another user filled
        os.utime(home)  # the least recently used pack is evicted first
    index = json.loads((home / "index.json").read_text())
    shape = (len(index), spec.working_size, spec.working_size, 3)
    return Pack(home / "images.u8", shape, index), {}


def _whole(home: Path) -> bool:
    return (home / "index.json").is_file()


def _key(names: Iterable[str], spec: ImageSpec, facts: Any) -> str:
    text = json.dumps([_FORMAT, asdict(spec), spec.working_size, facts, sorted(names)])
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _require_space(folder: Path, images: int, spec: ImageSpec) -> None:
    needed = images * spec.working_size**2 * 3
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{folder}: the decoded images need {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are "
            f"free; clear it with `toolkit cache clear`, or move it with {FOLDER_VARIABLE}"
        )


def _build(
    home: Path,
    items: Mapping[str, Any],
    make: Callable[[Any], Image],
    spec: ImageSpec,
    notify: Notify,
    processes: int,
) -> dict[str, str]:
    """Make every image into a half-made folder, then give it its name."""
    half_made = home.with_suffix(".tmp")
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir()
    array = half_made / "images.u8"
    index = {name: row for row, name in enumerate(sorted(items))}
    shape = (len(items), spec.working_size, spec.working_size, 3)
    np.memmap(array, np.uint8, "w+", shape=shape).flush()
    jobs = [(row, items[name]) for name, row in index.items()]
    names, faults = list(index), {}
    fill = partial(_fill, str(array), make)
    for done, (row, fault) in enumerate(_filled(fill, jobs, processes), 1):
        if fault is not None:
            faults[names[row]] = fault
        notify(Event("decode", done=done, total=len(jobs)))
    if faults:
        shutil.rmtree(half_made)
        return faults
    (half_made / "index.json").write_text(json.dumps(index))
    half_made.rename(home)
    return {}


_Job = tuple[int, Any]
_Filled = tuple[int, str | None]


def _filled(fill: Callable[[_Job], _Filled], jobs: list[_Job], processes: int) -> Iterator[_Filled]:
    if processes == 1 or len(jobs) < _WORTH_A_POOL:
        yield from map(fill, jobs)
        return
    # Spawned, not forked: the parent may hold threads of OpenMP or CUDA that a fork would break.
    context = multiprocessing.get_context("spawn")
    count = min(processes, len(jobs))
    with ProcessPoolExecutor(count, context, initializer=_single_threaded) as pool:
        try:
            yield from pool.map(fill, jobs, chunksize=8)
        except BrokenProcessPool as error:
            raise UserError(
                "the decoding processes died: there was too little memory, or a script calls "
                'toolkit.run without `if __name__ == "__main__":`'
            ) from error


def _single_threaded() -> None:
    import cv2

    cv2.setNumThreads(1)


def _fill(array: str, make: Callable[[Any], Image], job: _Job) -> _Filled:
    """Make one image into its row of the array. Returns the row, and the fault if any."""
    row, item = job
    try:
        image = make(item)
    except DataError as error:
        return row, str(error)
    size = image.nbytes
    with open(array, "r+b") as file:
        file.seek(row * size)
        file.write(image.tobytes())
    return row, None


def _decoded(spec: ImageSpec, path: str) -> Image:
    return to_working(decode(path), spec)


@dataclass(frozen=True)
class PackInfo:
    """What `toolkit cache` shows of a pack."""

    key: str
    images: int
    gigabytes: float
    used: float
    """Last use, seconds since the epoch."""


def packs(folder: Path) -> list[PackInfo]:
    """The packs of a cache folder, the most recently used first."""
    found = []
    for home in folder.glob("*/index.json") if folder.is_dir() else ():
        pack = home.parent
        size = sum(file.stat().st_size for file in pack.iterdir())
        images = len(json.loads(home.read_text()))
        found.append(PackInfo(pack.name, images, size / 1e9, pack.stat().st_mtime))
    return sorted(found, key=lambda pack: -pack.used)


def limit_gb() -> float:
    """The cache's bound, `TOOLKIT_CACHE_GB`, gigabytes."""
    text = os.environ.get(LIMIT_VARIABLE, str(DEFAULT_LIMIT_GB))
    try:
        return float(text)
    except ValueError as error:
        raise UserError(f"{LIMIT_VARIABLE}={text}: expected a number of gigabytes") from error


def evict(folder: Path, keep: str = "", limit: float | None = None) -> list[PackInfo]:
    """Remove the least recently used packs until the rest fits; `keep` stays in any case.

    A run that has a removed pack open goes on with it; loader processes that start later do not
    find it any more, and a run that is started again decodes anew.
    """
    limit = limit_gb() if limit is None else limit
    total, removed = 0.0, []
    for pack in sorted(packs(folder), key=lambda p: (p.key != keep, -p.used)):
        total += pack.gigabytes
        if pack.key != keep and total > limit:
            (folder / pack.key / "index.json").unlink(missing_ok=True)  # from here it is no pack
            shutil.rmtree(folder / pack.key, ignore_errors=True)
            (folder / f"{pack.key}.lock").unlink(missing_ok=True)
            total -= pack.gigabytes
            removed.append(pack)
    return removed


def clear(folder: Path) -> list[PackInfo]:
    """Remove every pack, and what killed builds left behind."""
    removed = evict(folder, limit=0)
    for left in [*folder.glob("*.tmp"), *folder.glob("*.lock")] if folder.is_dir() else ():
        lock = FileLock(left.with_suffix(".lock"))
        try:
            with lock.acquire(timeout=0):
                shutil.rmtree(left.with_suffix(".tmp"), ignore_errors=True)
        except Timeout:
            continue  # a build is under way
        left.with_suffix(".lock").unlink(missing_ok=True)
    return removed
