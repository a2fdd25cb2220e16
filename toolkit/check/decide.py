"""The decision: the reading with the most for it, or the question that is open."""

from __future__ import annotations

from toolkit.check.ask import Choice, Chosen, Unclear
from toolkit.check.columns import is_group_name, repeats
from toolkit.check.inventory import Inventory
from toolkit.check.of_folders import ClassFolders, class_folders, folder_reading
from toolkit.check.of_names import name_labels, name_reading
from toolkit.check.of_table import Labelled, Looked, best_table, look_at_tables, table_reading
from toolkit.check.reading import Reading
from toolkit.check.tables import TableSeen, read_tables
from toolkit.errors import DataError, listed

_ODD = 5  # links and files that could not be read, and are named where nothing was found
SOURCES = ("csv", "folder", "names")


def decide(inventory: Inventory, chosen: Chosen) -> tuple[Reading, list[str]]:
    """The reading, and lines about what was passed over.

    Raises `Unclear` where two readings are close, `DataError` where there is none.
    """
    if chosen.source is not None and chosen.source not in SOURCES:
        raise DataError(f"--source {chosen.source}: expected one of {', '.join(SOURCES)}")
    tables, passed = read_tables(inventory, chosen)
    looked = look_at_tables(tables, inventory, chosen)
    folders = class_folders(inventory, tables)
    source = chosen.source or _source(looked, folders, inventory, chosen)
    if source == "csv":
        best = best_table(looked.labelled, inventory)
        if best is None:
            raise _no_table(looked, passed, inventory, chosen)
        reading = table_reading(best, tables, inventory, chosen)
    elif source == "folder":
        if len(folders.classes) < 2:
            raise DataError(
                f"{inventory.root}: --source folder needs two class folders with images; it has "
                f"{len(folders.classes)}"
            )
        reading = folder_reading(folders, tables, looked.named, inventory, chosen, looked.unnamed)
    else:
        labels = name_labels(inventory, folders.layout)
        if not labels:
            raise _nothing(looked, passed, inventory)
        reading = name_reading(labels, folders.layout, tables, inventory)
    return reading, [*inventory.notes, *passed, *_left(tables, looked, reading, inventory)]


def _source(looked: Looked, folders: ClassFolders, inventory: Inventory, chosen: Chosen) -> str:
    """Which source has the most for it. Raises `Unclear` where two are close."""
    several = len(folders.classes) > 1
    if chosen.table is not None:
        return "csv"
    if looked.labelled:
        best = best_table(looked.labelled, inventory)
        if best is None or not several or _agree(best, folders):
            return "csv"
        raise Unclear(
            f"{inventory.root}: a table and folders say other classes",
            "--source",
            [
                Choice(
                    "csv",
                    f"{best.table.name}: {best.naming.count} images of "
                    f"{best.labels.values.nunique()} classes, column "
                    f"{listed(list(best.labels.columns))}",
                ),
                Choice(
                    "folder",
                    f"{len(folders.label_of)} images of {len(folders.classes)} classes, "
                    f"{listed(folders.classes)}",
                ),
            ],
        )
    telling = [fault for fault in looked.faults if not _says_little(fault)]
    if telling and not (several and chosen.label is None and _by_folders(telling)):
        raise telling[0]
    if several:
        return "folder"
    if looked.faults and not name_labels(inventory, folders.layout):
        raise looked.faults[0]
    return "names"


def _says_little(fault: DataError) -> bool:
    return isinstance(fault, Unclear) and not fault.named


def _by_folders(faults: list[DataError]) -> bool:
    return all(_says_little(fault) for fault in faults)


def _agree(best: Labelled, folders: ClassFolders) -> bool:
    """Whether folders do not speak against a table: they name its labels, or are no classes."""
    labels = best.label_of
    shared = labels.keys() & folders.label_of.keys()
    if not shared:
        return True
    inside = {folders.label_of[name] for name in shared}
    if len(inside) < 2:  # the table's images lie in one of them
        return True
    pairs = {(labels[name], folders.label_of[name]) for name in shared}
    one_to_one = len(pairs) == len(inside) == len({label for label, _ in pairs})
    if one_to_one:
        return len(shared) > 0.9 * len(folders.label_of)
    return folders.are_parts and best.labels.level > 0


def _no_table(looked: Looked, passed: list[str], inventory: Inventory, chosen: Chosen) -> DataError:
    if looked.faults:
        return looked.faults[0]
    if chosen.table is not None:
        return DataError(
            f"{inventory.root / chosen.table}: no column of it names image files below "
            f"{inventory.root}; expected one with file names (with or without their suffix) and "
            "one with labels",
            *(f"  {line}" for line in looked.unnamed),
        )
    return _nothing(looked, passed, inventory)


def _nothing(looked: Looked, passed: list[str], inventory: Inventory) -> DataError:
    root = inventory.root
    odd = [f"{root}: {note}" for note in inventory.listing.notes[:_ODD]]
    lines = [f"  {line}" for line in (*looked.unnamed, *passed, *inventory.notes, *odd)]
    if not inventory.images:
        lines.append("  there is no image below it")
    return DataError(
        f"{root}: found neither a CSV whose rows name images nor class folders with images",
        *lines,
        f"  A competition's layout: {root}/train.csv (ID,target) and {root}/train/*.jpg",
        f"  Class folders: {root}/invoice/0001.jpg, {root}/letter/0002.jpg",
    )


def _left(
    tables: list[TableSeen], looked: Looked, reading: Reading, inventory: Inventory
) -> list[str]:
    """A line for each table that is not used, and what is lost with it."""
    used = {reading.options.get(key) for key in ("train", "valid", "meta", "sample", "groups")}
    naming = {table.name: found.column for table, found in looked.named}
    lines = []
    for table in tables:
        if table.name in used or table.name.lower().endswith(".txt"):
            continue
        groups = [c for c in table.columns if is_group_name(c) and repeats(table.frame[c])]
        line = f"{inventory.root / table.name}: is not used"
        if groups and table.name in naming and not reading.options.get("group_column"):
            line += (
                f"; its column {groups[0]!r} looks like groups: add it to "
                f"{reading.options.get('train', 'the training table')}, so that no group lies in "
                "several folds"
            )
        lines.append(line)
    return lines
