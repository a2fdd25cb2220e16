"""What stands beside the training data: the sample submission, test images, names of classes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.builtin.documents import FILE, LABEL
from toolkit.builtin.splits import role_of
from toolkit.builtin.table_source import META
from toolkit.check.ask import Chosen
from toolkit.check.inventory import Inventory
from toolkit.check.naming import namings
from toolkit.check.tables import TableSeen
from toolkit.errors import listed

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = "sample_submission.csv"


def test_options(
    tables: Sequence[TableSeen],
    train: TableSeen | None,
    trained: Collection[str],
    inventory: Inventory,
    id_column: str | None,
) -> tuple[dict[str, Any], list[str]]:
    """The sample submission and the test images, as options of a source, and lines of why."""
    lines: list[str] = []
    own = "" if train is None else train.name
    others = [t for t in tables if t.name != own]
    candidates = [t for t in others if t.is_sample] + [t for t in others if t.role == "test"]
    for table in dict.fromkeys(table.name for table in candidates):
        seen = next(t for t in candidates if t.name == table)
        file = inventory.root / seen.name
        found = [
            naming
            for naming in namings(seen, inventory, Chosen(), "test")
            if _apart(naming.found, trained)
        ]
        if not found or found[0].share < 0.5:
            ids = list(seen.frame.iloc[:, 0])
            lines.append(
                f"{file}: its IDs ({listed(ids, 3)}) name no images that are not trained on, so "
                "nothing is predicted for it; put the test images beside it"
            )
            continue
        best = found[0]
        options: dict[str, Any] = {"sample": seen.name, "test_images": best.place or "."}
        if id_column is not None and best.column != id_column:
            options["sample_id_column"] = best.column
        if id_column is None and best.column != seen.columns[0]:
            options["sample_id_column"] = best.column
        named = sum(name is not None for name in best.found)
        lines.append(
            f"test: {seen.name} is not trained on; {named} of its {len(best.found)} rows find an "
            f"image in {best.place or '.'}/"
        )
        return options, lines
    options = {"sample": ""} if (inventory.root / SAMPLE).exists() else {}
    place = test_folder(inventory, trained)
    if place is not None:
        lines.append(f"test: {inventory.counts[place]} images in {place}/, without a sample")
        return {**options, "test_images": place}, lines
    return options, lines


def _apart(found: Sequence[str | None], trained: Collection[str]) -> bool:
    """Whether most of the images are not trained on."""
    named = [name for name in found if name is not None]
    return sum(name in trained for name in named) < 0.5 * max(1, len(named))


def test_folder(inventory: Inventory, trained: Collection[str]) -> str | None:
    """A folder whose name means test, none of whose images is trained on."""
    folders = sorted(inventory.counts, key=lambda f: (f.count("/"), f))
    for folder in folders:
        if folder and role_of(folder.rpartition("/")[2]) == "test":
            names = {f"{folder}/{name}" for name in inventory.below(folder)}
            if names.isdisjoint(trained):
                return folder
    return None


def class_names(
    tables: Sequence[TableSeen],
    train: TableSeen,
    column: str | None,
    labels: pd.Series[Any],
    inventory: Inventory,
) -> tuple[dict[str, Any], list[str]]:
    """The table of class names: a row a class, with the label's column, or a JSON of names."""
    wanted = set(labels) - {""}
    for table in tables:
        if table.name == train.name or table.is_sample or column is None:
            continue
        frame = table.frame
        of_json = table.columns == [FILE, LABEL] and Path(table.name).suffix.lower() == ".json"
        key = FILE if of_json else column
        names = [c for c in table.columns if c != key and frame[c].is_unique]
        if key not in frame or not names or not frame[key].is_unique:
            continue
        if not wanted <= set(frame[key]):
            continue
        usual = [c for c in names if "name" in c.lower()]
        name = (usual or names)[0]
        options: dict[str, Any] = {"meta": table.name}
        if not of_json:
            options["name_column"] = name
        unused = sorted(set(frame[key]) - wanted)
        if unused:
            text = f"{table.name} names {listed(unused, 3)}, too, which no row has"
            return _no_meta(inventory), [f"names: {text}; it is not used"]
        return options, [f"names: of the classes, from {table.name}"]
    return _no_meta(inventory), []


def _no_meta(inventory: Inventory) -> dict[str, Any]:
    """Without the file of the usual name, where it is about something else."""
    return {"meta": ""} if (inventory.root / META).exists() else {}
