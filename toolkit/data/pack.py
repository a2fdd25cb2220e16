"""A pack: decoded images in one memory-mapped array, and the index that finds them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.contracts import Image, Ints
from toolkit.errors import UserError
from toolkit.files.lease import Lease, hold

IMAGES, INDEX, NOTES = "images.u8", "index.json", "notes.json"


class Index(Mapping[str, int]):
    """Name to row, for names whose order is that of the rows. Pickles as a path, and keeps
    32 bytes a name where a dictionary of a million names takes 200 MB."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @cached_property
    def names(self) -> npt.NDArray[np.bytes_]:
        """Sorted names `(n,)`. Raises `ValueError` where the file is no index."""
        rows = json.loads(self.file.read_bytes())
        if not isinstance(rows, dict) or list(rows.values()) != list(range(len(rows))):
            raise ValueError(f"{self.file}: is no index")
        names = np.array(list(rows), dtype=np.bytes_)
        if not (names[:-1] < names[1:]).all():
            raise ValueError(f"{self.file}: is not sorted")
        return names

    def rows(self, names: Iterable[str]) -> Ints:
        """The row of each name `(n,)`. Raises `KeyError` where one has none."""
        wanted = np.array(list(names), dtype=np.bytes_)
        if not len(wanted):
            return np.empty(0, dtype=np.int64)
        found = np.searchsorted(self.names, wanted)
        known = self.names[np.minimum(found, len(self.names) - 1)] == wanted
        if not known.all():
            raise KeyError(wanted[~known][0].decode())
        return found.astype(np.int64)

    def __getitem__(self, name: str) -> int:
        return int(self.rows([name])[0])

    def __iter__(self) -> Iterator[str]:
        return (name.decode() for name in self.names.tolist())

    def __len__(self) -> int:
        return len(self.names)

    def __getstate__(self) -> dict[str, object]:
        return {"file": self.file}


@dataclass(frozen=True)
class Pack:
    """Decoded images at the working size, which nobody removes while this object lives. Pickles
    as a path: loader processes map it anew."""

    path: Path
    shape: tuple[int, int, int, int]
    index: Mapping[str, int]
    """Content hash to row."""
    lease: Lease | None = field(default=None, compare=False, repr=False)

    @cached_property
    def images(self) -> Image:
        """`(n, W, W, 3)` uint8, a read-only memory map."""
        try:
            return np.memmap(self.path, np.uint8, "r", shape=self.shape)
        except FileNotFoundError as error:
            raise UserError(
                f"{self.path}: the decoded images are gone; somebody removed them by hand. Start "
                "again: they are decoded anew"
            ) from error

    @cached_property
    def notes(self) -> dict[str, list[str]]:
        """Content hash to what is odd about its image, where anything is."""
        try:
            found = json.loads((self.path.parent / NOTES).read_bytes())
        except (FileNotFoundError, ValueError):  # a pack of an earlier version, or a power cut
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def cache(self) -> Path:
        """The cache folder that the pack lies in."""
        return self.path.parents[1]

    def rows(self, hashes: Iterable[str]) -> Ints:
        """The row of each content hash."""
        if isinstance(self.index, Index):
            return self.index.rows(hashes)
        return np.array([self.index[content] for content in hashes], dtype=np.int64)

    def __getstate__(self) -> dict[str, object]:
        own = ("images", "lease", "notes")
        return {key: value for key, value in self.__dict__.items() if key not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # In another process, that may outlive this one.
        self.__dict__["lease"] = hold(self.path)


def find_pack(home: Path, side: int) -> Pack | None:
    """The whole pack in a folder, leased; None where there is none, or a damaged one.

    Args:
        side: the working size.
    """
    lease = hold(home / IMAGES)
    if lease is None:
        return None
    index = Index(home / INDEX)
    try:
        shape = (len(index), side, side, 3)
        size = (home / IMAGES).stat().st_size
    except (FileNotFoundError, ValueError):  # removed a moment ago, or cut by a power failure
        return None
    return Pack(home / IMAGES, shape, index, lease) if size == math.prod(shape) else None
