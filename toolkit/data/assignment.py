"""The assignment of rows to folds, on parents and groups, before anything else happens to an image.

Every training row belongs to one unit: rows that share a parent, a group or a file's content,
directly or through other rows. Whole units are dealt to folds, so an image and what was made of it,
two pages of one document, or a file and its copy under another name, can never stand on both sides
of a split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pandas as pd

from toolkit.contracts import Ints, Table
from toolkit.data.duplicates import content_column
from toolkit.data.given import HELD_OUT, held_out, training, validated
from toolkit.data.stratify import deal_groups
from toolkit.errors import DataError, listed

NO_FOLD = -1
"""The fold of rows that train and are never validated: those beside a given split."""


def assign_folds(table: Table, folds: int, seed: int) -> pd.DataFrame:
    """Stratified folds over units; of a given split, fold 0, whose training rows are in none: -1.

    Returns `id, parent, group, fold`, sorted by ID. Stratification counts originals, since only
    they are validated. Raises `DataError` where there are fewer units than folds.
    """
    from sklearn.model_selection import StratifiedKFold

    rows = table.train.sort_values("id", kind="stable").reset_index(drop=True)
    if HELD_OUT in rows:
        return rows[["id", "parent", "group"]].assign(fold=np.where(held_out(rows), 0, NO_FOLD))
    unit = units(rows)
    if len(np.unique(unit)) < folds:
        raise DataError(
            f"the training rows fall into {len(np.unique(unit))} groups, too few for {folds} folds "
            "(rows that share a parent, a group or a file's content stay together); lower "
            "split.folds, or name the groups otherwise"
        )
    original = (rows["parent"] == rows["id"]).to_numpy()
    labels, original_units = rows["label"].to_numpy()[original], unit[original]
    single = len(np.unique(original_units)) == len(original_units)
    fold_of_unit = np.empty(int(unit.max()) + 1, dtype=np.int64)
    rarest = np.unique(labels, return_counts=True)[1].min(initial=folds)
    if single and rarest >= folds:  # the splitter refuses classes that cannot be in every fold
        # Without groups the plain splitter balances classes exactly; the grouped one only nearly.
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        for fold, (_, validation) in enumerate(splitter.split(labels, labels)):
            fold_of_unit[original_units[validation]] = fold
    else:
        fold_of_unit[original_units] = deal_groups(labels, original_units, folds, seed)
    return rows[["id", "parent", "group"]].assign(fold=fold_of_unit[unit])


def units(rows: pd.DataFrame) -> Ints:
    """The unit of every row `(n,)`: connected components over shared parents, groups and, where
    the table knows them, contents."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(rows)
    shared, nodes = ["parent", "group", *content_column(rows)], n
    ends = []
    for column in shared:  # a node for each row, and one for each value of each column
        codes, values = pd.factorize(rows[column], use_na_sentinel=False)
        ends.append(codes + nodes)
        nodes += len(values)
    rows_of_ends = np.tile(np.arange(n), len(shared))
    edges = coo_array(
        (np.ones(len(rows_of_ends)), (rows_of_ends, np.concatenate(ends))), shape=(nodes, nodes)
    )
    component: Ints = connected_components(edges, directed=False)[1][:n].astype(np.int64)
    return component


def fold_hash(folds: pd.DataFrame) -> str:
    """16 hex digits over the assignment of IDs to folds."""
    lines = "\n".join(f"{i},{f}" for i, f in zip(folds["id"], folds["fold"], strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def split_rows(table: Table, folds: pd.DataFrame, fold: int) -> tuple[Ints, Ints]:
    """Row numbers of a fold's training set and of its validation set (originals only)."""
    held_out = (folds["fold"] == fold).to_numpy()
    original = (table.train["parent"] == table.train["id"]).to_numpy()
    train, validation = np.flatnonzero(~held_out), np.flatnonzero(held_out & original)
    _require_no_leak(table.train, train, validation)
    return train, validation


def _require_no_leak(rows: pd.DataFrame, train: Ints, validation: Ints) -> None:
    """Lineage is law: a shared parent, group or content across the split stops the run."""
    for column in ("parent", "group", *content_column(rows)):
        codes, values = pd.factorize(rows[column], use_na_sentinel=False)
        trained = np.zeros(len(values), dtype=bool)
        trained[codes[train]] = True
        shared = values[np.unique(codes[validation][trained[codes[validation]]])]
        if len(shared):
            raise DataError(
                f"leak: {len(shared)} values of {column} stand in training and in validation "
                f"({', '.join(sorted(map(str, shared))[:5])})"
            )


def fold_warnings(table: Table, folds: pd.DataFrame) -> list[str]:
    """Classes that some fold cannot train or cannot validate, because a group holds too much."""
    warnings = []
    if HELD_OUT in table.train:
        return list(_not_in_the_split(table))
    for fold in range(int(folds["fold"].max()) + 1):
        train, validation = split_rows(table, folds, fold)
        labels = table.train["label"].to_numpy()
        for name, rows in (("training", train), ("validation", validation)):
            absent = set(range(len(table.classes))) - set(np.unique(labels[rows]).tolist())
            names = [f'"{table.classes[c]}"' for c in sorted(absent)]
            if len(names) == 1:
                warnings.append(
                    f"fold {fold}: class {names[0]} has no {name} image (its groups are few)"
                )
            elif names:
                warnings.append(
                    f"fold {fold}: {len(names)} classes have no {name} image (their groups are "
                    f"few): {listed(names)}"
                )
    return warnings


def _not_in_the_split(table: Table) -> Iterator[str]:
    """Classes that the given split does not validate."""
    held = table.train["label"][validated(table.train)]
    absent = sorted(set(training(table.train)["label"]) - set(held))
    if absent:
        classes = "1 class has" if len(absent) == 1 else f"{len(absent)} classes have"
        named = listed(f'"{table.classes[label]}"' for label in absent)
        yield (
            f"{classes} no image in the given validation split ({named}): trained, and no score "
            "tells how well"
        )


def fold_sizes(folds: pd.DataFrame) -> list[int]:
    """Rows of each fold."""
    sizes = folds.loc[folds["fold"] != NO_FOLD, "fold"].value_counts().sort_index()
    return [int(size) for size in sizes]
