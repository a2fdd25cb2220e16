"""Which file each row of a table means: its path as it is written, or what that can only mean."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from toolkit.builtin.known_listing import list_known
from toolkit.builtin.left_out import kept
from toolkit.builtin.listing import Listing
from toolkit.builtin.names import AS_IT_STANDS, resolve, unresolved_lines
from toolkit.errors import listed

_FEW = 20_000  # files that are asked for one by one; more are looked up in the folder's listing


# Parts between single slashes, none of which begins with a dot.
_PLAIN = re.compile(r"(?:[^/.][^/]*/)*[^/.][^/]*")


@dataclass
class Found:
    """The path of each row, and what is to be said of them."""

    paths: list[str]
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Place:
    """A folder of images below the data folder, listed when it is first asked for."""

    def __init__(self, root: Path, name: str, leave: Sequence[str] = ()) -> None:
        self.root, self.name, self.leave = root, name, leave
        self.folder = root / name

    @cached_property
    def listing(self) -> Listing:
        if not self.folder.is_dir():
            return Listing(self.folder, [], {})
        found = list_known(self.folder)
        return replace(found, images=kept(found.images, self.leave))

    @property
    def images(self) -> list[str]:
        """Paths below the folder, in the order of their names."""
        return self.listing.images

    def path(self, name: str) -> str:
        """`str(folder / name)`, which takes several times as long for a plain name."""
        if _PLAIN.fullmatch(name):
            return f"{self._prefix}{name}"
        return str(self.folder / name)

    @cached_property
    def _prefix(self) -> str:
        return str(self.folder / "x")[:-1]

    def find(self, ids: Sequence[str], suffix: str, which: str) -> Found:
        """The file of every ID: `folder/ID + suffix` where that is one, else the one file that it
        can only mean. An ID without a file keeps the path that would be expected.

        Args:
            which: training or test, for words.
        """
        found = Found([self.path(name + suffix) for name in ids])
        self._find(found, ids, suffix, which)
        if "listing" in self.__dict__ and self.listing.unkept:
            found.notes.append(self.listing.unkept)
        return found

    def _find(self, found: Found, ids: Sequence[str], suffix: str, which: str) -> None:
        there = self._there(ids, suffix, found.paths)
        rest = [row for row, exists in enumerate(there) if not exists]
        if not rest or not self.images:
            return
        taken = {path for path, exists in zip(found.paths, there, strict=True) if exists}
        free = [name for name in self.images if self.path(name) not in taken]
        got = resolve([self._below(ids[row]) for row in rest], free, str(self.folder.absolute()))
        for row, file in zip(rest, got.files, strict=True):
            if file is not None:
                found.paths[row] = self.path(file)
        for way, count in got.ways.items():
            if way != AS_IT_STANDS:
                found.notes.append(f"{self.folder}: {count} {which} IDs name an image by {way}")
        lines = list(unresolved_lines(got, self.images, which))
        missing = lines[: bool(got.missing)]
        found.notes += [f"{self.folder}: {line}" for line in missing]
        found.problems += [f"{self.folder}: {line}" for line in lines[len(missing) :]]
        found.problems += _shared(found.paths, ids, rest, self.folder)

    def _there(self, ids: Sequence[str], suffix: str, paths: Sequence[str]) -> list[bool]:
        """Whether each expected file exists."""
        if len(ids) <= _FEW:
            return [_is_file(path) for path in paths]
        names = set(self.images)
        return [i + suffix in names or _is_file(p) for i, p in zip(ids, paths, strict=True)]

    def _below(self, name: str) -> str:
        """An ID without the folders that lead here from the data folder, or from beside it."""
        path = name.replace("\\", "/")
        while path.startswith("./"):
            path = path[2:]
        own = "" if self.name in ("", ".") else f"{self.name.strip('/')}/"
        for prefix in (own, f"{self.root.name}/{own}"):
            inner = prefix.partition("/")[0]
            if inner and path.startswith(prefix) and not (self.folder / inner).is_dir():
                return path[len(prefix) :]
        return name


def _is_file(path: str) -> bool:
    return os.path.lexists(path) and not os.path.isdir(path)


def _shared(
    paths: Sequence[str], ids: Sequence[str], rest: Sequence[int], folder: Path
) -> list[str]:
    """A line where several IDs that were read freely name one file."""
    ids_of: dict[str, set[str]] = {}
    for row in rest:
        ids_of.setdefault(paths[row], set()).add(ids[row])
    several = {path: sorted(names) for path, names in ids_of.items() if len(names) > 1}
    if not several:
        return []
    first, names = next(iter(several.items()))
    return [f"{folder}: {len(several)} images are named by several IDs ({first}: {listed(names)})"]


def leaves(name: str, root: Path) -> bool:
    """Whether an ID leads out of the data folder. Lexical: a linked image is as good as any."""
    if os.path.isabs(name):
        inside = (os.path.abspath(root), os.path.realpath(root))
        return not any(os.path.normpath(name).startswith(place + os.sep) for place in inside)
    return os.path.normpath(name).split(os.sep)[0] in ("..", ".")
