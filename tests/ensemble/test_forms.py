"""The submission has the sample's form: header, order, and kind of value."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from toolkit.contracts import Predictions, Submission, SubmissionColumn, Table
from toolkit.data.form import in_form
from toolkit.ensemble.submission import clipped, kind_of, lint, write_submission
from toolkit.errors import DataError

ID = SubmissionColumn("id", "id")


@pytest.fixture
def predictions(probabilities: np.ndarray) -> Predictions:
    """x is an invoice with 0.75, y a tie, z a letter with 1."""
    return Predictions(("x", "y", "z"), probabilities, ("invoice", "letter"))


def asked(table: Table, *columns: SubmissionColumn, **changes: Any) -> Table:
    """Test rows are z, x, y; the sample calls them by their names without a suffix."""
    form = Submission((ID, *columns), ("z ", "x", "y"), ("3.0", "11.0"), "float")
    return replace(table, submission=replace(form, **changes))


def rows_of(file: Path) -> list[list[str]]:
    with file.open(newline="") as lines:
        return list(csv.reader(lines))


def test_a_label_is_written_as_the_sample_writes_it_under_its_own_ids(
    predictions: Predictions, table: Table, tmp_path: Path
) -> None:
    table = asked(table, SubmissionColumn("kind", "label"))
    write_submission(tmp_path / "s.csv", predictions, table)
    assert rows_of(tmp_path / "s.csv") == [
        ["id", "kind"],
        ["z ", "11.0"],
        ["x", "3.0"],
        ["y", "3.0"],
    ]
    assert kind_of(table) == "id, kind (the class, as a decimal number)"


def test_a_probability_a_class_stands_in_the_samples_order(
    predictions: Predictions, table: Table, tmp_path: Path
) -> None:
    columns = SubmissionColumn("letter", "probability", 1), SubmissionColumn("i", "probability", 0)
    table = asked(table, *columns)
    write_submission(tmp_path / "s.csv", predictions, table)
    assert rows_of(tmp_path / "s.csv") == [
        ["id", "letter", "i"],
        ["z ", "1", "0"],
        ["x", "0.25", "0.75"],
        ["y", "0.5", "0.5"],
    ]
    assert kind_of(table) == "id, a probability for each of the 2 classes"


def test_one_probability_a_confidence_and_kept_columns(
    predictions: Predictions, table: Table, tmp_path: Path
) -> None:
    one = asked(table, SubmissionColumn("p", "probability", 0))
    write_submission(tmp_path / "s.csv", predictions, one)
    assert [row[1] for row in rows_of(tmp_path / "s.csv")] == ["p", "0", "0.75", "0.5"]
    assert kind_of(one) == 'id, p (the probability of "invoice")'
    more = asked(
        table,
        SubmissionColumn("kind", "label"),
        SubmissionColumn("conf", "confidence"),
        SubmissionColumn("use", "kept", values=("a", "b", "c")),
    )
    write_submission(tmp_path / "s.csv", predictions, more)
    assert rows_of(tmp_path / "s.csv")[1:] == [
        ["z ", "11.0", "1", "a"],
        ["x", "3.0", "0.75", "b"],
        ["y", "3.0", "0.5", "c"],
    ]


def test_clipped_rows_sum_to_one_and_nothing_is_below_the_least() -> None:
    rng = np.random.default_rng(0)
    values = rng.dirichlet([0.05] * 7, 200).astype(np.float32)
    found = clipped(values, 0.02)
    assert found.min() >= 0.02 - 1e-12
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(clipped(values, 0.0), values, atol=1e-6)
    with pytest.raises(DataError, match=r"submission\.clip = 0\.2 is too much for 7 classes"):
        clipped(values, 0.2)


def test_clip_is_written(predictions: Predictions, table: Table, tmp_path: Path) -> None:
    columns = [SubmissionColumn(name, "probability", n) for n, name in enumerate(table.classes)]
    write_submission(tmp_path / "s.csv", predictions, asked(table, *columns), clip=0.01)
    assert rows_of(tmp_path / "s.csv")[1] == ["z ", "0.01", "0.99"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("id,letter,i\nz ,1,0\nx,.2,.8\ny,1,0\n", "expected the columns id, i, letter"),
        ("id,i,letter\nx,1,0\nz ,.2,.8\ny,1,0\n", "not in the order of the sample"),
        ("id,i,letter\nz ,1,0\nx,.2,.9\ny,1,0\n", "probabilities of 1 rows do not sum to 1"),
        ("id,i,letter\nz ,1,0\nx,.2,nan\ny,2,0\n", "i: 2: no probability"),
    ],
)
def test_the_lint_knows_each_form(table: Table, tmp_path: Path, lines: str, words: str) -> None:
    columns = SubmissionColumn("i", "probability", 0), SubmissionColumn("letter", "probability", 1)
    (tmp_path / "s.csv").write_text(lines)
    assert any(words in problem for problem in lint(tmp_path / "s.csv", asked(table, *columns)))


@pytest.mark.parametrize(
    ("columns", "changes", "words"),
    [
        ([SubmissionColumn("k", "label")], {"ids": ("z",)}, "has 1 ids for 3 test rows"),
        ([SubmissionColumn("k", "label")], {"labels": ("a",)}, "has 1 labels for 2 classes"),
        ([], {}, "needs one column of IDs, and one of labels"),
        ([SubmissionColumn("k", "probability", 2)], {}, "for the class 2, which there is not"),
        (
            [SubmissionColumn("k", "label"), SubmissionColumn("u", "kept", values=("a",))],
            {},
            "keeps 1 values of u for 3 rows",
        ),
    ],
)
def test_a_form_that_does_not_fit_is_told_before_training(
    table: Table, columns: Sequence[SubmissionColumn], changes: dict[str, Any], words: str
) -> None:
    _, (found,) = in_form(asked(table, *columns, **changes))
    assert words in found


def test_a_handful_of_test_rows_has_the_form_of_these_rows(table: Table) -> None:
    from toolkit.data.smoke import TEST_IMAGES, handful

    ids = [f"t{n}" for n in range(TEST_IMAGES + 3)]
    form = Submission(
        (ID, SubmissionColumn("k", "label"), SubmissionColumn("u", "kept", values=tuple(ids))),
        tuple(ids),
        ("a", "b"),
    )
    many = replace(table, test=pd.DataFrame({"id": ids, "path": ids}), submission=form)
    few = handful(many, 2).submission
    assert few is not None
    assert few.ids == few.columns[2].values == tuple(ids[:TEST_IMAGES])
