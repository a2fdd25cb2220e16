"""Looks at somebody's data and says how a source reads it, why, and what is to be mended."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.builtin.archived import unpacked
from toolkit.builtin.listing import holds_images, subfolders
from toolkit.builtin.sources import csv, folder
from toolkit.builtin.splits import role_of
from toolkit.check.ask import Chosen, Unclear
from toolkit.check.decide import decide
from toolkit.check.inventory import Inventory, look
from toolkit.check.tables import TABLE_WORDS
from toolkit.contracts import Table, ignore
from toolkit.data.images import image_size
from toolkit.data.table import read_table
from toolkit.errors import DataError
from toolkit.files import bounded, why_unreadable
from toolkit.files.archives import archive_in

_SAMPLED = 200  # images whose size is looked at


@dataclass(frozen=True)
class Survey:
    """What was found of the data."""

    source: Mapping[str, Any]
    """The `[data]` section: `use` and every option that differs from its default."""
    table: Table
    sides: tuple[tuple[int, int], ...]
    """Width and height of some of the images, pixels."""
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
    sides, unreadable = _sides(list(table.train["path"]))
    return Survey(
        section,
        table,
        sides,
        reading.repeating,
        reading.why,
        (*left, *inventory.listing.notes),
        unreadable,
        _skipped(inventory),
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


def _sides(paths: list[str]) -> tuple[tuple[tuple[int, int], ...], tuple[str, ...]]:
    """Sizes of images spread over the table, and those among them that cannot be read."""
    sides, faults = [], []
    for path in paths[:: max(1, len(paths) // _SAMPLED)]:
        if not isinstance(path, str) or not os.path.exists(path):
            continue  # told with the rows that name no image
        try:
            sides.append(bounded(partial(image_size, path), path))
        except DataError as error:
            faults.append(error.lines[0])
    if not sides:
        raise DataError(
            f"{paths[0]}: it and the others looked at are no readable images", *faults[:3]
        )
    return tuple(sides), tuple(faults)
