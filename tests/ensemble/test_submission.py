"""The submission follows the sample, and its lint finds what a leaderboard would reject."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from toolkit.contracts import Predictions, Table
from toolkit.ensemble.submission import lint, write_submission
from toolkit.errors import DataError


@pytest.fixture
def predictions(probabilities: np.ndarray) -> Predictions:
    """x is an invoice, y a tie, z a letter."""
    return Predictions(("x", "y", "z"), probabilities, ("invoice", "letter"))


def test_the_submission_has_the_samples_order_and_columns_and_the_datas_targets(
    predictions: Predictions, table: Table, tmp_path: Path
) -> None:
    file = tmp_path / "submission.csv"
    write_submission(file, predictions, table)
    assert file.read_text() == "ID,target\nz,11\nx,3\ny,3\n"
    assert lint(file, table) == []


def test_without_targets_the_class_names_are_written(
    predictions: Predictions, table: Table, tmp_path: Path
) -> None:
    file = tmp_path / "submission.csv"
    write_submission(file, predictions, replace(table, targets=(), columns=("file", "kind")))
    assert file.read_text() == "file,kind\nz,letter\nx,invoice\ny,invoice\n"


def test_the_distribution_stands_beside_the_training_prior(
    predictions: Predictions, table: Table, tmp_path: Path
) -> None:
    # 2 of 3 are predicted to be invoices; 5 of the 7 training rows are.
    assert write_submission(tmp_path / "submission.csv", predictions, table) == {
        "rows": 3,
        "columns": ["ID", "target"],
        "classes": [
            {
                "class": "invoice",
                "target": 3,
                "predicted_share": 0.6667,
                "training_share": 0.7143,
            },
            {
                "class": "letter",
                "target": 11,
                "predicted_share": 0.3333,
                "training_share": 0.2857,
            },
        ],
    }


def test_a_class_that_is_never_predicted_has_a_share_of_zero(table: Table, tmp_path: Path) -> None:
    sure = Predictions(("x", "y", "z"), np.float32([[0, 1]] * 3), ("invoice", "letter"))
    first, second = write_submission(tmp_path / "s.csv", sure, table)["classes"]
    assert first["predicted_share"] == 0
    assert second["predicted_share"] == 1


def test_ids_that_look_like_numbers_or_nothing_pass(tmp_path: Path, table: Table) -> None:
    ids = ["007", "NA", "a,b"]
    table = replace(table, test=pd.DataFrame({"id": ids, "path": ids}))
    rows = Predictions(tuple(sorted(ids)), np.float32([[0, 1]] * 3), ("invoice", "letter"))
    write_submission(tmp_path / "s.csv", rows, table)
    assert lint(tmp_path / "s.csv", table) == []


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("ID,target\nz,3\nx,11\n", ["1 test IDs are missing, 0 are no test IDs"]),
        ("ID,target\nz,3\nx,3\ny,3\nw,3\n", ["0 test IDs are missing, 1 are no test IDs"]),
        ("ID,target\nx,3\ny,3\nz,3\n", ["the IDs are not in the order of the sample"]),
        ("ID,target\nz,3\nx,12\ny,invoice\n", ["12, invoice: no class of this data"]),
        ("ID,target\nz,3\nx,\ny,3\n", [": no class of this data"]),
        ("id,target\nz,3\nx,3\ny,3\n", ["expected the columns ID, target"]),
        ("target,ID\n3,z\n3,x\n3,y\n", ["expected the columns ID, target"]),
        (
            "ID,target\nz,3\nz,3\nw,4\n",
            [
                "1 IDs appear twice",
                "2 test IDs are missing, 1 are no test IDs",
                "4: no class of this data",
            ],
        ),
    ],
)
def test_what_a_leaderboard_would_reject_is_found(
    tmp_path: Path, table: Table, text: str, problems: list[str]
) -> None:
    file = tmp_path / "submission.csv"
    file.write_text(text)
    assert lint(file, table) == [f"{file}: {problem}" for problem in problems]


def test_an_id_that_appears_twice_is_found_beside_all_others(tmp_path: Path, table: Table) -> None:
    file = tmp_path / "submission.csv"
    file.write_text("ID,target\nz,3\nx,3\ny,3\ny,3\n")
    assert f"{file}: 1 IDs appear twice" in lint(file, table)


def test_a_submission_that_would_be_rejected_is_an_error(
    predictions: Predictions, table: Table, tmp_path: Path
) -> None:
    twice = pd.concat([table.test, table.test.head(1)])
    with pytest.raises(DataError, match="1 IDs appear twice"):
        write_submission(tmp_path / "s.csv", predictions, replace(table, test=twice))
