"""What a recipe's data are: read and checked as a run does it, and nothing trained."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from toolkit.contracts import Event, Notify, Predictions, Table
from toolkit.data.assignment import assign_folds, fold_sizes, fold_warnings
from toolkit.data.cache import cache_folder
from toolkit.data.check import Data, check_plan_data
from toolkit.data.rare import rare_warning, table_for
from toolkit.ensemble.submission import write_submission
from toolkit.recipe.plan import Plan

HEAD = 3
"""Rows shown of a table."""


@dataclass(frozen=True)
class Overview:
    """What was read."""

    data: Data
    classes: list[tuple[str, str, int, int]]
    """Name, what a submission writes, training images, and different groups of each class. It
    writes nothing where its columns are probabilities, or where there is none."""
    copies: int
    """Training rows that were made from another."""
    groups: list[int]
    """Sizes of the groups of more than one original, the largest first."""
    folds: list[int]
    """Rows of each fold; of a given split, its rows alone."""
    head: pd.DataFrame
    """The first training rows, a label by its class's name."""
    submission: list[str]
    """The first lines of a submission whose predictions are made up; empty without test images."""


def look(plan: Plan, notify: Notify, *, skip_bad: bool = False, verify: bool = False) -> Overview:
    """Read, check and decode a plan's data, as `toolkit run` would.

    Raises what a run raises before it trains: `DataError` with every fault of rows and images.
    """
    for line in plan.notes:
        notify(Event("message", line))
    table = table_for(plan, notify)
    for note in table.notes:
        notify(Event("message", note))
    notify(Event("stage", "decode"))
    data = check_plan_data(plan, table, cache_folder(), notify, skip_bad=skip_bad, verify=verify)
    folds = assign_folds(data.table, plan.folds, plan.split.seed)
    for warning in (*fold_warnings(data.table, folds), *rare_warning(data.table, plan.folds)):
        notify(Event("message", f"warning: {warning}"))
    train = data.table.train
    originals = train[train["parent"] == train["id"]]
    sizes = originals["group"].value_counts()
    return Overview(
        data,
        _classes(data.table, originals),
        len(train) - len(originals),
        [int(size) for size in sizes[sizes > 1]],
        fold_sizes(folds),
        _head(data.table),
        _submission(data.table),
    )


def _head(table: Table) -> pd.DataFrame:
    rows = table.train[["id", "path", "label", "parent", "group"]].head(HEAD)
    return rows.assign(label=[table.classes[label] for label in rows["label"]])


def _classes(table: Table, originals: pd.DataFrame) -> list[tuple[str, str, int, int]]:
    images = originals["label"].value_counts()
    groups = originals.groupby("label")["group"].nunique()
    return [
        (name, _written(table, label), int(images.get(label, 0)), int(groups.get(label, 0)))
        for label, name in enumerate(table.classes)
    ]


def _written(table: Table, label: int) -> str:
    if table.test is None:
        return ""
    form = table.submission
    if form is None:
        return str(table.target_of(label))
    return form.labels[label] if any(c.means == "label" for c in form.columns) else ""


def _submission(table: Table) -> list[str]:
    """The first lines of the file that a run writes, had it predicted the classes' shares."""
    if table.test is None:
        return []
    ids = tuple(sorted(table.test["id"]))
    counts = np.bincount(table.train["label"], minlength=len(table.classes))
    shares = (counts / counts.sum()).astype(np.float32)
    made_up = Predictions(ids, np.tile(shares, (len(ids), 1)), table.classes)
    with tempfile.TemporaryDirectory(prefix="toolkit-data-") as scratch:
        file = Path(scratch) / "submission.csv"
        write_submission(file, made_up, table)
        with file.open(encoding="utf-8") as lines:
            return [line.rstrip("\n") for line, _ in zip(lines, range(HEAD + 1), strict=False)]
