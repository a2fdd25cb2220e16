"""What lies below a data folder: walked once, asked often."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from toolkit.builtin.left_out import kept
from toolkit.builtin.listing import Listing, is_junk, list_folder
from toolkit.builtin.places import Place
from toolkit.builtin.tables import TABLE_SUFFIXES
from toolkit.check.made_from import made_from_others
from toolkit.errors import listed

_DEEPEST = 3  # folders above a table that is looked at
_CROWD = 20  # tables in one folder that are still tables, and no notes of each image


@dataclass(frozen=True)
class Inventory:
    """Images, folders and files that may be tables, as paths below the root."""

    root: Path
    listing: Listing
    tables: tuple[str, ...]
    notes: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    """Names of what was made from other images, and is left out: masks, thumbnails."""

    @property
    def images(self) -> list[str]:
        return self.listing.images

    def below(self, folder: str) -> list[str]:
        """The images in a folder, as paths below it."""
        if not folder:
            return self.images
        head = f"{folder}/"
        first = bisect_left(self.images, head)
        last = bisect_left(self.images, f"{folder}0")  # "0" follows "/"
        return [name[len(head) :] for name in self.images[first:last]]

    def place(self, folder: str) -> Place:
        """A folder of images as a source sees it, from the walk that was done."""
        place = Place(self.root, folder or ".")
        place.listing = Listing(self.root / folder, self.below(folder), {})
        return place

    @cached_property
    def stems(self) -> frozenset[str]:
        """The names of all images, without what they may be written without."""
        return frozenset(map(stem_of, self.images))

    @cached_property
    def counts(self) -> Counter[str]:
        """Images below each folder that holds any; `""` is the root."""
        direct = Counter(name.rpartition("/")[0] for name in self.images)
        counts: Counter[str] = Counter()
        for folder, count in direct.items():
            for above in _upwards(folder):
                counts[above] += count
        return counts


def stem_of(name: str) -> str:
    """A file's name without folders and suffix, in any case and normal form."""
    base = name.replace("\\", "/").rpartition("/")[2]
    stem, dot, suffix = base.rpartition(".")
    plain = stem if dot and suffix and not suffix.isdigit() and len(suffix) <= 5 else base
    return (plain if plain.isascii() else unicodedata.normalize("NFC", plain)).casefold()


def _upwards(folder: str) -> Iterator[str]:
    """A folder and those above it, the root last."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def look(root: Path) -> Inventory:
    """Walk a data folder."""
    listing = list_folder(root)
    tables: list[str] = []
    notes: list[str] = []
    for folder in listing.folders:
        if folder.count("/") >= _DEEPEST:
            continue
        place = root / folder if folder else root
        found = sorted(
            f"{folder}/{file.name}" if folder else file.name
            for file in place.iterdir()
            if file.suffix.lower() in TABLE_SUFFIXES and not is_junk(file.name, folder=False)
        )
        notes += [f"{root / n}: is a folder, and no table" for n in found if (root / n).is_dir()]
        found = [name for name in found if (root / name).is_file()]
        if len(found) > _CROWD:
            notes.append(f"{folder or root}: its {len(found)} tables are passed over")
        else:
            tables += found
    leave = made_from_others(listing.images, listing.folders)
    own = replace(listing, images=kept(listing.images, leave))
    left = len(listing.images) - len(own.images)
    if left:
        notes.append(
            f"{root}: {left} images that were made from others, by their names, are left out "
            f"({listed(leave)})"
        )
    return Inventory(root, own, tuple(tables), tuple(notes), leave)
