"""The same file under several IDs: never on both sides of a split, and told where it matters."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.contracts import Table, ignore
from toolkit.data.assignment import assign_folds, fold_warnings, split_rows, units
from toolkit.data.check import Data, check_data
from toolkit.data.duplicates import duplicates_of
from toolkit.errors import DataError
from toolkit.recipe.sections import Split

MakeTable = Callable[..., Table]

ROWS = [(f"{c}{n}", label) for label, c in enumerate("ab") for n in range(6)]


def same_file(table: Table, one: str, *others: str) -> None:
    """Give rows the file of another row, each under its own path."""
    rows = table.train if table.test is None else [table.train, table.test]
    frames = rows if isinstance(rows, list) else [rows]
    paths = {i: p for frame in frames for i, p in zip(frame["id"], frame["path"], strict=True)}
    for other in others:
        shutil.copyfile(paths[one], paths[other])


@pytest.fixture
def check(spec: Any, tmp_path: Path) -> Callable[..., Data]:
    def check(table: Table, **options: Any) -> Data:
        return check_data(table, 2, spec, tmp_path / "cache", ignore, **options)

    return check


@pytest.mark.parametrize("seed", range(4))
def test_copies_of_a_file_are_one_unit_and_stand_in_one_fold(
    seed: int, make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(ROWS)
    same_file(table, "a0", "a3", "a5")
    same_file(table, "b1", "b4")
    data = check(table)
    folds = assign_folds(data.table, 2, seed).set_index("id")["fold"]
    assert folds["a0"] == folds["a3"] == folds["a5"]
    assert folds["b1"] == folds["b4"]
    assert len(np.unique(units(data.table.train))) == len(ROWS) - 3
    again = data.table.train.drop(columns="content")
    before = [len(np.unique(units(again))), len(np.unique(units(table.train)))]
    assert before == [len(ROWS), len(ROWS)]  # by the content, and nothing else


def test_copies_join_what_parents_and_groups_join(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    rows = [*ROWS, ("a0-copy", 0, "a0"), ("b6", 1, "b6", "scan"), ("b7", 1, "b7", "scan")]
    table = make_table(rows)
    same_file(table, "a0-copy", "a4")
    same_file(table, "b6", "b2")
    found = check(table).table.train
    unit = dict(zip(found["id"], units(found).tolist(), strict=True))
    assert unit["a0"] == unit["a0-copy"] == unit["a4"]
    assert unit["b2"] == unit["b6"] == unit["b7"]
    assert unit["a0"] != unit["b2"]


def test_a_content_on_both_sides_of_a_split_is_a_leak(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(ROWS)
    same_file(table, "a0", "a3")
    data = check(table)
    folds = data.table.train[["id", "parent", "group"]].assign(fold=[0] * 3 + [1] * 9)
    with pytest.raises(DataError, match="leak: 1 values of content"):
        split_rows(data.table, folds, 0)


def test_without_copies_folds_are_what_they_were(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(ROWS)
    assert assign_folds(check(table).table, 3, 1).equals(assign_folds(table, 3, 1))
    found = duplicates_of(check(table).table)
    assert (found.to_json(), found.warnings()) == ({"train": 0, "conflicts": 0, "test": 0}, [])


def test_a_file_with_two_labels_is_named_and_kept_in_one_unit(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(ROWS)
    same_file(table, "a0", "b3", "a5")
    same_file(table, "a1", "a2")  # of one label: no conflict
    data = check(table)
    (warning,) = duplicates_of(data.table).warnings()
    assert warning == (
        '1 file has several IDs with different labels (a0 "a", b3 "b"); whatever is predicted, '
        'one of them counts as a mistake: keep the right one; split.conflicts = "error" stops '
        "here"
    )
    assert duplicates_of(data.table).to_json() == {"train": 3, "conflicts": 1, "test": 0}
    unit = dict(zip(data.table.train["id"], units(data.table.train).tolist(), strict=True))
    assert unit["a0"] == unit["b3"] == unit["a5"]


def test_conflicts_stop_the_run_where_the_recipe_says_so(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(ROWS)
    check(table, split=Split(conflicts="error"))
    for n in range(6):
        same_file(table, f"a{n}", f"b{n}")
    with pytest.raises(DataError) as error:
        check(table, split=Split(conflicts="error"))
    (line,) = error.value.lines
    assert line.startswith('6 files have several IDs with different labels (a0 "a", b0 "b"; a1 ')
    assert "; and 1 more); whatever" in line


def test_test_images_that_are_copies_of_training_images_are_counted(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(ROWS, test=[f"t{n}" for n in range(8)])
    for n in range(6):
        same_file(table, f"a{n % 3}", f"t{n}")
    found = duplicates_of(check(table).table)
    assert found.to_json() == {"train": 0, "conflicts": 0, "test": 6}
    assert found.warnings() == [
        "6 test images are copies of training images (t0 of a0, t1 of a1, t2 of a2, t3 of a0, t4 "
        "of a1, and 1 more); a score on them says nothing of new images"
    ]


def test_a_test_image_that_is_a_copy_of_what_was_made_of_an_original_is_counted(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table([*ROWS, ("a0-copy", 0, "a0"), ("a1-copy", 0, "a1")], test=["t0", "t1"])
    same_file(table, "a0-copy", "t0")
    same_file(table, "a1", "a1-copy", "t1")  # of both: the original is named
    found = duplicates_of(check(table).table)
    assert found.test == ("t0 of a0-copy", "t1 of a1")


def test_too_few_files_for_the_folds_say_what_stays_together(
    make_table: MakeTable, check: Callable[..., Data]
) -> None:
    table = make_table(ROWS)
    same_file(table, *(i for i, _ in ROWS))
    with pytest.raises(DataError, match=r"into 1 groups, .* or a file.s content stay"):
        assign_folds(check(table).table, 2, seed=0)


def test_many_classes_that_a_fold_lacks_are_one_warning(make_table: MakeTable) -> None:
    rows = [(f"{c}{n}", label, f"{c}{n}", c) for label, c in enumerate("abcdefgh") for n in (0, 1)]
    rows += [(f"x{n}", 8) for n in range(6)]
    table = make_table(rows, classes=tuple("abcdefghx"))
    found = fold_warnings(table, assign_folds(replace(table), 2, seed=0))
    assert len(found) == 4
    assert all("classes have no" in line and "(their groups are few): " in line for line in found)
