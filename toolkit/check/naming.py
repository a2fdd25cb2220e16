"""Which column of a table names images, and in which folder these lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.builtin.names import resolve, unresolved_lines
from toolkit.builtin.splits import Role, role_of
from toolkit.check.ask import Choice, Chosen, Unclear
from toolkit.check.image_folders import MASKS, better_place, images_of, places_for
from toolkit.check.inventory import Inventory, stem_of
from toolkit.check.tables import TableSeen
from toolkit.errors import DataError, in_shell, listed

if TYPE_CHECKING:
    import pandas as pd

_PROBED = 500  # values of a column that decide whether it names images
_LEAST = 0.3  # share of its values that a column of names finds


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


def namings(
    table: TableSeen, inventory: Inventory, chosen: Chosen, role: Role = "train"
) -> list[Naming]:
    """The columns that name images, the best first."""
    columns = table.columns
    if chosen.id is not None and role == "train":
        columns = [column for column in columns if column == chosen.id.strip()]
    found = []
    for column in columns:
        values = table.frame[column]
        if _probe(values, inventory.stems) < _LEAST:
            continue
        best = _placed(values, column, inventory, chosen, role)
        if best is not None and best.share > _LEAST:
            found.append(best)
    order = {column: n for n, column in enumerate(columns)}
    return sorted(found, key=lambda n: (-n.count, order[n.column]))


def _probe(values: pd.Series[Any], stems: frozenset[str]) -> float:
    """Share of some of the values that are an image's name, read freely."""
    some = [v for v in values.iloc[:: max(1, len(values) // _PROBED)] if v]
    hits = sum(stem_of(v) in stems or stem_of(f"{v}.jpg") in stems for v in some)
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
    places = list(dict.fromkeys(places_for(inventory, ids, chosen, role)))
    places = [place for place in places if inventory.counts[place] > enough]
    hits = {p: sum(name is not None for name in images_of(some, p, inventory)) for p in places}
    most = max(hits.values(), default=0)
    if not most:
        return None
    first = next(place for place in places if hits[place] == most)
    tried = {first: Naming(column, first, tuple(images_of(ids, first, inventory)))}
    whole = tried[first].share == 1
    for place in places:
        near = hits[place] == most if whole else hits[place] > 0.5 * most
        if place not in tried and near and not (whole and _holds(place, first)):
            tried[place] = Naming(column, place, tuple(images_of(ids, place, inventory)))
    best = max(tried.values(), key=lambda naming: naming.count)
    own = set(best.found) - {None}
    tied = [
        naming.place
        for naming in tried.values()
        if naming.count == best.count and own.isdisjoint(set(naming.found) - {None})
    ]
    if better_place(best.place, role):
        tied = [place for place in tied if better_place(place, role)]
    return Naming(column, best.place, best.found, tuple(tied))


def _holds(place: str, other: str) -> bool:
    """Whether one of two folders lies in the other."""
    return any(not a or f"{b}/".startswith(f"{a}/") for a, b in ((place, other), (other, place)))


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
        and not MASKS.search(other.column)
    ]
    if rivals and chosen.id is None:
        choices = [
            Choice(n.column, f"{n.count} images in {n.place or '.'}") for n in (best, *rivals)
        ]
        raise Unclear(
            f"{inventory.root / table.name}: several columns name images", "--id", choices
        )
    if best.tied and chosen.images is None:
        plain = [p for p in (best.place, *best.tied) if not MASKS.search(p)]
        if plain != [best.place]:
            choices = [Choice(p, f"{inventory.counts[p]} images") for p in (best.place, *best.tied)]
            raise Unclear(
                f"{inventory.root / table.name}: the IDs in {best.column!r} name images in several "
                "folders",
                "--images",
                choices,
            )
    if chosen.images is None:
        _refuse_twice(table, best, inventory)
    return best


def _refuse_twice(table: TableSeen, best: Naming, inventory: Inventory) -> None:
    """Raises `DataError` where the images are there once more, spread over other folders."""
    if not best.place or better_place(best.place, "train"):
        return
    inside = f"{best.place}/"
    own = {stem_of(name) for name in best.found if name is not None}
    others = [
        name
        for name in inventory.images
        if not name.startswith(inside) and not MASKS.search(name) and stem_of(name) in own
    ]
    folders = sorted({name.rpartition("/")[0] for name in others})
    if len({stem_of(name) for name in others}) > 0.9 * len(own):
        raise DataError(
            f"{inventory.root / table.name}: the IDs in {best.column!r} name images in "
            f"{best.place}/, and once more in {listed([f or '.' for f in folders])}; which are "
            f"meant? Move the others elsewhere, or choose: --images {in_shell(best.place)}"
        )


def lost(table: TableSeen, column: str, inventory: Inventory) -> list[str]:
    """Why the values of a column name no image, with the nearest file."""
    tested = [n for n in inventory.images if "test" in map(role_of, n.split("/")[:-1])]
    images = sorted(set(inventory.images).difference(tested)) or inventory.images
    got = resolve(list(table.frame[column]), images, str(inventory.root.absolute()))
    file = inventory.root / table.name
    return [f"{file}: {line}" for line in unresolved_lines(got, images, f"{column!r}")]
