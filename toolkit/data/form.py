"""Puts what a source gave into the form of a `Table`, and says in a line each what was not.

The host and the conformance kit ask here, so that a table that passes the one passes the other.
What cannot be kept is replaced, so that the checks behind it find everything else in one go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from toolkit.builtin.splits import SPLIT
from toolkit.contracts import Table
from toolkit.errors import listed

TRAIN_COLUMNS = ["id", "path", "label", "parent", "group"]
TEST_COLUMNS = ["id", "path"]

_EMPTY = {
    "id": "each row has an ID of its own",
    "path": "each row names the file of its image",
    "parent": "an original has its own ID there",
    "group": "a row without a group has its own ID there",
    SPLIT: "each row names one, or there is no such column",
}
_COLUMNS: tuple[str, str] = Table.columns
_shown = partial(listed, limit=3)


class Gap(str):
    """Stands for a cell that is no text: it was told, and later checks pass over it."""

    __slots__ = ()


def in_form(table: Table) -> tuple[Table, list[str]]:
    """The table with its columns in order and of their types, rows numbered anew, and a line for
    everything that was not so. Twice gives the same as once."""
    classes, found = _classes(table.classes)
    train = _frame(table.train, "train", TRAIN_COLUMNS, found)
    test = None if table.test is None else _frame(table.test, "test", TEST_COLUMNS, found)
    targets, columns = _targets(table.targets, len(classes), found), _header(table.columns, found)
    table = replace(table, train=train, test=test, classes=classes, targets=targets)
    if not _fits(table, found):
        table = replace(table, submission=None)
    return replace(table, columns=columns, problems=_lines(table.problems, found)), found


def submission_problems(table: Table) -> list[str]:
    """What is wrong with the names that a table gives to a submission's classes and columns."""
    found: list[str] = []
    _targets(table.targets, len(table.classes), found)
    _header(table.columns, found)
    _fits(table, found)
    return found


def text_column(values: pd.Series[Any], where: str, column: str, found: list[str]) -> Any:
    """The texts of a column: an array as it is where all of them are texts, else a list with a
    `Gap` for each cell that is none.

    Args:
        where: whose column it is, for the lines.
        found: gets a line for each kind of fault.
    """
    cells = values.astype(object)
    kind = pd.api.types.infer_dtype(cells, skipna=False)
    if kind in ("string", "empty") and not (cells == "").any():
        return cells.to_numpy()
    texts: list[Any] = []
    empty: list[tuple[int, object]] = []
    other: list[tuple[int, object]] = []
    for row, cell in enumerate(cells):
        if isinstance(cell, str) and (cell or isinstance(cell, Gap)):
            texts.append(cell)
            continue
        texts.append(Gap(f"row {row}" if column == "id" else ""))
        nothing = cell is None or cell is pd.NA or cell is pd.NaT or cell == "" or _is_nan(cell)
        (empty if nothing else other).append((row, cell))
    if empty:
        shown = _shown(f"row {row}: {cell!r}" for row, cell in empty)
        found.append(f"{where}: {column} of {len(empty)} rows is empty ({shown}); {_EMPTY[column]}")
    if other:
        shown = _shown(f"row {row}: {cell!r}, {type(cell).__name__}" for row, cell in other)
        rows = f"{column} of {len(other)} rows must be text"
        found.append(f"{where}: {rows} ({shown}); write .astype(str)")
    return texts


def label_column(values: pd.Series[Any], where: str, found: list[str]) -> Any:
    """Labels as integers `(n,)`; -1 for each that is none."""
    if not len(values):
        return np.empty(0, dtype=np.int64)
    if not pd.api.types.is_integer_dtype(values):
        shown = _shown(repr(value) for value in values.drop_duplicates())
        found.append(
            f"{where}: labels are {values.dtype} ({shown}), expected integers from 0 that index "
            "the classes"
        )
        return np.full(len(values), -1, dtype=np.int64)
    gaps = np.flatnonzero(values.isna().to_numpy())
    if len(gaps):
        shown = _shown(f"row {row}" for row in gaps)
        found.append(f"{where}: the label of {len(gaps)} rows is empty ({shown})")
    return values.fillna(-1).to_numpy(dtype=np.int64)


def lacking(rows: object, where: str, columns: list[str]) -> str | None:
    """What keeps a value from being a frame with these columns, each of them once."""
    if not isinstance(rows, pd.DataFrame):
        wanted = ", ".join(columns)
        return f"{where} is a {type(rows).__name__}, expected a DataFrame with {wanted}"
    given = list(rows.columns)
    missing = [column for column in columns if column not in given]
    if missing:
        what = f"{where} has the columns {given}, and lacks {missing}"
        advice = "an original is its own parent, and its own group where there is none"
        return f"{what}; {advice}" if {"parent", "group"} & set(missing) else what
    twice = [column for column in columns if given.count(column) > 1]
    return f"{where} has the columns {twice} twice" if twice else None


