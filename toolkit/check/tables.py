"""Tables as candidates: which are there, which column names images, and where these lie."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from toolkit.builtin.documents import NoTable
from toolkit.builtin.names import resolve, unresolved_lines
from toolkit.builtin.splits import Role, role_of
from toolkit.builtin.tables import Rows, read_rows
from toolkit.check.ask import Choice, Chosen, Unclear
from toolkit.check.inventory import Inventory
from toolkit.errors import DataError, in_shell, listed
from toolkit.files import require_regular

if TYPE_CHECKING:
    import pandas as pd

_PROBED = 500  # values of a column that decide whether it names images
_LEAST = 0.3  # share of its values that a column of names finds
_PLACES = 40  # folders that are tried for a column
_SAMPLES = re.compile(r"sample|submi[ts]", re.IGNORECASE)
TABLE_WORDS = re.compile(
    r"(?<![a-z])(annotations?|captions|classes|coco|csv|df|gt|info|instances|labels?|list|meta|"
    r"metadata|table)(?![a-z])",
    re.IGNORECASE,
)
"""What names of tables, and of folders of tables, have beside a word for a split."""
_MASKS = re.compile(r"mask|segment|annotation|heatmap|thumb", re.IGNORECASE)
_TEXTS = (".txt", ".json", ".jsonl", ".ndjson")  # often no table, which is nothing to tell


@dataclass(frozen=True)
class TableSeen:
    """A table that could be read."""

    name: str
    rows: Rows

    @property
    def frame(self) -> pd.DataFrame:
        return self.rows.frame

    @property
    def columns(self) -> list[str]:
        return [str(column) for column in self.frame.columns]

    @property
    def is_sample(self) -> bool:
        """Whether its name says that it shows a submission's form."""
        return bool(_SAMPLES.search(PurePosixPath(self.name).stem))

    @property
    def role(self) -> Role | None:
        """The split that it is about, by its name or that of a folder that it lies in:
        `instances_val2017.json`, `test/labels.csv`."""
        path = PurePosixPath(self.name)
        names = (path.stem, *(part for part in reversed(path.parent.parts)))
        return next((role for name in names if (role := role_of(TABLE_WORDS.sub("_", name)))), None)


@dataclass(frozen=True)
class Naming:
    """A column that names images, and the folder where they lie."""

    column: str
    place: str
    found: tuple[str | None, ...]
    """The image of each row, below the root."""
    tied: tuple[str, ...] = ()
    """Other folders in which as many are found."""

    @property
    def count(self) -> int:
        return len({name for name in self.found if name is not None})

    @property
    def share(self) -> float:
        """Rows that find an image, 0 to 1."""
        return sum(name is not None for name in self.found) / max(1, len(self.found))


def read_tables(inventory: Inventory, chosen: Chosen) -> tuple[list[TableSeen], list[str]]:
    """Every table that can be read, and a line for each that cannot."""
    seen, passed = [], []
    for name in inventory.tables:
        file = inventory.root / name
        try:
            require_regular(file)
            rows = read_rows(file)
        except DataError as error:
            if name == chosen.table:
                raise
            if not isinstance(error, NoTable) and not name.lower().endswith(".txt"):
                passed.append(f"{error.lines[0]}; it is passed over")
            continue
        except OSError as error:
            passed.append(f"{file}: {error}; it is passed over")
            continue
        if len(rows.frame):
            seen.append(TableSeen(name, rows))
        elif not name.lower().endswith(_TEXTS):
            passed.append(f"{file}: has no rows; it is passed over")
    return seen, passed


def namings(
    table: TableSeen, inventory: Inventory, chosen: Chosen, role: Role = "train"
) -> list[Naming]:
    """The columns that name images, the best first."""
    columns = table.columns
    if chosen.id is not None and role == "train":
        columns = [column for column in columns if column == chosen.id.strip()]
    stems = _stems(inventory)
    found = []
    for column in columns:
        values = table.frame[column]
        if _probe(values, stems) < _LEAST:
            continue
        best = _placed(values, column, inventory, chosen, role)
        if best is not None and best.share > _LEAST:
            found.append(best)
    order = {column: n for n, column in enumerate(columns)}
    return sorted(found, key=lambda n: (-n.count, order[n.column]))


def _stems(inventory: Inventory) -> set[str]:
    return {_stem(name) for name in inventory.images}


def _stem(name: str) -> str:
    import unicodedata

    base = name.replace("\\", "/").rpartition("/")[2]
    stem, dot, suffix = base.rpartition(".")
    known = dot and suffix.casefold() and not suffix.isdigit() and len(suffix) <= 5
    return unicodedata.normalize("NFC", stem if known else base).casefold()


