"""The readings in which folders or file names say the labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from toolkit.builtin.class_folders import TEST, TRAIN, VALID, Layout, find_layout
from toolkit.builtin.folder_source import NUMBERED
from toolkit.builtin.formats import names_an_image
from toolkit.builtin.splits import role_of
from toolkit.check.ask import Chosen
from toolkit.check.companions import test_options
from toolkit.check.inventory import Inventory
from toolkit.check.labels import group_of
from toolkit.check.reading import Reading
from toolkit.check.tables import Naming, TableSeen
from toolkit.check.vocabulary import CAMERAS
from toolkit.errors import DataError, listed

_PARTS = re.compile(r"(part|batch|chunk|shard|split|fold|dir|folder|page|set)[\W_]*\d+$", re.I)


@dataclass(frozen=True)
class ClassFolders:
    """A folder a class."""

    layout: Layout
    label_of: dict[str, str]
    """The class of each image, below the root."""
    empty: tuple[str, ...]
    test_is_class: str | None = None
    """A folder whose name means test, and which is a class as those beside it."""

    @property
    def classes(self) -> list[str]:
        return sorted(set(self.label_of.values()))

    @property
    def are_parts(self) -> bool:
        """Whether the folders' names are of parts of something, or of numbers alone."""
        return all(_PARTS.search(name) or name.isdigit() for name in self.classes)


def class_folders(inventory: Inventory, *, asked: bool) -> ClassFolders:
    """The class folders.

    Args:
        asked: a table names test images; a folder of that name holds them then.
    """
    found = _folders(inventory, find_layout(inventory.root, TRAIN, VALID, TEST))
    tested = found.layout.test
    if asked or tested is None or not _is_beside(tested, found, inventory):
        return found
    as_class = find_layout(inventory.root, TRAIN, VALID, "")
    return replace(_folders(inventory, as_class), test_is_class=tested)


def _is_beside(tested: str, found: ClassFolders, inventory: Inventory) -> bool:
    """Whether a test folder looks like the class folders that it stands beside."""
    flat = not any("/" in name for name in inventory.below(tested))
    beside = tested.rpartition("/")[0] == found.layout.train
    return flat and beside and len(found.classes) > 1 and not found.are_parts


def _folders(inventory: Inventory, layout: Layout) -> ClassFolders:
    label_of: dict[str, str] = {}
    for place in (layout.train, layout.valid):
        if place is None:
            continue
        head = f"{place}/" if place else ""
        for name in inventory.below(place):
            top, slash, _ = name.partition("/")
            if slash and (top in layout.classes or place == layout.valid):
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
) -> Reading:
    """The options of the source `folder` where folders are classes, and why."""
    layout, root = found.layout, inventory.root
    counts = Counter(found.label_of.values())
    if found.are_parts and chosen.source != "folder" and any(map(_PARTS.search, counts)):
        raise DataError(
            f"{root}: the folders {listed(sorted(counts))} look like parts of one set of images, "
            "and nothing says the labels; if these are classes: --source folder"
        )
    if found.empty:
        where = root / layout.train
        raise DataError(
            f"{where}: has class folders that hold no image that is read ({listed(found.empty)}); "
            "put images there, or remove them"
        )
    options, lines = test_options(tables, None, found.label_of.keys(), inventory, None)
    options.pop("test_images", None)
    groups, group_lines = _groups(named, inventory, chosen, found.label_of)
    what = layout.train or "."
    why = [f"label: the folders in {what}/, one a class", *lines, *group_lines]
    if found.test_is_class is not None:
        options["test"] = ""
        why.append(
            f"{root / found.test_is_class}: is taken for a class, as the folders beside it are; if "
            f'it holds test images: test = "{TEST}" in [data]'
        )
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


def name_labels(inventory: Inventory, layout: Layout) -> dict[str, str]:
    """The label that each file's name says, below the root; empty where names say none."""
    tested = f"{layout.test}/" if layout.test else None
    head = f"{layout.train}/" if layout.train else ""
    names = [head + name for name in inventory.below(layout.train)]
    names = [name for name in names if tested is None or not name.startswith(tested)]
    labels = {name: _label_in(name) for name in names}
    counts = Counter(labels.values())
    odd = "" in counts or any(
        label.casefold().strip("_- ") in CAMERAS or role_of(label) is not None for label in counts
    )
    if odd or len(counts) < 2 or min(counts.values()) < 2 or len(counts) > 0.3 * len(labels):
        return {}
    return labels


def _label_in(name: str) -> str:
    stem = name.rpartition("/")[2]
    stem = stem.rpartition(".")[0] if names_an_image(stem) else stem
    found = re.fullmatch(NUMBERED, stem)
    return found["label"].strip() if found else ""


def name_reading(
    labels: dict[str, str], layout: Layout, tables: Sequence[TableSeen], inventory: Inventory
) -> Reading:
    """The options of the source `folder` where file names say the classes, and why."""
    options, lines = test_options(tables, None, labels.keys(), inventory, None)
    options.pop("test_images", None)
    example = next(iter(labels))
    why = [
        f"label: the file names in {layout.train or '.'}/, such as {example}: no table and no "
        "folder says one",
        *lines,
    ]
    return Reading("folder", {"labels": "names", **options}, tuple(why), frozenset(labels))