def _frame(given: object, where: str, columns: list[str], found: list[str]) -> pd.DataFrame:
    fault = lacking(given, where, columns)
    if fault is not None:
        found.append(fault)
    rows = given if isinstance(given, pd.DataFrame) else pd.DataFrame()
    there, count = list(rows.columns), len(rows)
    cells: dict[str, Any] = {}
    if "id" not in there:
        cells["id"] = [Gap(f"row {row}") for row in range(count)]
    for column in columns:
        if column in there:
            values = rows.iloc[:, there.index(column)]
            if column == "label":
                cells[column] = label_column(values, where, found)
                continue
            cells[column] = text_column(values, where, column, found)
        elif column == "label":
            cells[column] = np.full(count, -1, dtype=np.int64)
        elif column == "path":
            cells[column] = [Gap("")] * count
    for column in ("parent", "group"):  # lineage that is not known is none
        if column in columns:
            own = cells["id"]
            stated = cells.get(column, own)
            if isinstance(own, list) or isinstance(stated, list):  # a million rows have no gap
                pairs = zip(stated, own, strict=True)
                stated = [i if isinstance(s, Gap) or isinstance(i, Gap) else s for s, i in pairs]
            cells[column] = stated
    if "parent" in columns and SPLIT in there:  # of training rows that came in splits
        cells[SPLIT] = text_column(rows.iloc[:, there.index(SPLIT)], where, SPLIT, found)
        columns = [*columns, SPLIT]
    texts = {c: pd.Series(v, dtype=object) for c, v in cells.items() if c != "label"}
    return pd.DataFrame({**cells, **texts})[columns]


def _classes(classes: object) -> tuple[tuple[str, ...], list[str]]:
    if isinstance(classes, str | bytes | Mapping) or not isinstance(classes, Iterable):
        return (), [f"classes is a {type(classes).__name__}, expected a tuple of text"]
    found: list[str] = []
    if not isinstance(classes, tuple):
        found.append(f"classes is a {type(classes).__name__}, expected a tuple: write tuple(...)")
    names = tuple(classes)
    others = [name for name in names if not isinstance(name, str)]
    if others:
        shown = _shown(f"{name!r}, {type(name).__name__}" for name in others)
        found.append(f"classes holds {len(others)} names that are no text ({shown})")
    return tuple(str(name) for name in names), found


def _targets(targets: object, classes: int, found: list[str]) -> tuple[Any, ...]:
    if isinstance(targets, np.ndarray | pd.Series):
        targets = targets.tolist()
    if not isinstance(targets, tuple | list):
        found.append(f"targets is a {type(targets).__name__}, expected a tuple, one a class")
        return ()
    values = tuple(v.item() if isinstance(v, np.generic) else v for v in targets)
    strange = [v for v in values if not isinstance(v, str | int | float)]
    if strange:
        shown = _shown(f"{v!r}, {type(v).__name__}" for v in strange)
        found.append(f"targets holds what a CSV has no word for ({shown})")
        return ()
    if values and len(values) != classes:
        found.append(f"has {len(values)} targets for {classes} classes; give one a class")
        return ()
    return values


def _header(columns: object, found: list[str]) -> tuple[str, str]:
    names = list(columns) if isinstance(columns, tuple | list) else []
    if len(names) == 2 and all(isinstance(n, str) for n in names) and names[0] != names[1]:
        return names[0], names[1]
    found.append(f"columns are {columns!r}, expected the names of the ID's and the label's column")
    return _COLUMNS


def _fits(table: Table, found: list[str]) -> bool:
    """Whether the submission's form fits the rows and classes."""
    form, classes = table.submission, len(table.classes)
    if form is None or form.problem:
        return True
    rows = 0 if table.test is None else len(table.test)
    wrong = []
    if len(form.ids) != rows:
        wrong.append(f"has {len(form.ids)} ids for {rows} test rows; give one a row")
    if len(form.labels) != classes:
        wrong.append(f"has {len(form.labels)} labels for {classes} classes; give one a class")
    means = [column.means for column in form.columns]
    if means.count("id") != 1 or not {"label", "probability"} & set(means):
        wrong.append("needs one column of IDs, and one of labels or probabilities")
    for column in form.columns:
        if column.means == "kept" and len(column.values) != rows:
            wrong.append(f"keeps {len(column.values)} values of {column.name} for {rows} rows")
        if column.means == "probability" and column.label not in range(classes):
            wrong.append(f"has {column.name} for the class {column.label}, which there is not")
    found += [f"submission {text}" for text in wrong]
    return not wrong


def _lines(problems: object, found: list[str]) -> tuple[str, ...]:
    if isinstance(problems, str):
        return (problems,)
    if isinstance(problems, Iterable):
        return tuple(str(problem) for problem in problems)
    found.append(f"problems is a {type(problems).__name__}, expected a tuple of lines")
    return ()


def _is_nan(cell: object) -> bool:
    return isinstance(cell, float) and cell != cell
