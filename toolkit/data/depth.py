"""Which values of deep files become black and white: what the training files hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

from toolkit.contracts import Event, ImageSpec, Levels, Notify
from toolkit.data.images import deep_values, is_deep_file
from toolkit.data.known import Known
from toolkit.data.levels import Extent, Seen, levels_of, range_of_floats, range_of_integers, seen
from toolkit.errors import DataError
from toolkit.files import in_threads

SAMPLED = 1000
"""So many of the deep files are looked at; their contents decide which."""

_RULE = 2  # raise it when what `_found` gives of the same files changes

T = TypeVar("T")


class Found(NamedTuple):
    """What the training files hold."""

    deep: int = 0
    """Files of more than 8 bits or of floats."""
    looked_at: int = 0
    integers: Extent = Extent()
    """Of the files that were looked at; empty where none has integers."""
    floats: Extent = Extent()


def resolve_depth(
    files: Mapping[str, str], spec: ImageSpec, known: Known, notify: Notify
) -> ImageSpec:
    """The spec with its depth as `Levels`; or with the depth "full", where no file asks for one.

    Every file's header is read; of the deep ones, at most `SAMPLED` in full. What was found is
    kept: the next start reads none of them.

    Args:
        files: content hash to path, of the training images.
    """
    found = _remembered(files, spec, known, notify)
    if not found.deep:
        return replace(spec, depth="full")
    levels = levels_of(spec.depth)
    if spec.depth == "auto":
        levels = Levels(range_of_integers(found.integers), range_of_floats(found.floats))
    notify(Event("message", _words(found, spec, levels)))
    return replace(spec, depth=levels)


def _words(found: Found, spec: ImageSpec, levels: Levels) -> str:
    kinds = [
        f"{name} from {extent.low:g} to {extent.high:g}, of which {low:g} becomes black and "
        f"{high:g} white"
        for name, extent, (low, high) in (
            ("integers", found.integers, levels.integers),
            ("floats", found.floats, levels.floats),
        )
        if not extent.empty
    ]
    looked = "all" if found.looked_at == found.deep else f"{found.looked_at:,}"
    held = f" hold {'; '.join(kinds)}" if kinds else " hold no number"
    asked = "[{:g}, {:g}]".format(*spec.depth) if isinstance(spec.depth, tuple) else spec.depth
    return (
        f"{found.deep:,} training images are of more than 8 bits a sample, or of floats; {looked} "
        f"of them were looked at and{held} (image.depth = {asked})"
    )


def _remembered(files: Mapping[str, str], spec: ImageSpec, known: Known, notify: Notify) -> Found:
    facts = json.dumps([_RULE, SAMPLED, spec.max_pixels, sorted(files)])
    key = "depth " + hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()
    memo = known.memo(key)
    if memo is not None:
        deep, looked_at, integers, floats = json.loads(memo)
        return Found(deep, looked_at, _extent(integers), _extent(floats))
    found = _found(files, spec, notify)
    ends = [[] if e.empty else [e.low, e.high] for e in (found.integers, found.floats)]
    known.keep_memo(key, json.dumps([found.deep, found.looked_at, *ends]))
    return found


def _extent(ends: list[float]) -> Extent:
    return Extent(*ends)


def _found(files: Mapping[str, str], spec: ImageSpec, notify: Notify) -> Found:
    paths = {path: content for content, path in files.items()}
    deep = [path for path, is_deep in _each(_tells(is_deep_file), paths, notify) if is_deep]
    # By content: the same files give the same range, wherever they are.
    sampled = sorted(deep, key=paths.__getitem__)[:SAMPLED]
    extents = {True: Extent(), False: Extent()}
    look = _tells(partial(_seen, max_pixels=spec.max_pixels))
    looked_at = 0
    for _, one in _each(look, sampled, notify):
        if one is not None:
            looked_at += 1
            extents[one.floats] = extents[one.floats].with_(one.extent)
    return Found(len(deep), looked_at, extents[False], extents[True])


def _seen(path: str, max_pixels: int) -> Seen | None:
    values = deep_values(path, max_pixels)
    return None if values is None else seen(values)


def _tells(look: Callable[[str], T]) -> Callable[[str], T | None]:
    """As `look`; None for a file that cannot be read, of which the decoder tells."""

    def tell(path: str) -> T | None:
        try:
            return look(path)
        except DataError:
            return None

    return tell


def _each(
    look: Callable[[str], T], paths: Iterable[str], notify: Notify
) -> Iterator[tuple[str, T]]:
    return in_threads(look, list(paths), lambda text: notify(Event("message", text)))
