"""Decode once: images of one spec in one memory-mapped array, shared by everything that reads.

A pack is a folder `<key>/` with `images.u8` (raw, n x W x W x 3) and `index.json` (content hash
to row). Its key is the hash of the spec and of the contents that it holds, so a pack is never
changed: another data set or another size is another pack. A lock lets one process build while
the others wait; a pack appears under its name only when it is whole. Whoever opens one holds a
lease of it, which ends with the process: what is in use is never evicted.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import PIL
from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from toolkit.contracts import MAX_PIXELS, Event, Image, ImageSpec, Notify, ignore
from toolkit.data.images import CannotRead, Note, read_image, to_working
from toolkit.data.known import Known
from toolkit.data.lease import alone
from toolkit.data.pack import IMAGES, INDEX, NOTES, Pack, find_pack
from toolkit.data.pool import in_processes
from toolkit.errors import DataError, UserError
from toolkit.files import bounded, reporting, slow

FOLDER_VARIABLE = "TOOLKIT_CACHE"
LIMIT_VARIABLE = "TOOLKIT_CACHE_GB"
DEFAULT_LIMIT_GB = 20.0

_FORMAT = 1  # raise it when what `decode` or `to_working` makes of a file changes
_PATIENCE_SECONDS = 5.0
_WORTH_A_POOL = 64  # images; below it, starting processes costs more than decoding


def cache_folder() -> Path:
    """`TOOLKIT_CACHE`, or the user's cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else user_cache_path("recipe-toolkit")


class Fault(NamedTuple):
    """Why an image could not be made."""

    text: str
    lasting: bool
    """Whether the same content would fail again."""


class _Made(NamedTuple):
    """An image at the working size, and what is odd about it."""

    image: Image
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class _Filling:
    """What came of making images into a half-made folder."""

    names: list[str]
    """Of what is there, in the order of its rows."""
    faults: dict[str, Fault]
    notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)
    """Of those that have any, by name."""


def open_pack(
    files: Mapping[str, str],
    spec: ImageSpec,
    notify: Notify,
    folder: Path,
    processes: int | None = None,
) -> tuple[Pack | None, dict[str, str]]:
    """The pack of those of these files that can be decoded, decoded now if it does not exist yet.

    Args:
        files: content hash to the path of a file with that content.
        folder: the cache folder.
        processes: decoders; by default one a core.

    Returns the pack (None where no file can be decoded) and the faults `{content hash: what is
    wrong}`. Faults are kept beside the packs: the next start decodes neither these nor the others.
    """
    known, decoder = Known(folder, notify), _decoder(spec)
    told = known.faults(decoder)
    faults = {content: files[content] + told[content] for content in files if content in told}
    good = {content: path for content, path in files.items() if content not in faults}
    if not good:
        return None, faults
    make = partial(_decoded, spec)
    pack, found = _built(good, make, spec, notify, folder, processes, salvage=True)
    lasting = {
        content: fault.text.removeprefix(files[content])
        for content, fault in found.items()
        if fault.lasting
    }
    known.learn_faults(decoder, lasting)
    return pack, faults | {content: fault.text for content, fault in found.items()}


def _decoder(spec: ImageSpec) -> str:
    """What decides, besides its content, whether a file can be decoded."""
    facts = {"format": _FORMAT, "pillow": PIL.__version__, "opencv": cv2.__version__}
    return json.dumps([facts, asdict(spec), spec.working_size], sort_keys=True)


