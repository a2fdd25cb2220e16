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
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import PIL
from filelock import FileLock, Timeout

from toolkit.contracts import MAX_PIXELS, Event, Image, ImageSpec, Notify
from toolkit.data.evict import evict, tell_excess
from toolkit.data.fill import Fault, Filling, Made, decoded, fill_all, without_notes
from toolkit.data.known import Known
from toolkit.data.pack import IMAGES, INDEX, NOTES, Pack, find_pack
from toolkit.errors import UserError
from toolkit.files import FOLDER_VARIABLE as FOLDER_VARIABLE
from toolkit.files import cache_folder as cache_folder

_FORMAT = 1  # raise it when what `decode` or `to_working` makes of a file changes
_DEEP = 2  # the same, of files of more than 8 bits a sample or of floats alone
_PATIENCE_SECONDS = 5.0


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
    make = partial(decoded, spec)
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
    facts = {"format": _FORMAT, "deep": _DEEP, "pillow": PIL.__version__, "opencv": cv2.__version__}
    return json.dumps([facts, asdict(spec), spec.working_size], sort_keys=True)


def _pixel_facts(spec: ImageSpec) -> dict[str, Any]:
    """What the pixels of a pack depend on. What is as it always was is not named, so that packs of
    earlier versions are found."""
    facts = asdict(spec)
    if spec.max_pixels == MAX_PIXELS:
        del facts["max_pixels"]
    if spec.depth == "full":  # nothing in the pack asks for a range
        del facts["depth"]
    else:
        facts["deep"] = _DEEP
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
    unnoted = partial(without_notes, make)
    pack, faults = _built(items, unnoted, spec, notify, folder, processes, facts)
    return pack, {name: fault.text for name, fault in faults.items()}


def _built(
    items: Mapping[str, Any],
    make: Callable[[Any], Made],
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
                filling = fill_all(half_made, items, make, spec, notify, processes)
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
        tell_excess(folder, notify)
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


def _given_its_name(half_made: Path, home: Path, filling: Filling, spec: ImageSpec) -> Pack:
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
