"""Looks at a folder or a CSV of somebody's data and says how a source would read it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.builtin.formats import IMAGE_SUFFIXES
from toolkit.builtin.sources import csv, folder
from toolkit.contracts import Table
from toolkit.data.images import image_size
from toolkit.data.table import read_table
from toolkit.errors import DataError
from toolkit.files import bounded, why_unreadable

_SAMPLED = 200  # images whose size is looked at
_TARGETS = ("target", "label", "class", "category", "y", "class_name", "classname", "type", "kind")
_GROUPS = re.compile(
    r"(^|_)(group|document|doc|pdf|book|patient|subject|person|user|writer|scene|session|site|"
    r"camera|video|sequence|source|case|family|series)s?(_?id)?$",
    re.IGNORECASE,
)
_PARENTS = re.compile(r"(^|_)(parent|original|augmented_from|made_from)(_?id)?$", re.IGNORECASE)


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


def survey(path: Path) -> Survey:
    """Find out how to read the data at `path`: a folder, or a CSV of labels.

    Raises `DataError` where it finds no labels or no images, with what it looked for.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    if not path.is_file() and not path.is_dir():
        raise DataError(f"{path}: {why_unreadable(path)}")
    if path.is_file():
        found = _of_table(path, path.parent)
        if found is None:
            raise DataError(
                f"{path}: no column of it names image files below {path.parent}; expected one with "
                "file names (with or without their suffix) and one with labels"
            )
    else:
        tables = sorted(_tables(path), key=lambda file: (file.name != "train.csv", file.name))
        candidates = (_of_table(file, path) for file in tables)
        found = next((found for found in candidates if found is not None), None) or _of_folder(path)
    return replace(found, sides=_sides(found.table.train["path"]))


def _tables(folder: Path) -> Iterable[Path]:
    return (file for file in folder.glob("*.csv") if file.is_file())


def _of_folder(root: Path) -> Survey:
    """One sub-folder a class."""
    try:
        table = read_table(folder(root=str(root)))
    except DataError as error:
        table = None
        reason = error
    if table is None or not len(table.train):
        raise DataError(
            f"{root}: found neither a CSV whose rows name images nor class folders with images",
            f"  A competition's layout: {root}/train.csv (ID,target) and {root}/train/*.jpg",
            f"  Class folders: {root}/invoice/0001.jpg, {root}/letter/0002.jpg",
        ) from (reason if table is None else None)
    return Survey({"use": "folder", "root": str(root)}, table, (), {})


def _of_table(file: Path, root: Path) -> Survey | None:
    """A CSV of training rows; None where its rows do not name images, or have no labels."""
    try:
        rows = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read as CSV: {error}") from error
    images = _images_of(rows, root)
    if images is None:
        return None
    id_column, train_images, suffix = images
    target = _target(rows, id_column)
    if target is None:
        return None
    others = rows.drop(columns=[id_column, target])
    found: dict[str, Any] = {
        "train": file.name,
        "train_images": train_images,
        "suffix": suffix,
        "id_column": id_column,
        "target_column": target,
        "parent_column": _parent(others, rows[id_column]),
        **_names(root, file, target, rows[target]),
        **_test(root, file, id_column, suffix, train_images),
    }
    groups = [c for c in others.columns if _GROUPS.search(c) and _repeats(others[c])]
    found["group_column"] = groups[0] if groups else None
    section = {"use": "csv", "root": str(root), **_changed(found)}
    source = csv(root=str(root), **{k: v for k, v in section.items() if k not in ("use", "root")})
    repeating = {
        column: others[column].nunique()
        for column in others.columns
        if column not in (found["group_column"], found["parent_column"])
        and _repeats(others[column])
    }
    return Survey(section, read_table(source), (), repeating)


def _changed(found: Mapping[str, Any]) -> dict[str, Any]:
    """The options that differ from the source's defaults."""
    defaults = csv.__kwdefaults__ or {}
    return {key: value for key, value in found.items() if value != defaults.get(key)}


