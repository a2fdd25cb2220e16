"""One resolver from the IDs of a table to image files, for a million files.

An ID is tried as it stands first, then more and more freely; a step counts only where it leads to
one file, so that no reading is a guess. What stays unresolved is listed with the nearest name.
"""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from toolkit.builtin.formats import IMAGE_SUFFIXES
from toolkit.errors import listed

Key = Callable[[str], str]

AS_IT_STANDS = "its path"
"""The way of an ID that is a file's path."""


@dataclass(frozen=True)
class Resolved:
    """Which file each ID names."""

    files: list[str | None]
    """Path below the root for each ID; None where none or several fit."""
    ways: dict[str, int]
    """How many IDs were found in which way, by its words."""
    missing: list[str]
    """IDs that no file fits."""
    ambiguous: dict[str, tuple[str, ...]]
    """IDs that several files fit, with some of these."""


@dataclass(frozen=True)
class _Way:
    """One way to read an ID: what an ID and a file must have in common."""

    words: str
    of_id: Key
    of_file: Key


def resolve(
    ids: Sequence[str], images: Sequence[str], root: str, places: Sequence[str] = ("",)
) -> Resolved:
    """Find the file of every ID.

    Args:
        images: paths of the files below the root.
        root: the data folder, for IDs that are absolute paths.
        places: folders whose files are meant, the first that fits; `""` is the root.
    """
    clean = {i: _clean(i, root) for i in ids}
    found: dict[str, str] = {}
    taken: set[str] = set()  # by an ID that was read more strictly: no freer one means it
    ambiguous: dict[str, tuple[str, ...]] = {}
    ways: dict[str, int] = {}
    for way in _ways(places):
        wanted: dict[str, list[str]] = {}
        for i, name in clean.items():
            if i not in found and i not in ambiguous and name is not None:
                wanted.setdefault(way.of_id(name), []).append(i)
        if not wanted:
            break
        hits = _hits(wanted, images, way.of_file, taken)
        for key, files in hits.items():
            taken.update(files if len(files) == 1 else ())
            for i in wanted[key]:
                if len(files) == 1:
                    found[i] = files[0]
                    ways[way.words] = ways.get(way.words, 0) + 1
                else:
                    ambiguous[i] = tuple(files)
    missing = [i for i in clean if i not in found and i not in ambiguous]
    return Resolved([found.get(i) for i in ids], ways, missing, ambiguous)


def _hits(
    wanted: dict[str, list[str]], images: Sequence[str], key: Key, taken: set[str]
) -> dict[str, list[str]]:
    """The files of each wanted key. Only what is wanted is kept: memory follows the IDs that are
    still open, not the files."""
    hits: dict[str, list[str]] = {}
    for path in images:
        own = key(path)
        if own in wanted and path not in taken:
            hits.setdefault(own, []).append(path)
    return hits


def _ways(places: Sequence[str]) -> Iterator[_Way]:
    """From the strictest to the freest. A file outside the place has the key "/", which no ID
    has."""
    inside = [(place, _inside(place)) for place in places]
    for words, of_id, of_file in (
        (AS_IT_STANDS, _same, _same),
        ("its path without the suffix", _same, _stem),
        ("its path with another suffix", _stem_of_image, _stem),
        ("its name, in a folder below", _same, _name),
        ("its name without the suffix, in a folder below", _same, _name_stem),
        ("its name with another suffix, in a folder below", _stem_of_image, _name_stem),
        ("its path, in other letters' case", _folded(_same), _folded(_same)),
        ("its path without the suffix, in other letters' case", _folded(_same), _folded(_stem)),
        ("its name, in other letters' case", _folded(_same), _folded(_name)),
    ):
        for _, within in inside:
            yield _Way(words, of_id, _within(within, of_file))


def _clean(text: str, root: str) -> str | None:
    """An ID as a path below the root: `./a`, `a\\b`, and absolute paths inside it."""
    text = unicodedata.normalize("NFC", text)
    if not text:
        return None
    if os.path.isabs(text):
        inside = os.path.relpath(text, root)
        return None if inside.startswith("..") else inside.replace(os.sep, "/")
    path = text.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return None if ".." in parts or re.match(r"[A-Za-z]:/", path) else "/".join(parts)


def _inside(place: str) -> Callable[[str], str | None]:
    if not place:
        return _anywhere
    prefix = f"{place}/"

    def inside(path: str) -> str | None:
        return path[len(prefix) :] if path.startswith(prefix) else None

    return inside


def _anywhere(path: str) -> str | None:
    return path


def _within(inside: Callable[[str], str | None], key: Key) -> Key:
    if inside is _anywhere:
        return key

    def of(path: str) -> str:
        below = inside(path)
        return "/" if below is None else key(below)

    return of


def _same(path: str) -> str:
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def _stem(path: str) -> str:
    """A file's path without its suffix, where that is an image's."""
    stem, dot, suffix = path.rpartition(".")
    return _same(stem) if dot and f".{suffix.lower()}" in IMAGE_SUFFIXES else _same(path)


def _stem_of_image(name: str) -> str:
    """An ID without its suffix; "//", which no file has, where it has none."""
    stem = _stem(name)
    return stem if stem != name else "//"


def _name(path: str) -> str:
    return _same(path.rpartition("/")[2])


def _name_stem(path: str) -> str:
    return _stem(path.rpartition("/")[2])


def _folded(key: Key) -> Key:
    return lambda path: key(path).casefold()


def nearest(missing: str, images: Sequence[str], limit: int = 20_000) -> str | None:
    """The file whose name is most like an ID's; one that differs in leading zeros first."""
    names = images[:limit]
    bare = _without_zeros(missing)
    by_zeros = next((path for path in images if _without_zeros(path) == bare), None)
    if by_zeros is not None:
        return by_zeros
    by_name = {_name(path): path for path in names}
    close = difflib.get_close_matches(_name(missing), list(by_name), n=1, cutoff=0.6)
    return by_name[close[0]] if close else None


def unresolved_lines(found: Resolved, images: Sequence[str], what: str) -> Iterator[str]:
    """A line for the IDs without a file, and one for those with several, each with an example."""
    if found.missing:
        first = found.missing[0]
        near = nearest(first, images)
        hint = "" if near is None else f"; there is {near}"
        if near is not None and _lost_zeros(first, near):
            hint += ": the IDs lost their leading zeros; write them as text into the table"
        yield f"{len(found.missing)} {what} IDs name no image ({listed(found.missing)}){hint}"
    if found.ambiguous:
        first, files = next(iter(found.ambiguous.items()))
        yield (
            f"{len(found.ambiguous)} {what} IDs fit several images: {first} may be "
            f"{' or '.join(files[:3])}; name the folder of the images in [data]"
        )


def _lost_zeros(name: str, file: str) -> bool:
    """Whether a name is a file's but for its leading zeros."""
    same = _name_stem(name) == _name_stem(file)
    return not same and _without_zeros(name) == _without_zeros(file)


def _without_zeros(path: str) -> str:
    return _name_stem(path).lstrip("0") or "0"
