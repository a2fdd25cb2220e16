"""A handful of images that still passes every stage."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from toolkit.contracts import Table
from toolkit.data.form import Gap
from toolkit.data.given import HELD_OUT
from toolkit.data.table import file_hashes

TEST_IMAGES = 4

_LOOKED_AT = 20  # times as many originals, where the first ones are copies of each other


def handful(table: Table, folds: int) -> Table:
    """The first originals of each class, as many as folds, and a few test rows.

    The originals of a class come from different groups, and are different files, where it has
    that many: what belongs together falls into one fold, and the others would be empty.
    """
    originals = table.train[table.train["parent"] == table.train["id"]]
    turn = originals.groupby(["label", "group"]).cumcount()
    ordered = originals.assign(turn=turn).sort_values(["turn", "id"], kind="stable")
    of_class = ["label"]
    if HELD_OUT in originals:  # as many of each side of a given split, for two batches at least
        of_class, folds = ["label", HELD_OUT], max(2, folds)
    few = ordered.groupby(of_class).head(folds)
    if _are_copies(few).any():
        more = ordered.groupby(of_class).head(_LOOKED_AT * folds)
        different_first = more.assign(copy=_are_copies(more)).sort_values("copy", kind="stable")
        few = different_first.groupby(of_class).head(folds).drop(columns="copy")
    few = few.drop(columns="turn").sort_values("id").reset_index(drop=True)
    test = None if table.test is None else table.test.head(TEST_IMAGES).reset_index(drop=True)
    form = table.submission
    if form is not None and test is not None:
        form = form.of_rows(range(len(test)))
    return replace(table, train=few, test=test, submission=form)


def _are_copies(rows: pd.DataFrame) -> pd.Series[bool]:
    """Which rows `(n,)` have the content of a row before them; a file that cannot be read is no
    copy."""
    hashes = file_hashes(path for path in rows["path"] if not isinstance(path, Gap))
    contents = rows["path"].map(hashes)
    return contents.duplicated() & contents.notna()