def _pixel_facts(spec: ImageSpec) -> dict[str, Any]:
    """What the pixels of a pack depend on. What is as it always was is not named, so that packs of
    earlier versions are found."""
    facts = asdict(spec)
    if spec.max_pixels == MAX_PIXELS:
        del facts["max_pixels"]
    if spec.depth == "full":  # nothing in the pack asks for a range
        del facts["depth"]
    return facts


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

    Returns the pack, or None and the faults `{name: what is wrong}`; a pack with faults is not
    kept.
    """
    plain = partial(_plain, make)
    pack, faults = _built(items, plain, spec, notify, folder, processes, facts)
    return pack, {name: fault.text for name, fault in faults.items()}


def _built(
    items: Mapping[str, Any],
    make: Callable[[Any], _Made],
    spec: ImageSpec,
    notify: Notify,
    folder: Path,
    processes: int | None = None,
    facts: Any = None,
    *,
    salvage: bool = False,
) -> tuple[Pack | None, dict[str, Fault]]:
    """As `build_pack`; with `salvage`, items without faults become a pack of their own."""
    home, faults = folder / _key(items, spec, facts), dict[str, Fault]()
    pack = find_pack(home, spec.working_size)
    if pack is None:
        folder.mkdir(parents=True, exist_ok=True)
        _require_space(folder, len(items), spec)
        # The lock is kept until the pack is leased: nobody evicts it in between.
        with _locked(home, notify):
            pack = find_pack(home, spec.working_size)
            if pack is None:
                half_made = home.with_suffix(".tmp")
                filling = _fill_all(half_made, items, make, spec, notify, processes)
                faults = filling.faults
                if not faults:
                    pack = _given_its_name(half_made, home, filling, spec)
                elif salvage and filling.names:
                    whole = folder / _key(filling.names, spec, facts)
                    with _locked(whole, notify):
                        pack = find_pack(whole, spec.working_size)
                        pack = pack or _given_its_name(half_made, whole, filling, spec)
                shutil.rmtree(half_made, ignore_errors=True)
        evict(folder, keep=home.name if pack is None else pack.path.parent.name)
        _tell_excess(folder, notify)
    if pack is not None:
        with suppress(PermissionError):  # a cache that another user filled
            os.utime(pack.path.parent)  # the least recently used pack is evicted first
    return pack, faults


@contextmanager
def _locked(home: Path, notify: Notify) -> Iterator[None]:
    """One process makes a pack; the others wait, and say so."""
    lock = FileLock(home.with_suffix(".lock"))
    try:
        lock.acquire(timeout=_PATIENCE_SECONDS)
    except Timeout:
        notify(Event("message", f"waiting for another process that fills {home}"))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _given_its_name(half_made: Path, home: Path, filling: _Filling, spec: ImageSpec) -> Pack:
    rows = {name: row for row, name in enumerate(filling.names)}
    texts: dict[str, object] = {INDEX: rows} | ({NOTES: filling.notes} if filling.notes else {})
    for name, content in texts.items():
        (half_made / name).write_text(json.dumps(content))
    for file in (half_made / name for name in (*texts, IMAGES)):
        with file.open("rb+") as handle:
            os.fsync(handle.fileno())  # before the name, so that a power cut leaves no half of it
    shutil.rmtree(home, ignore_errors=True)  # damaged, or it would have been opened
    half_made.rename(home)
    pack = find_pack(home, spec.working_size)
    if pack is None:
        raise UserError(f"{home}: was removed while it was made; start again")
    return pack


def _tell_excess(folder: Path, notify: Notify) -> None:
    held, limit = sum(pack.gigabytes for pack in packs(folder)), limit_gb()
    if held > limit:
        notify(
            Event(
                "message",
                f"{folder} holds {held:.2f} GB, above {LIMIT_VARIABLE} = {limit:g}: all of it is "
                "in use",
            )
        )


def _key(names: Iterable[str], spec: ImageSpec, facts: Any) -> str:
    text = json.dumps([_FORMAT, _pixel_facts(spec), spec.working_size, facts, sorted(names)])
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _require_space(folder: Path, images: int, spec: ImageSpec) -> None:
    needed = images * spec.working_size**2 * 3
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{folder}: the decoded images need {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are "
            f"free; clear it with `toolkit cache clear`, or move it with {FOLDER_VARIABLE}"
        )


def _fill_all(
    half_made: Path,
    items: Mapping[str, Any],
    make: Callable[[Any], _Made],
    spec: ImageSpec,
    notify: Notify,
    processes: int | None,
) -> _Filling:
    """Make every image into a half-made folder."""
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir()
    array, names = half_made / IMAGES, sorted(items)
    shape = (len(names), spec.working_size, spec.working_size, 3)
    np.memmap(array, np.uint8, "w+", shape=shape).flush()
    jobs = [(row, items[name]) for row, name in enumerate(names)]
    faults: dict[str, Fault] = {}
    odd: dict[str, tuple[Note, ...]] = {}
    fill = partial(_fill, str(array), make)
    for done, (row, fault, notes) in enumerate(_filled(fill, jobs, processes, notify), 1):
        if fault is not None:
            faults[names[row]] = fault
        if notes:
            odd[names[row]] = notes
        notify(Event("decode", done=done, total=len(jobs)))
    good = [row for row, name in enumerate(names) if name not in faults]
    if faults and good:
        _close_up(array, good, spec)
    return _Filling([names[row] for row in good], faults, odd)


def _close_up(array: Path, rows: list[int], spec: ImageSpec) -> None:
    """Move these rows to the front, in order: the bytes of a pack that never held the others."""
    size = spec.working_size**2 * 3
    with array.open("rb+") as file:
        for place, row in enumerate(rows):
            if place != row:
                file.seek(row * size)
                image = file.read(size)
                file.seek(place * size)
                file.write(image)
        file.truncate(len(rows) * size)


_Job = tuple[int, Any]
_Filled = tuple[int, "Fault | None", tuple[Note, ...]]


def _filled(
    fill: Callable[[_Job], _Filled], jobs: list[_Job], processes: int | None, notify: Notify
) -> Iterator[_Filled]:
    count = processes or os.cpu_count() or 1

    def tell(text: str) -> None:
        notify(Event("message", text))

    if count == 1 or len(jobs) < _WORTH_A_POOL:
        with reporting("", tell) as read_now:
            for job in jobs:
                read_now(str(job[1]))
                yield fill(job)
        return

    def waiting(job: _Job, seconds: float) -> None:
        tell(slow(str(job[1]), seconds))

    yield from in_processes(fill, jobs, count, _single_threaded, waiting)


def _single_threaded() -> None:
    cv2.setNumThreads(1)


def _fill(array: str, make: Callable[[Any], _Made], job: _Job) -> _Filled:
    """Make one image into its row of the array. Returns the row, the fault if any, and notes."""
    row, item = job
    try:
        image, notes = make(item)
    except DataError as error:
        return row, Fault(str(error), not isinstance(error, CannotRead)), ()
    size = image.nbytes
    with open(array, "r+b") as file:
        file.seek(row * size)
        file.write(image.tobytes())
    return row, None, notes


def _decoded(spec: ImageSpec, path: str) -> _Made:
    def made() -> _Made:
        image, notes = read_image(path, spec)
        return _Made(to_working(image, spec), notes)

    return bounded(made, path)


def _plain(make: Callable[[Any], Image], item: Any) -> _Made:
    return _Made(make(item))


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
