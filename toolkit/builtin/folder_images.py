"""The images in class folders, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.builtin.listing import Listing


@dataclass(frozen=True)
class FolderImage:
    """A training image."""

    id: str
    path: str
    label: str
    """Empty where its name says none."""
    split: str = "train"
    """As its folder is called."""


def inside_of(place: str, listing: Listing) -> list[str]:
    """Paths below a place of the listing."""
    if not place:
        return listing.images
    head = f"{place}/"
    return [name[len(head) :] for name in listing.images if name.startswith(head)]


def images_below(
    root: Path,
    place: str,
    listing: Listing,
    classes: Sequence[str],
    prefix: str = "",
    split: str = "train",
) -> tuple[list[FolderImage], list[str]]:
    """The images in the class folders of a place, class by class, and those in no class folder."""
    known = set(classes)
    found: dict[str, list[FolderImage]] = {name: [] for name in classes}
    stray = []
    for name in inside_of(place, listing):
        label, slash, _ = name.partition("/")
        if slash and label in known:
            path = str(root / place / name)
            found[label].append(FolderImage(f"{prefix}{name}", path, label, split))
        elif not slash:
            stray.append(name)
    return [image for label in classes for image in found[label]], stray
