"""A validation split that came with the data is joined, or held out as it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from toolkit.builtin.splits import SPLIT, WhileJoined
from toolkit.contracts import Event, ImageSpec, Notify, Table, ignore
from toolkit.data.assignment import (
    NO_FOLD,
    assign_folds,
    fold_sizes,
    fold_warnings,
    split_rows,
)
from toolkit.data.check import Data, check_data
from toolkit.data.duplicates import CONTENT
from toolkit.data.form import in_form
from toolkit.data.given import HELD_OUT, split_problems, validated, with_split
from toolkit.data.leaks import leaks_of, without_leaks
from toolkit.data.rare import rare_classes, rare_warning, without_rare
from toolkit.data.smoke import handful
from toolkit.data.table import fingerprint
from toolkit.errors import DataError
from toolkit.recipe.sections import Split

Row = tuple[str, int, str]  # ID, label, split


def table_of(rows: Sequence[Row], **columns: Any) -> Table:
    train = pd.DataFrame(rows, columns=["id", "label", SPLIT])
    train = train.assign(path=train["id"] + ".png", parent=train["id"], group=train["id"])
    return Table(train.assign(**columns), None, ("a", "b", "c"))


ROWS: list[Row] = [
    *((f"t{n}", n % 3, "Train") for n in range(6)),
    *((f"v{n}", n % 3, "VAL") for n in range(3)),
]


def held(table: Table) -> list[str]:
    return table.train["id"][table.train[HELD_OUT]].tolist()


@pytest.mark.parametrize("given", ["valid", "VAL", "val", "validation", "dev"])
def test_a_split_is_found_by_its_name_in_any_wording(given: str) -> None:
    table = with_split(table_of(ROWS), given)
    assert held(table) == ["v0", "v1", "v2"]
    (note,) = table.notes
    assert "the 3 rows of that split validate, in one fold; the other 6 train" in note
    assert table.problems == ()


def test_the_very_name_goes_before_another_of_that_meaning() -> None:
    rows = [*ROWS, ("d0", 0, "dev"), ("d1", 1, "dev")]
    assert held(with_split(table_of(rows), "dev")) == ["d0", "d1"]
    assert len(held(with_split(table_of(rows), "valid"))) == 5


def test_a_split_that_no_row_has_is_an_error_that_names_those_there_are() -> None:
    (problem,) = with_split(table_of(ROWS), "test").problems
    assert 'split.given = "test": no row' in problem
    assert "Train (6 rows), VAL (3 rows)" in problem
    bare = table_of(ROWS)
    bare = replace(bare, train=bare.train.drop(columns=SPLIT))
    (problem,) = with_split(bare, "valid").problems
    assert "the data came in no splits" in problem


def test_a_split_is_joined_by_default_and_that_is_said_once() -> None:
    table = with_split(table_of(ROWS), "")
    assert SPLIT not in table.train
    assert HELD_OUT not in table.train
    (note,) = table.notes
    assert "(3 of VAL) are joined to training" in note
    assert '[split] given = "VAL"' in note
    told = replace(table_of(ROWS), notes=(WhileJoined("joined"), "other"))
    assert with_split(told, "").notes == ("joined", "other")
    assert "joined" not in with_split(told, "valid").notes


def test_a_column_of_splits_passes_the_form_and_gaps_in_it_are_told() -> None:
    table, found = in_form(table_of(ROWS))
    assert found == []
    assert table.train[SPLIT].tolist() == ["Train"] * 6 + ["VAL"] * 3
    broken = table_of([("x", 0, None), *ROWS[1:]])  # type: ignore[list-item]
    assert "split of 1 rows is empty" in in_form(broken)[1][0]


def test_training_rows_are_in_no_fold_and_the_split_is_fold_0() -> None:
    table = with_split(table_of(ROWS), "valid")
    folds = assign_folds(table, 1, seed=0)
    assert folds["fold"].tolist() == [NO_FOLD] * 6 + [0] * 3
    train, validation = split_rows(table, folds, 0)
    assert (train.tolist(), validation.tolist()) == ([0, 1, 2, 3, 4, 5], [6, 7, 8])
    assert fold_sizes(folds) == [3]


def test_rows_made_from_others_are_not_validated() -> None:
    parents = [row[0] for row in ROWS[:-1]] + ["v0"]
    table = with_split(table_of(ROWS, parent=parents), "valid")
    assert table.train["id"][validated(table.train)].tolist() == ["v0", "v1"]
    made = with_split(table_of(ROWS, parent=["t0"] * 9), "valid")
    (problem,) = split_problems(made)
    assert "only originals validate" in problem


def test_a_split_of_all_rows_leaves_none_to_train_on() -> None:
    (problem,) = split_problems(with_split(table_of([(i, k, "val") for i, k, _ in ROWS]), "val"))
    assert "none is left to train on" in problem


# Lineage


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("parent", "v0 was made from, or into, t0"),
        ("group", "v0 is in the group of t0"),
        (CONTENT, "v0 has the content of t0"),
    ],
)
def test_a_unit_on_both_sides_is_a_leak_that_names_its_rows(column: str, words: str) -> None:
    values = [row[0] for row in ROWS]
    values[6] = "t0"
    leaks = leaks_of(with_split(table_of(ROWS, **{column: values}), "valid"))
    assert (leaks.rows, leaks.trained, leaks.named) == (1, ("t0",), (words,))
    problem = leaks.problem()
    assert problem is not None
    assert 'split.leaks = "drop"' in problem
    assert 'split.given = ""' in problem


def test_a_leak_through_a_third_row_is_one() -> None:
    groups = ["g", *(row[0] for row in ROWS[1:])]
    groups[1] = "g"
    contents = [row[0] for row in ROWS]
    contents[1] = contents[6] = "same"  # t0 - group - t1 - content - v0
    table = with_split(table_of(ROWS, group=groups, **{CONTENT: contents}), "valid")
    assert leaks_of(table).trained == ("t0", "t1")


def test_files_that_cannot_be_read_are_not_one_file() -> None:
    contents = [None, *(row[0] for row in ROWS[1:])]
    contents[6] = None
    assert leaks_of(with_split(table_of(ROWS, **{CONTENT: contents}), "valid")).trained == ()


def test_leaks_are_left_out_with_what_was_made_of_them() -> None:
    parents = [row[0] for row in ROWS]
    parents[1] = "t0"
    contents = [row[0] for row in ROWS]
    contents[6] = "t0"
    table = with_split(table_of(ROWS, parent=parents, **{CONTENT: contents}), "valid")
    left = without_leaks(table, leaks_of(table))
    assert left.train["id"].tolist() == ["t2", "t3", "t4", "t5", "v0", "v1", "v2"]
    assert leaks_of(left).trained == ()


def drawn(folder: Path, rows: Sequence[Row], copies: dict[str, str]) -> Table:
    """The rows with an image each; `copies` have the content of another's."""
    table = table_of(rows)
    for number, (name, _, _) in enumerate(rows):
        Image.new("RGB", (20, 20), (9 * number, 90, 200)).save(folder / f"{name}.png")
    for name, of in copies.items():
        (folder / f"{name}.png").write_bytes((folder / f"{of}.png").read_bytes())
    return replace(table, train=table.train.assign(path=[f"{folder}/{r[0]}.png" for r in rows]))


