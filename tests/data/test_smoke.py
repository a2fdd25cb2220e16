"""A handful: the fewest rows that every stage accepts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from toolkit.contracts import Table
from toolkit.data.assignment import assign_folds, fold_warnings
from toolkit.data.smoke import handful
from toolkit.data.table import table_problems

MakeTable = Callable[..., Table]


def test_as_many_originals_of_each_class_as_folds_and_a_few_test_rows(
    make_table: MakeTable,
) -> None:
    rows = [(f"{label}-{n}", label) for label in (0, 1) for n in range(7)]
    rows += [(f"{label}-{n}x", label, f"{label}-{n}") for label in (0, 1) for n in range(7)]
    table = make_table(rows, test=list("zyxwvu"))
    few = handful(table, folds=3)
    assert few.train["id"].tolist() == ["0-0", "0-1", "0-2", "1-0", "1-1", "1-2"]
    assert few.train.columns.tolist() == table.train.columns.tolist()
    assert few.test is not None
    assert few.test["id"].tolist() == list("zyxw")
    assert table_problems(few, folds=3) == []


def test_the_originals_of_a_class_come_from_different_groups(make_table: MakeTable) -> None:
    rows = [
        (f"{label}-{n:02d}", label, f"{label}-{n:02d}", f"g{label}{n // 5}")
        for label in (0, 1)
        for n in range(15)
    ]
    few = handful(make_table(rows), folds=3)
    assert few.train["group"].tolist() == ["g00", "g01", "g02", "g10", "g11", "g12"]
    assert fold_warnings(few, assign_folds(few, 3, seed=0)) == []


def test_a_class_with_fewer_groups_than_folds_still_has_enough_rows(
    make_table: MakeTable,
) -> None:
    rows = [(f"{label}{n}", label, f"{label}{n}", f"g{label}{n % 2}")
            for label in (0, 1) for n in range(8)]  # fmt: skip
    few = handful(make_table(rows), folds=3)
    assert np.bincount(few.train["label"]).tolist() == [3, 3]
    assert few.test is None


def test_copies_of_a_file_are_taken_where_there_is_nothing_else(make_table: MakeTable) -> None:
    table = make_table([(f"{label}{n}", label) for label in (0, 1) for n in range(8)])
    path = dict(zip(table.train["id"], table.train["path"], strict=True))
    for other in ("01", "02", "10", "11", "12", "13"):  # of two classes, a broken scan say
        shutil.copyfile(path["00"], path[other])
    assert handful(table, folds=3).train["id"].tolist() == ["00", "03", "04", "14", "15", "16"]
    for other in ("15", "16", "17"):
        shutil.copyfile(path["14"], path[other])
    Path(path["03"]).unlink()  # told by the check behind
    assert handful(table, folds=3).train["id"].tolist() == ["00", "03", "04", "10", "11", "14"]
