"""Where the images of a table's IDs may lie, and which lie there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from toolkit.builtin.splits import Role, role_of
from toolkit.check.ask import Chosen
from toolkit.check.inventory import Inventory
from toolkit.errors import DataError, in_shell, listed

_PLACES = 40  # folders that are tried for a column
MASKS = re.compile(r"mask|segment|annotation|heatmap|thumb", re.IGNORECASE)
"""Names of folders and columns of images that are no data, where others are there."""


def places_for(
    inventory: Inventory, ids: Sequence[str], chosen: Chosen, role: Role
) -> Iterator[str]:
    """Folders that images are looked for in: those of the split first, then from the narrowest to
    the root. IDs that are paths are looked for below the root first."""
    if chosen.images is not None and role == "train":
        yield _folder_named(chosen.images, inventory)
        return
    other = {"train": ("test",), "test": ("train", "valid"), "valid": ("train", "test")}[role]
    folders = [
        folder
        for folder in inventory.counts
        if folder and folder.count("/") < 4 and not any(role_of(p) in other for p in _parts(folder))
    ]
    folders.sort(
        key=lambda f: (
            not any(role_of(p) == role for p in _parts(f)),
            bool(MASKS.search(f)),
            f.count("/"),
            f,
        )
    )
    if any("/" in name or "\\" in name for name in ids[:100]):
        yield ""
    yield from folders[:_PLACES]
    yield ""


def better_place(place: str, role: Role) -> bool:
    """Whether a folder's name says that it holds these images."""
    return any(role_of(part) == role for part in place.split("/")) and not MASKS.search(place)


def _parts(folder: str) -> list[str]:
    return folder.split("/")


def _folder_named(text: str, inventory: Inventory) -> str:
    """The folder that `--images` means, below the root or as a path."""
    name = os.path.normpath(text).replace(os.sep, "/")
    inside = os.path.relpath(os.path.abspath(text), os.path.abspath(inventory.root))
    for folder in (name, inside.replace(os.sep, "/")):
        folder = "" if folder == "." else folder
        if inventory.counts[folder]:
            return folder
    raise DataError(
        f"--images {in_shell(text)}: {inventory.root / name} holds no images; folders that do: "
        f"{listed([f or '.' for f in sorted(inventory.counts)])}"
    )


def images_of(ids: Sequence[str], place: str, inventory: Inventory) -> Iterator[str | None]:
    """The image of each ID, below the root, as a source finds it in that folder."""
    folder = inventory.place(place)
    names = set(folder.images)
    head = f"{folder.folder}{os.sep}"
    for path in folder.find(ids, "", "training").paths:
        inside = path.removeprefix(head)
        if os.path.isabs(inside):  # an ID that is a path of its own
            inside = os.path.relpath(os.path.realpath(inside), os.path.realpath(folder.folder))
        inside = inside.replace(os.sep, "/")
        yield (f"{place}/{inside}" if place else inside) if inside in names else None