def checked(table: Table, given: str, tmp_path: Path, notify: Notify = ignore, **ways: Any) -> Data:
    spec = ImageSpec(size=16, depth="auto")
    split = Split(**ways)
    return check_data(with_split(table, given), 1, spec, tmp_path / "cache", notify, split=split)


def test_a_copy_in_training_stops_a_run_or_is_left_out(tmp_path: Path) -> None:
    table = drawn(tmp_path, ROWS, {"v1": "t4"})
    with pytest.raises(DataError, match=r"leak: 1 rows .*v1 has the content of t4"):
        checked(table, "valid", tmp_path)
    told: list[Event] = []
    data = checked(table, "valid", tmp_path, told.append, leaks="drop")
    assert "t4" not in data.table.train["id"].tolist()
    assert len(data.train_rows) == len(data.table.train) == 8
    assert "1 training rows are left out" in data.warnings[0]
    assert any(data.warnings[0] in event.text for event in told)


def test_the_fingerprint_covers_what_is_held_out(tmp_path: Path) -> None:
    table = drawn(tmp_path, ROWS, {})
    hashes: dict[str, str | None] = {path: path for path in table.train["path"]}
    other = [*ROWS[:-1], ("v2", 2, "Train")]
    moved = replace(table, train=table.train.assign(**{SPLIT: [row[2] for row in other]}))
    prints = {
        fingerprint(with_split(table, "valid"), hashes),
        fingerprint(with_split(moved, "valid"), hashes),
        fingerprint(with_split(table, ""), hashes),
    }
    assert len(prints) == 3
    assert fingerprint(with_split(table, ""), hashes) == fingerprint(with_split(moved, ""), hashes)


# Classes


ONLY_VALID: list[Row] = [*((i, k, s) for i, k, s in ROWS if k < 2 or s == "VAL")]
ONLY_TRAIN: list[Row] = [*((i, k, s) for i, k, s in ROWS if k < 2 or s == "Train")]


def test_a_class_of_the_split_alone_is_an_error_with_ways_out(tmp_path: Path) -> None:
    table = drawn(tmp_path, ONLY_VALID, {})
    with pytest.raises(DataError) as error:
        checked(table, "valid", tmp_path)
    assert "1 class occurs in the given validation split alone" in error.value.lines[0]
    assert '("c" has 1)' in error.value.lines[0]
    assert 'split.rare = "drop"' in error.value.lines[1]
    assert checked(table, "valid", tmp_path, rare="keep").table.classes == ("a", "b", "c")


def test_such_a_class_is_left_out_or_kept_with_a_word_on_the_score() -> None:
    table = with_split(table_of(ONLY_VALID), "valid")
    assert rare_classes(table, 1) == {2: 1}
    told: list[Event] = []
    assert without_rare(table, 1, told.append).classes == ("a", "b")
    assert "1 classes without a training image" in told[0].text
    (line,) = rare_warning(table, 1)
    assert "a model that saw none of them validates them" in line


def test_a_class_of_training_alone_trains_and_the_score_says_so() -> None:
    table = with_split(table_of(ONLY_TRAIN), "valid")
    assert rare_classes(table, 1) == {}
    (line,) = fold_warnings(table, assign_folds(table, 1, seed=0))
    assert line == (
        '1 class has no image in the given validation split ("c"): trained, and no score tells '
        "how well"
    )


def test_a_handful_has_images_of_both_sides(tmp_path: Path) -> None:
    table = with_split(drawn(tmp_path, ROWS * 1, {}), "valid")
    few = handful(table, 1)
    assert few.train[HELD_OUT].sum() == 3
    assert (~few.train[HELD_OUT]).sum() == 6
