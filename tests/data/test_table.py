"""Rows, lineage and classes: every fault of a table has its line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from toolkit.contracts import Table
from toolkit.data.table import file_hashes, fingerprint, read_table, table_problems
from toolkit.errors import listed

MakeTable = Callable[..., Table]


@dataclass(frozen=True)
class Given:
    """A source that has its table already."""

    table: Table

    def read(self) -> Table:
        return self.table


def test_training_rows_are_sorted_and_test_rows_keep_their_order(make_table: MakeTable) -> None:
    table = make_table([("c", 0), ("a", 1), ("b", 0)], test=["z", "x", "y"])
    extra = replace(table, train=table.train.assign(note="x")[::-1])
    read = read_table(Given(extra))
    assert read.train["id"].tolist() == ["a", "b", "c"]
    assert read.train["label"].tolist() == [1, 0, 0]
    assert read.train.columns.tolist() == ["id", "path", "label", "parent", "group"]
    assert read.train.index.tolist() == [0, 1, 2]
    assert read.test is not None
    assert read.test["id"].tolist() == ["z", "x", "y"]


def test_a_sound_table_has_no_problems(make_table: MakeTable) -> None:
    rows = [("a0", 0), ("a1", 0), ("b0", 1), ("b1", 1), ("a0-copy", 0, "a0")]
    assert table_problems(make_table(rows, test=["t"]), folds=2) == []


SOUND = [("a0", 0), ("a1", 0), ("b0", 1), ("b1", 1)]
WAYS_OUT = "merge it with another class, take it out, or add images"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"rows": [*SOUND, ("a0", 0), ("b1", 1)]},
            "2 training IDs appear twice (a0, b1); keep one row an ID",
        ),
        ({"test": ["t", "u", "t"]}, "1 test IDs appear twice (t); keep one row an ID"),
        (
            {"test": []},
            "the test table has no rows; remove it where there is nothing to predict",
        ),
        (
            {"rows": [*SOUND, ("o", 0, "gone")]},
            "1 training rows name a parent that is no training row (o)",
        ),
        (
            {"rows": [*SOUND, ("child", 0, "a0"), ("grandchild", 0, "child")]},
            "1 training rows have a parent with a parent (grandchild)",
        ),
        (
            {"classes": ("a", "b", "c")},
            'class "c" has no training image; add images, or take it out of the classes (in '
            "meta.csv, say)",
        ),
        ({"rows": [*SOUND[:3]]}, 'class "b" has 1 images, fewer than the 2 folds; ' + WAYS_OUT),
        # What was made of an image does not count: only originals are validated.
        (
            {"rows": [*SOUND[:3], ("b2", 1, "b0")]},
            'class "b" has 1 images, fewer than the 2 folds; ' + WAYS_OUT,
        ),
        ({"classes": ("a", "a")}, "two classes have the same name (a)"),
        (
            {"rows": [("a0", 0), ("a1", 0)], "classes": ("a",)},
            "a classification needs two classes, the table has 1",
        ),
        ({"problems": ["train.csv: something"]}, "train.csv: something"),
        (
            {"rows": [*SOUND, ("c", 2), ("d", -1)]},
            "the labels of 2 training rows are outside of the 2 classes, 0 to 1 (c: 2, d: -1)",
        ),
        (
            {"rows": [*SOUND, ("child", 1, "a0")]},
            '1 training rows have another label than their parent (child is "b", its parent a0 '
            'is "a")',
        ),
    ],
)
def test_a_fault_of_the_table_is_named(
    make_table: MakeTable, changes: dict[str, object], problem: str
) -> None:
    arguments = {"rows": SOUND, "test": ["t"], **changes}
    assert table_problems(make_table(**arguments), folds=2) == [problem]


def test_many_rare_classes_are_one_line_and_a_count(make_table: MakeTable) -> None:
    table = make_table([*SOUND, ("c0", 2), *((f"d{n}", 3) for n in range(3))], test=["t"])
    table = replace(table, classes=("a", "b", "c", "d", *(f"rare{n}" for n in range(300))))
    assert table_problems(table, folds=4) == [
        '300 classes have no training image ("rare0", "rare1", "rare2", "rare3", "rare4", and 295 '
        "more); add images, or take it out of the classes (in meta.csv, say)",
        '4 classes have fewer images than the 4 folds ("c" has 1, "a" has 2, "b" has 2, "d" has '
        f"3); {WAYS_OUT}",
    ]
    with_two = replace(table, classes=("a", "b", "c", "d"), train=table.train.drop(index=[4]))
    assert table_problems(with_two, folds=3)[-1] == (
        f'2 classes have fewer images than the 3 folds ("a" has 2, "b" has 2); set split.folds = '
        f"2, {WAYS_OUT}"
    )


def test_an_empty_table_is_named(make_table: MakeTable) -> None:
    assert "the training table has no rows" in table_problems(make_table([]), folds=2)


def test_a_long_list_is_cut_and_counted() -> None:
    assert listed(range(7)) == "0, 1, 2, 3, 4, and 2 more"
    assert listed(range(5)) == "0, 1, 2, 3, 4"


def test_files_with_the_same_content_have_the_same_hash(tmp_path: Path) -> None:
    for name, text in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / name).write_text(text)
    a, b, c, gone, folder = (str(tmp_path / name) for name in ("a", "b", "c", "gone", "."))
    hashes = file_hashes([a, b, c, gone, folder, a])
    assert hashes[a] == hashes[b]
    assert hashes[a] is not None
    assert hashes[a] != hashes[c]
    assert hashes[gone] is None
    assert hashes[folder] is None


def print_of(table: Table) -> str:
    table = read_table(Given(table))
    paths = [*table.train["path"], *([] if table.test is None else table.test["path"])]
    return fingerprint(table, file_hashes(paths))


def test_the_fingerprint_is_blind_to_row_order_and_to_location(make_table: MakeTable) -> None:
    here = make_table(SOUND, test=["t", "u"])
    there = make_table(SOUND[::-1], test=["u", "t"], folder="elsewhere")
    assert set(here.train["path"]).isdisjoint(there.train["path"])
    assert print_of(here) == print_of(there)


def test_the_fingerprint_sees_a_label_a_parent_a_group_a_class_and_a_test_row(
    make_table: MakeTable,
) -> None:
    changed = [
        make_table(SOUND, test=["t"]),
        make_table([("a0", 1), *SOUND[1:]], test=["t"]),
        make_table([("a0", 0, "a1"), *SOUND[1:]], test=["t"]),
        make_table([("a0", 0, "a0", "a1"), *SOUND[1:]], test=["t"]),
        make_table(SOUND, test=["t"], classes=("a", "c")),
        make_table(SOUND, test=["t", "u"]),
        make_table(SOUND),
    ]
    assert len({print_of(table) for table in changed}) == len(changed)


@pytest.mark.parametrize("rows", ["train", "test"])
def test_the_fingerprint_sees_one_pixel(make_table: MakeTable, rows: str) -> None:
    from PIL import Image as PIL

    table = make_table(SOUND, test=["t"])
    before = print_of(table)
    frame: pd.DataFrame = getattr(table, rows)
    file = frame["path"].iloc[0]
    with PIL.open(file) as image:
        changed = image.copy()
    red, green, blue = changed.getpixel((3, 3))  # type: ignore[misc]
    changed.putpixel((3, 3), (red ^ 1, green, blue))
    changed.save(file)
    assert print_of(table) != before