def _images_of(rows: pd.DataFrame, root: Path) -> tuple[str, str, str] | None:
    """The column that names images, the folder they are in, and the suffix it leaves out."""
    if not len(rows):
        return None
    folders = [p for p in sorted(root.iterdir()) if p.is_dir() and not p.name.startswith(".")]
    folders.sort(key=lambda p: (p.name != "train", "train" not in p.name, "test" in p.name))
    for place in (*folders, root):
        names = {p.relative_to(place).as_posix() for p in _image_files(place)}
        stems = {name.rpartition(".")[0]: "." + name.rpartition(".")[2] for name in names}
        for column in rows.columns:
            values = rows[column]
            if values.isin(list(names)).mean() > 0.5:
                return column, place.relative_to(root).as_posix(), ""
            if values.isin(list(stems)).mean() > 0.5:
                suffixes = values.map(stems).dropna()
                return column, place.relative_to(root).as_posix(), str(suffixes.mode()[0])
    return None


def _image_files(place: Path) -> Iterable[Path]:
    return (p for p in place.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)


def _target(rows: pd.DataFrame, id_column: str) -> str | None:
    """The label column: one with a usual name, or the one with the fewest values that repeat."""
    others = [column for column in rows.columns if column != id_column]
    named = [c for name in _TARGETS for c in others if c.lower() == name]
    if named:
        return str(named[0])
    repeating = [c for c in others if rows[c].nunique() >= 2 and _repeats(rows[c])]
    repeating.sort(key=lambda column: int(rows[column].nunique()))
    return str(repeating[0]) if repeating else None


def _repeats(values: pd.Series[Any]) -> bool:
    filled = values[values != ""]
    return bool(1 < filled.nunique() < len(filled))


def _parent(others: pd.DataFrame, ids: pd.Series[Any]) -> str | None:
    """A column of IDs of other rows, by its name and by what is in it."""
    for column in others.columns:
        filled = others[column][others[column] != ""]
        if _PARENTS.search(column) and len(filled) and filled.isin(list(ids)).all():
            return str(column)
    return None


def _names(root: Path, train: Path, target: str, labels: pd.Series[Any]) -> dict[str, Any]:
    """The table of class names: one row a label, in another CSV with the label's column."""
    for file in sorted(_tables(root)):
        rows = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        names = [c for c in rows.columns if c != target and rows[c].is_unique]
        if file != train and target in rows and names and rows[target].is_unique:
            if not set(labels) <= set(rows[target]):
                continue
            usual = [c for c in names if "name" in c.lower()]
            return {"meta": file.name, "name_column": (usual or names)[0]}
    return {}


def _test(
    root: Path, train: Path, id_column: str, suffix: str, train_images: str
) -> dict[str, Any]:
    """The sample submission and the folder of test images, where there are any."""
    places = [p for p in sorted(root.iterdir()) if p.is_dir() and p.name != train_images]
    for file in sorted(_tables(root), key=lambda f: ("sample" not in f.name, f.name)):
        if file == train:
            continue
        rows = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        if id_column not in rows:
            continue
        for place in places:
            there = {p.relative_to(place).as_posix() for p in _image_files(place)}
            if len(rows) and (rows[id_column] + suffix).isin(list(there)).mean() > 0.5:
                return {"sample": file.name, "test_images": place.name}
    tests = [p.name for p in places if "test" in p.name.lower() and any(_image_files(p))]
    return {"test_images": tests[0]} if tests else {}


def _sides(paths: pd.Series[Any]) -> tuple[tuple[int, int], ...]:
    """Sizes of images spread over the table. A file that cannot be read is the data check's."""
    sides = []
    for path in paths.iloc[:: max(1, len(paths) // _SAMPLED)]:
        try:
            sides.append(bounded(partial(image_size, path), path))
        except DataError:
            continue
    if not sides:
        raise DataError(f"{paths.iloc[0]}: it and the others looked at are no readable images")
    return tuple(sides)
