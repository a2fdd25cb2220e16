"""The readings in which folders or file names say the labels."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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

_PARTS = re.compile(
    r"(part|batch|chunk|shard|split|fold|dir|folder|page|set|size|res|scale|images?|imgs?)"
    r"[\W_]*\d+(px)?$|\d+x\d+(px)?$",
    re.IGNORECASE,
)


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
    found = _folders(inventory, find_layout(inventory.root, TRAIN, VALID, TEST, inventory.leave))
    tested = found.layout.test
    if asked or tested is None or not _is_beside(tested, found, inventory):
        return found
    as_class = find_layout(inventory.root, TRAIN, VALID, "", inventory.leave)
    return replace(_folders(inventory, as_class), test_is_class=tested)


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
) -> Reading:
    """The options of the source `folder` where folders are classes, and why."""
    layout, root = found.layout, inventory.root
    counts = Counter(found.label_of.values())
    if found.are_parts and chosen.source != "folder" and any(map(_PARTS.search, counts)):
        raise DataError(
            f"{root}: the folders {listed(sorted(counts))} look like parts of one set of images, "
            "and nothing says the labels; if these are classes: --source folder"
        )
    if chosen.source != "folder":
        _refuse_nested(found, root)
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
    return Reading("folder", {**options, **groups}, tuple(why), frozenset(found.label_of))


def _refuse_nested(found: ClassFolders, root: Path) -> None:
    """Raises `DataError` where the folders in class folders may be the classes, or are splits."""
    inner: dict[str, set[str]] = defaultdict(set)
    for name, label in found.label_of.items():
        parts = name.split("/")
        below = parts[parts.index(label) + 1 : -1]
        inner[label].add(below[0] if below else "")
    stems: dict[str, set[str]] = defaultdict(set)
    for name, label in found.label_of.items():
        stems[label].add(name.rpartition("/")[2].rpartition(".")[0])
    classes = found.classes
    for one in (c for c in classes if role_of(c) is not None):
        others = set().union(*(stems[c] for c in classes if c != one))
        if len(stems[one] & others) > 0.9 * len(stems[one]):
            raise DataError(
                f"{root}: the folder {one} may be a split, and a class beside "
                f"{listed([c for c in classes if c != one])}, whose files have the same names; "
                "move what is no class elsewhere; if all are classes: --source folder"
            )
    means = "; to train on all that lies below each as one class: --source folder"
    nesting = [c for c in classes if inner[c] & (set(classes) - {c})]
    if nesting:
        raise DataError(
            f"{root}: {listed(nesting)} holds folders that are called as those beside it "
            f"({listed(sorted(inner[nesting[0]]))}): the images once more, or other splits; move "
            f"it elsewhere{means}"
        )
    split = [c for c in classes if "train" in map(role_of, inner[c])]
    if split:
        raise DataError(
            f"{root}: the class folders {listed(split)} hold splits "
            f"({listed(sorted(inner[split[0]]))}), which are read above classes alone: move them, "
            f"to train/{split[0]}/{means}"
        )
    shared = [c for c in classes if len(inner[c]) > 1 and inner[c] == inner[classes[0]]]
    if len(shared) < 2 or len(shared) < len(classes) or "" in inner[classes[0]]:
        return
    same = sorted(inner[classes[0]])
    raise DataError(
        f"{root}: {listed(classes)} hold the same folders ({listed(same)}): which of both are the "
        f"classes cannot be told; point to one of them, or move the images to one folder a class"
        f"{means}"
    )


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
    if len({name.rpartition("/")[0] for name in names}) > 1:
        return {}  # what the folders mean is not known
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
    options["leave"] = list(inventory.leave) or None
    example = next(iter(labels))
    why = [
        f"label: the file names in {layout.train or '.'}/, such as {example}: no table and no "
        "folder says one",
        *lines,
    ]
    return Reading("folder", {"labels": "names", **options}, tuple(why), frozenset(labels))
