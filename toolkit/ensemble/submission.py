"""The submission, and its lint: what a leaderboard would reject, found here first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.contracts import Predictions, Table
from toolkit.errors import DataError, cause
from toolkit.runs.atomic import csv_text, write_text


def write_submission(file: Path, predictions: Predictions, table: Table) -> dict[str, Any]:
    """Write ID and target of every test row, in the order of the sample, and lint the file.

    Returns the class distribution beside the training prior. Raises `DataError` where the file
    would be rejected.
    """
    assert table.test is not None
    labels = dict(zip(predictions.ids, predictions.labels().tolist(), strict=True))
    id_column, target_column = table.columns
    targets = [table.target_of(labels[i]) for i in table.test["id"]]
    rows = pd.DataFrame({id_column: table.test["id"], target_column: targets})
    write_text(file, csv_text(rows))
    problems = lint(file, table)
    if problems:
        raise DataError(*problems)
    return distribution(labels, table)


def lint(file: Path, table: Table) -> list[str]:
    """What is wrong with a submission file, a line each: IDs, order, classes."""
    assert table.test is not None
    try:
        rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        return [f"{file}: cannot be read as CSV: {cause(error)}"]
    if tuple(rows.columns) != table.columns:
        return [f"{file}: expected the columns {', '.join(table.columns)}"]
    ids, wanted = rows[table.columns[0]], table.test["id"]
    problems = []
    if ids.duplicated().any():
        problems.append(f"{file}: {ids.duplicated().sum()} IDs appear twice")
    if set(ids) != set(wanted):
        missing, extra = len(set(wanted) - set(ids)), len(set(ids) - set(wanted))
        problems.append(f"{file}: {missing} test IDs are missing, {extra} are no test IDs")
    elif list(ids) != list(wanted):
        problems.append(f"{file}: the IDs are not in the order of the sample")
    valid = {str(table.target_of(label)) for label in range(len(table.classes))}
    unknown = sorted(set(rows[table.columns[1]]) - valid)
    if unknown:
        problems.append(f"{file}: {', '.join(unknown[:5])}: no class of this data")
    return problems


def distribution(labels: dict[str, int], table: Table) -> dict[str, Any]:
    """Share of each class among the predictions and in training. A class that is predicted far
    more or less often than it was trained is the first sign of a shifted test set."""
    predicted = pd.Series(list(labels.values())).value_counts(normalize=True)
    prior = table.train["label"].value_counts(normalize=True)
    return {
        "rows": len(labels),
        "columns": list(table.columns),
        "classes": [
            {
                "class": name,
                "target": table.target_of(label),
                "predicted_share": round(float(predicted.get(label, 0.0)), 4),
                "training_share": round(float(prior.get(label, 0.0)), 4),
            }
            for label, name in enumerate(table.classes)
        ],
    }
