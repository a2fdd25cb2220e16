"""What a source gives that is no table: a line each, and everything else is found beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from toolkit.contracts import Table, ignore
from toolkit.data.check import Data, check_data
from toolkit.data.form import in_form
from toolkit.data.table import read_table, table_of, table_problems
from toolkit.errors import DataError
from toolkit.plugin.registry import Entry
from toolkit.recipe.plan import Choice

SOUND = [("a0", 0), ("a1", 0), ("b0", 1), ("b1", 1)]

MakeTable = Callable[..., Table]


@dataclass(frozen=True)
class Given:
    """A source that has its table already."""

    table: Any

    def read(self) -> Any:
        return self.table


def with_column(table: Table, **columns: Any) -> Table:
    return replace(table, train=table.train.assign(**columns))


def lost(table: Table, *columns: str) -> Table:
    return replace(table, train=table.train.drop(columns=list(columns)))


WRONG: dict[str, tuple[Callable[[Table], Any], str]] = {
    "labels are text": (
        lambda t: with_column(t, label=["a", "a", "b", "b"]),
        "train: labels are ",
    ),
    "labels are floats": (
        lambda t: with_column(t, label=t.train["label"].astype(float)),
        "train: labels are float64 (0.0, 1.0), expected integers from 0 that index the classes",
    ),
    "labels are true and false": (
        lambda t: with_column(t, label=t.train["label"] == 1),
        "train: labels are bool (False, True), expected integers from 0 that index the classes",
    ),
    "a label is empty": (
        lambda t: with_column(t, label=pd.array([0, 0, 1, None], dtype="Int64")),
        "train: the label of 1 rows is empty (row 3)",
    ),
    "a label is outside": (
        lambda t: with_column(t, label=[0, 0, 1, 7]),
        "the labels of 1 training rows are outside of the 2 classes, 0 to 1 (b1: 7)",
    ),
    "no group": (
        lambda t: lost(t, "group"),
        "train has the columns ['id', 'path', 'label', 'parent'], and lacks ['group']; an "
        "original is its own parent, and its own group where there is none",
    ),
    "no label and no path": (
        lambda t: lost(t, "label", "path"),
        "train has the columns ['id', 'parent', 'group'], and lacks ['path', 'label']",
    ),
    "a column twice": (
        lambda t: replace(t, train=pd.concat([t.train, t.train[["id"]]], axis=1)),
        "train has the columns ['id'] twice",
    ),
    "group is None": (
        lambda t: with_column(t, group=None),
        "train: group of 4 rows is empty (row 0: None, row 1: None, row 2: None, and 1 more); a "
        "row without a group has its own ID there",
    ),
    "group is NaN": (
        lambda t: with_column(t, group=["g", np.nan, "g", "g"]),
        "train: group of 1 rows is empty (row 1: nan); a row without a group has its own ID there",
    ),
    "group is empty text": (
        lambda t: with_column(t, group=["", "g", "g", "g"]),
        "train: group of 1 rows is empty (row 0: ''); a row without a group has its own ID there",
    ),
    "parent is None": (
        lambda t: with_column(t, parent=None),
        "train: parent of 4 rows is empty (row 0: None, row 1: None, row 2: None, and 1 more); an "
        "original has its own ID there",
    ),
    "group is a number": (
        lambda t: with_column(t, group=[1, 2, 3, 4]),
        "train: group of 4 rows must be text (row 0: 1, int, row 1: 2, int, row 2: 3, int, and 1 "
        "more); write .astype(str)",
    ),
    "IDs are numbers": (
        lambda t: with_column(t, id=range(4), parent=t.train["group"]),
        "train: id of 4 rows must be text (row 0: 0, int, ",
    ),
    "paths are Paths": (
        lambda t: with_column(t, path=t.train["path"].map(Path)),
        "train: path of 4 rows must be text (row 0: PosixPath(",
    ),
    "a path is NaN": (
        lambda t: with_column(t, path=[*t.train["path"][:3], np.nan]),
        "train: path of 1 rows is empty (row 3: nan); each row names the file of its image",
    ),
    "train is a list": (
        lambda t: replace(t, train=t.train.to_dict("records")),
        "train is a list, expected a DataFrame with id, path, label, parent, group",
    ),
    "train is None": (
        lambda t: replace(t, train=None),
        "train is a NoneType, expected a DataFrame with id, path, label, parent, group",
    ),
    "test is a dict": (
        lambda t: replace(t, test={"id": ["x"]}),
        "test is a dict, expected a DataFrame with id, path",
    ),
    "test has no path": (
        lambda t: replace(t, test=pd.DataFrame({"id": ["x"]})),
        "test has the columns ['id'], and lacks ['path']",
    ),
    "a test path is None": (
        lambda t: replace(t, test=pd.DataFrame({"id": ["x"], "path": [None]})),
        "test: path of 1 rows is empty (row 0: None); each row names the file of its image",
    ),
    "classes are a list": (
        lambda t: replace(t, classes=["a", "b"]),
        "classes is a list, expected a tuple: write tuple(...)",
    ),
    "classes are one text": (
        lambda t: replace(t, classes="ab"),
        "classes is a str, expected a tuple of text",
    ),
    "a class is a number": (
        lambda t: replace(t, classes=("a", 1)),
        "classes holds 1 names that are no text (1, int)",
    ),
    "too few targets": (
        lambda t: replace(t, targets=(0,)),
        "has 1 targets for 2 classes; give one a class",
    ),
    "targets of no CSV": (
        lambda t: replace(t, targets=(None, {})),
        "targets holds what a CSV has no word for (None, NoneType, {}, dict)",
    ),
    "one column": (
        lambda t: replace(t, columns=("ID",)),
        "columns are ('ID',), expected the names of the ID's and the label's column",
    ),
    "problems are a number": (
        lambda t: replace(t, problems=3),
        "problems is a int, expected a tuple of lines",
    ),
    "a child of another class": (
        lambda t: with_column(t, parent=["a0", "a1", "a0", "b1"]),
        '1 training rows have another label than their parent (b0 is "b", its parent a0 is "a")',
    ),
}


@pytest.fixture
def choice() -> Choice:
    entry = Entry("source", "acme.pages", "gone:pages", "h", "acme", "acme-vision", "1.2")
    return Choice("acme.pages", entry, {})


@pytest.fixture
def checked(spec: Any, tmp_path: Path) -> Callable[..., Data]:
    def check(table: Table) -> Data:
        return check_data(table, 2, spec, tmp_path / "cache", ignore)

    return check


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_a_line_that_names_the_source_and_its_package(
    case: str, make_table: MakeTable, choice: Choice, checked: Callable[..., Data]
) -> None:
    change, says = WRONG[case]
    table = read_table(Given(change(make_table(SOUND))), choice=choice)
    with pytest.raises(DataError) as error:
        checked(table)
    lines = [line for line in error.value.lines if "fewer than the 2 folds" not in line]
    assert any(
        line.startswith(f"source acme.pages (acme-vision 1.2, gone:pages): {says}")
        for line in lines
    )
    assert len(lines) == 1, "and nothing that only follows from it"


@pytest.mark.parametrize("case", WRONG)
def test_a_table_is_judged_alike_wherever_it_is_judged(case: str, make_table: MakeTable) -> None:
    change, says = WRONG[case]
    table = change(make_table(SOUND))
    raw = table_problems(table, folds=2)
    assert any(line.startswith(says) for line in raw)
    assert table_problems(read_table(Given(table)), folds=2) == raw
    once, found = in_form(table)
    assert in_form(once)[1] == [] or not found


def test_everything_that_is_wrong_is_told_at_once(
    make_table: MakeTable, choice: Choice, checked: Callable[..., Data]
) -> None:
    table = make_table([*SOUND, ("a0", 0), ("o", 0, "nobody")], test=["t"])
    Path(table.train["path"][1]).unlink()
    table = with_column(table, group=[None, *table.train["group"][1:]])
    table = replace(table, targets=(1,), problems=("pages.db: no index",))
    with pytest.raises(DataError) as error:
        checked(read_table(Given(table), choice=choice))
    blamed = "source acme.pages (acme-vision 1.2, gone:pages): "
    assert [line.removeprefix(blamed)[:22] for line in error.value.lines[:5]] == [
        "pages.db: no index",
        "train: group of 1 rows",
        "has 1 targets for 2 cl",
        "1 training IDs appear ",
        "1 training rows name a",
    ]
    assert error.value.lines[5].endswith("a1.png: there is no such file")
    assert error.value.lines[0] == "pages.db: no index"  # the source's own words


def test_what_is_in_the_box_is_not_blamed_for_what_files_say(make_table: MakeTable) -> None:
    entry = Entry("source", "csv", "gone:csv", "h", "toolkit", "recipe-toolkit", "1")
    table = make_table([*SOUND, ("a0", 0)])
    read = read_table(Given(table), choice=Choice("csv", entry, {}))
    assert table_problems(read, 2) == ["1 training IDs appear twice (a0); keep one row an ID"]


def test_a_read_that_gives_no_table_is_refused(choice: Choice) -> None:
    with pytest.raises(DataError) as error:
        read_table(Given({"train": []}), choice=choice)
    assert str(error.value) == (
        "source acme.pages: read gives a dict, expected a Table (acme-vision 1.2, gone:pages)"
    )


def test_an_index_of_any_kind_and_any_kind_of_text_column_is_as_good(
    make_table: MakeTable, checked: Callable[..., Data]
) -> None:
    table = make_table(SOUND, test=["t"])
    plain = checked(read_table(Given(table)))
    for text in ("category", "string", "object"):
        columns = {c: table.train[c].astype(text) for c in ("id", "path", "parent", "group")}
        train = with_column(table, **columns, label=table.train["label"].astype("uint8")).train
        for index in ([0, 0, 0, 0], ["x", "y", "x", "z"]):
            train.index = pd.Index(index)
            other = checked(read_table(Given(replace(table, train=train))))
            assert other.fingerprint == plain.fingerprint
            assert other.table.train.dtypes.tolist() == plain.table.train.dtypes.tolist()


def test_targets_may_be_of_numpy_and_in_a_list(make_table: MakeTable) -> None:
    table, found = in_form(replace(make_table(SOUND), targets=list(np.array([3, 5]))))
    assert (table.targets, found) == ((3, 5), [])
    assert [type(target) for target in table.targets] == [int, int]


def test_a_source_that_a_recipe_chose_is_built_and_read(
    make_table: MakeTable, monkeypatch: pytest.MonkeyPatch, choice: Choice
) -> None:
    table = make_table(SOUND)
    monkeypatch.setattr(Entry, "load", lambda self: lambda: Given(table))
    assert table_of(choice).origin.startswith("source acme.pages (acme-vision 1.2, ")
