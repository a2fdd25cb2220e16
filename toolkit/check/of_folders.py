"""The reading in which folders say the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from toolkit.builtin.class_folders import TEST, TRAIN, VALID, Layout, find_layout
from toolkit.check.ask import Chosen
from toolkit.check.companions import test_options
from toolkit.check.inventory import Inventory
from toolkit.check.lineage import group_of
from toolkit.check.naming import Naming, namings
from toolkit.check.nested import PARTS, refuse_nested
from toolkit.check.reading import Reading
from toolkit.check.tables import TableSeen
from toolkit.errors import DataError, listed


@dataclass(frozen=True)
class ClassFolders:
    """A folder a class."""

    layout: Layout
    label_of: dict[str, str]
    """The class of each image, below the root."""
    empty: tuple[str, ...]
    test_is_class: str | None = None
    """A folder whose name means test, and which is a class as those beside it."""
    test_folder: str | None = None
    """A folder beside the classes that the sample submission names images in."""

    @property
    def classes(self) -> list[str]:
        return sorted(set(self.label_of.values()))

    @property
    def are_parts(self) -> bool:
        """Whether the folders' names are of parts of something, or of numbers alone."""
        return all(PARTS.search(name) or name.isdigit() for name in self.classes)


def class_folders(inventory: Inventory, tables: Sequence[TableSeen]) -> ClassFolders:
    """The class folders. One whose images a sample submission asks for is none, whatever it is
    called; one that is called test is one where nothing asks for its images."""
    found = _folders(inventory, find_layout(inventory.root, TRAIN, VALID, TEST, inventory.leave))
    tested = found.layout.test
    asking = [table for table in tables if table.is_sample or table.role == "test"]
    if tested is None:
        asked_for = _asked_for(found, asking, inventory)
        if asked_for is None:
            return found
        layout = find_layout(inventory.root, TRAIN, VALID, asked_for, inventory.leave)
        return replace(_folders(inventory, layout), test_folder=asked_for)
    if asking or not _is_beside(tested, found, inventory):
        return found
    as_class = find_layout(inventory.root, TRAIN, VALID, "", inventory.leave)
    return replace(_folders(inventory, as_class), test_is_class=tested)


def _asked_for(
    found: ClassFolders, asking: Sequence[TableSeen], inventory: Inventory
) -> str | None:
    """The folder among the classes, at the root, that the IDs of a sample name images in."""
    for table in asking:
        for naming in namings(table, inventory, Chosen(), "test")[:1]:
            if naming.place in found.layout.classes and not found.layout.train:
                return naming.place
    return None


def _is_beside(tested: str, found: ClassFolders, inventory: Inventory) -> bool:
    """Whether a test folder looks like the class folders that it stands beside."""
    flat = not any("/" in name for name in inventory.below(tested))
    beside = tested.rpartition("/")[0] == found.layout.train
    return flat and beside and len(found.classes) > 1 and not found.are_parts


def _folders(inventory: Inventory, layout: Layout) -> ClassFolders:
    label_of: dict[str, str] = {}
    classes = set(layout.classes)
    for place in (layout.train, layout.valid):
        if place is None:
            continue
        head = f"{place}/" if place else ""
        for name in inventory.below(place):
            top, slash, _ = name.partition("/")
            if slash and (top in classes or place == layout.valid):
                label_of[head + name] = top
    full = set(label_of.values())
    empty = tuple(name for name in layout.classes if name not in full)
    return ClassFolders(layout, label_of, empty)


def folder_reading(
    found: ClassFolders,
    tables: Sequence[TableSeen],
    named: Sequence[tuple[TableSeen, Naming]],
    inventory: Inventory,
    chosen: Chosen,
    unnamed: Sequence[str] = (),
) -> Reading:
    """The options of the source `folder` where folders are classes, and why.

    Args:
        unnamed: why tables name no images.
    """
    layout, root = found.layout, inventory.root
    counts = Counter(found.label_of.values())
    if found.are_parts and chosen.source != "folder" and any(map(PARTS.search, counts)):
        raise DataError(
            f"{root}: the folders {listed(sorted(counts))} look like parts of one set of images, "
            "and nothing says the labels; if these are classes: --source folder",
            *(f"  {line}" for line in unnamed),
        )
    if chosen.source != "folder":
        places = [place for place in (layout.train, layout.valid) if place is not None]
        refuse_nested(found.label_of, places, root)
    if found.empty:
        where = root / layout.train
        raise DataError(
            f"{where}: has class folders that hold no image that is read ({listed(found.empty)}); "
            "put images there, or remove them"
        )
    options, lines = test_options(tables, None, found.label_of.keys(), inventory, None)
    options.pop("test_images", None)
    options["leave"] = list(inventory.leave) or None
    groups, group_lines = _groups(named, inventory, chosen, found.label_of)
    what = layout.train or "."
    why = [f"label: the folders in {what}/, one a class", *lines, *group_lines]
    if found.test_is_class is not None:
        options["test"] = ""
        why.append(
            f"{root / found.test_is_class}: is taken for a class, as the folders beside it are; if "
            f'it holds test images: test = "{TEST}" in [data]'
        )
    if found.test_folder is not None:
        options["test"] = found.test_folder
    return Reading("folder", {**options, **groups}, tuple(why), frozenset(found.label_of))


def _groups(
    named: Sequence[tuple[TableSeen, Naming]],
    inventory: Inventory,
    chosen: Chosen,
    label_of: dict[str, str],
) -> tuple[dict[str, str], list[str]]:
    """A table beside the class folders that says which images belong together."""
    lines = []
    for table, naming in named:
        group, why = group_of(inventory.root / table.name, table.frame, {naming.column}, chosen)
        covered = len(set(naming.found) & label_of.keys())
        if group is None or not covered:
            lines.append(f"{inventory.root / table.name}: is not needed, and left alone")
            continue
        count = table.frame[group].nunique()
        return {"groups": table.name, "group_column": group, "id_column": naming.column}, [
            f"groups: group_column = {group} of {table.name}, {count} values, since {why}"
        ]
    return {}, lines
