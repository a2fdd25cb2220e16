"""Looks at somebody's data and says how a source reads it, why, and what is to be mended."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from toolkit.builtin.archived import unpacked
from toolkit.builtin.listing import holds_images, subfolders
from toolkit.builtin.sources import csv, folder
from toolkit.builtin.splits import role_of
from toolkit.check.ask import Chosen, Unclear
from toolkit.check.decide import decide
from toolkit.check.inventory import Inventory, look
from toolkit.check.opened import Opened, open_images
from toolkit.check.tables import TABLE_WORDS
from toolkit.contracts import Table, ignore
from toolkit.data.table import read_table
from toolkit.errors import DataError
from toolkit.files import why_unreadable
from toolkit.files.archives import archive_in


@dataclass(frozen=True)
class Survey:
    """What was found of the data."""

    source: Mapping[str, Any]
    """The `[data]` section: `use` and every option that differs from its default."""
    table: Table
    sides: tuple[tuple[int, int], ...]
    """Width and height of the images whose header was read, pixels."""
    repeating: Mapping[str, int]
    """Other columns whose values repeat, and how many values they have: groups, perhaps."""
    why: tuple[str, ...] = ()
    """What was decided and why, a line each."""
    left: tuple[str, ...] = ()
    """What was passed over."""
    unreadable: tuple[str, ...] = ()
    """Some training images that cannot be read, with the reason."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Files that are neither images nor tables, by suffix."""
    unreadable_test: tuple[str, ...] = ()
    """The same of test images, without which there is no submission."""
    opened: str = ""
    """How far the images were looked at."""
    absent: frozenset[str] = frozenset()
    """Paths of the table that lead to no file."""


def survey(path: Path, chosen: Chosen = Chosen()) -> Survey:  # noqa: B008 - it is frozen
    """Find out how to read the data at `path`: a folder, an archive of one, or a table of labels.

    Raises `DataError` where it finds no labels or no images, with what it looked for, and its kind
    `Unclear` where two readings are as good.
    """
    archive = archive_in(path)
    if archive is not None:
        return _of_archive(archive, path, chosen)
    if not path.exists():
        why = why_unreadable(path) if path.is_symlink() else "there is no such file or folder"
        raise DataError(f"{path}: {why}")
    if not path.is_file() and not path.is_dir():
        raise DataError(f"{path}: {why_unreadable(path)}")
    root = path
    if path.is_file():
        root = _root_of(path)
        chosen = replace(chosen, table=path.relative_to(root).as_posix())
    return _of_folder(root, str(root), chosen)


def _of_archive(archive: Path, path: Path, chosen: Chosen) -> Survey:
    """The same of the files in an archive, in words that name it and not the cache.

    Args:
        path: the archive, or a table in it.
    """
    found = unpacked(archive, ignore)
    if path != archive:
        chosen = replace(chosen, table=path.relative_to(archive).as_posix())
    if chosen.table is not None and not (found.root / chosen.table).is_file():
        raise DataError(f"{path}: there is no such table in {archive}")
    try:
        seen = _of_folder(found.root, str(archive), chosen)
    except Unclear as unclear:
        raise unclear.worded(found.worded) from unclear
    except DataError as error:
        raise DataError(*map(found.worded, error.lines)) from error
    return replace(
        seen,
        why=tuple(map(found.worded, seen.why)),
        left=tuple(map(found.worded, seen.left)),
        unreadable=tuple(map(found.worded, seen.unreadable)),
        unreadable_test=tuple(map(found.worded, seen.unreadable_test)),
    )


def _of_folder(root: Path, said: str, chosen: Chosen) -> Survey:
    """Args:
    said: what the recipe names as its root.
    """
    inventory = look(root)
    if chosen.table is not None and chosen.table not in inventory.tables:
        inventory = replace(inventory, tables=(chosen.table, *inventory.tables))
    reading, left = decide(inventory, chosen)
    section = reading.section(said)
    options = {key: value for key, value in section.items() if key != "use"}
    source = csv(**options) if reading.use == "csv" else folder(**options)
    table = read_table(source)
    opened = _opened(table, said)
    tested = [] if table.test is None else list(table.test["path"])
    return Survey(
        section,
        table,
        opened.sides,
        reading.repeating,
        reading.why,
        (*left, *inventory.listing.notes),
        tuple(opened.faults_of(list(table.train["path"]), "training")),
        _skipped(inventory),
        tuple(opened.faults_of(tested, "test")),
        opened.words(),
        opened.absent,
    )


def _root_of(table: Path) -> Path:
    """The data folder of a table: its own, or one above where the images lie beside it."""
    own, above = table.parent, table.parent.parent
    if holds_images(own) or not (TABLE_WORDS.search(own.name) or role_of(own.name)):
        return own
    beside = (above / name for name in subfolders(above) if above / name != own)
    return above if any(holds_images(folder) for folder in beside) else own


def _skipped(inventory: Inventory) -> dict[str, int]:
    counts = dict(inventory.listing.others)
    for name in inventory.tables:
        suffix = os.path.splitext(name)[1].lower()
        counts[suffix] = counts.get(suffix, 0) - 1
    return {suffix: count for suffix, count in sorted(counts.items()) if count > 0}


def _opened(table: Table, root: str) -> Opened:
    """Raises `DataError` where no training image can be read."""
    trained = list(table.train["path"])
    tested = [] if table.test is None else list(table.test["path"])
    found = open_images([*trained, *tested])
    if not any(isinstance(path, str) and path not in found.absent for path in trained):
        why = [note for note in (*table.problems, *table.notes) if "IDs" in note]
        raise DataError(f"{root}: no training row names an image that is there", *why)
    if not found.sides:
        raise DataError(
            f"{root}: no image of {found.headers} that were opened can be read",
            *found.faults_of(trained, "training")[:3],
        )
    return found