def _probe(values: pd.Series[Any], stems: set[str]) -> float:
    """Share of some of the values that are an image's name, read freely."""
    some = [v for v in values.iloc[:: max(1, len(values) // _PROBED)] if v]
    hits = sum(_stem(v) in stems or _stem(f"{v}.jpg") in stems for v in some)
    return hits / max(1, len(some))


def _placed(
    values: pd.Series[Any], column: str, inventory: Inventory, chosen: Chosen, role: Role
) -> Naming | None:
    """The folder in which most of the values are found.

    Some of the values say which folders are worth a look, so that a million rows are looked up
    once or twice.
    """
    ids = list(values)
    some = ids[:: max(1, len(ids) // _PROBED)]
    enough = _LEAST * len(set(ids))  # a folder of fewer images cannot hold those of the table
    places = list(dict.fromkeys(_places(inventory, ids, chosen, role)))
    places = [place for place in places if inventory.counts[place] > enough]
    hits = {p: sum(name is not None for name in _found(some, p, inventory)) for p in places}
    most = max(hits.values(), default=0)
    if not most:
        return None
    first = next(place for place in places if hits[place] == most)
    tried = {first: Naming(column, first, tuple(_found(ids, first, inventory)))}
    whole = tried[first].share == 1
    for place in places:
        near = hits[place] == most if whole else hits[place] > 0.5 * most
        if place not in tried and near and not (whole and _holds(place, first)):
            tried[place] = Naming(column, place, tuple(_found(ids, place, inventory)))
    best = max(tried.values(), key=lambda naming: naming.count)
    own = set(best.found) - {None}
    tied = [
        naming.place
        for naming in tried.values()
        if naming.count == best.count and own.isdisjoint(set(naming.found) - {None})
    ]
    if _better_place(best.place, role):
        tied = [place for place in tied if _better_place(place, role)]
    return Naming(column, best.place, best.found, tuple(tied))


def _holds(place: str, other: str) -> bool:
    """Whether one of two folders lies in the other."""
    return any(not a or f"{b}/".startswith(f"{a}/") for a, b in ((place, other), (other, place)))


def _better_place(place: str, role: Role) -> bool:
    """Whether a folder's name says that it holds these images."""
    return any(role_of(part) == role for part in place.split("/")) and not _MASKS.search(place)


def _places(inventory: Inventory, ids: Sequence[str], chosen: Chosen, role: Role) -> Iterator[str]:
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
            bool(_MASKS.search(f)),
            f.count("/"),
            f,
        )
    )
    if any("/" in name or "\\" in name for name in ids[:100]):
        yield ""
    yield from folders[:_PLACES]
    yield ""


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


def _found(ids: Sequence[str], place: str, inventory: Inventory) -> Iterator[str | None]:
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


def best_naming(
    table: TableSeen, found: Sequence[Naming], inventory: Inventory, chosen: Chosen
) -> Naming | None:
    """The column that names the images. Raises `Unclear` where two columns name others, or where
    two folders have them."""
    if not found:
        return None
    best = found[0]
    rivals = [
        other
        for other in found[1:]
        if other.count > 0.9 * best.count
        and other.found != best.found
        and not _MASKS.search(other.column)
    ]
    if rivals and chosen.id is None:
        choices = [
            Choice(n.column, f"{n.count} images in {n.place or '.'}") for n in (best, *rivals)
        ]
        raise Unclear(
            f"{inventory.root / table.name}: several columns name images", "--id", choices
        )
    if best.tied and chosen.images is None:
        plain = [p for p in (best.place, *best.tied) if not _MASKS.search(p)]
        if plain != [best.place]:
            choices = [Choice(p, f"{inventory.counts[p]} images") for p in (best.place, *best.tied)]
            raise Unclear(
                f"{inventory.root / table.name}: the IDs in {best.column!r} name images in several "
                "folders",
                "--images",
                choices,
            )
    if chosen.images is None:
        refuse_twice(table, best, inventory)
    return best


def refuse_twice(table: TableSeen, best: Naming, inventory: Inventory) -> None:
    """Raises `DataError` where the images are there once more, spread over other folders."""
    if not best.place or _better_place(best.place, "train"):
        return
    inside = f"{best.place}/"
    own = {_stem(name) for name in best.found if name is not None}
    others = [
        name
        for name in inventory.images
        if not name.startswith(inside) and not _MASKS.search(name) and _stem(name) in own
    ]
    folders = sorted({name.rpartition("/")[0] for name in others})
    if len({_stem(name) for name in others}) > 0.9 * len(own):
        raise DataError(
            f"{inventory.root / table.name}: the IDs in {best.column!r} name images in "
            f"{best.place}/, and once more in {listed([f or '.' for f in folders])}; which are "
            f"meant? Move the others elsewhere, or choose: --images {in_shell(best.place)}"
        )


def lost(table: TableSeen, column: str, inventory: Inventory) -> list[str]:
    """Why the values of a column name no image, with the nearest file."""
    tested = [n for n in inventory.images if "test" in map(role_of, _parts(n)[:-1])]
    images = sorted(set(inventory.images).difference(tested)) or inventory.images
    got = resolve(list(table.frame[column]), images, str(inventory.root.absolute()))
    file = inventory.root / table.name
    return [f"{file}: {line}" for line in unresolved_lines(got, images, f"{column!r}")]
