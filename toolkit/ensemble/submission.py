"""The submission, and its lint: what a leaderboard would reject, found here first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.contracts import Predictions, Submission, SubmissionColumn, Table
from toolkit.data.given import training
from toolkit.errors import DataError, cause
from toolkit.runs.atomic import csv_text, write_text

_SUM = 1e-4  # how far a row's probabilities may be from 1 once they are text

Doubles = npt.NDArray[np.float64]


def write_submission(
    file: Path, predictions: Predictions, table: Table, clip: float = 0.0
) -> dict[str, Any]:
    """Write what the sample asks for, in its order, and lint the file.

    Args:
        clip: the least probability that is written.

    Returns the class distribution beside the training prior. Raises `DataError` where the file
    would be rejected.
    """
    write_text(file, submission_text(predictions, table, clip))
    problems = lint(file, table)
    if problems:
        raise DataError(*problems)
    labels = dict(zip(predictions.ids, predictions.labels().tolist(), strict=True))
    return distribution(labels, table)


def submission_text(predictions: Predictions, table: Table, clip: float = 0.0) -> str:
    """The submission's rows as CSV."""
    assert table.test is not None
    form, place = form_of(table), {i: row for row, i in enumerate(predictions.ids)}
    order = [place[i] for i in table.test["id"]]
    labels = predictions.labels()[order]
    values = clipped(predictions.probabilities[order], clip)

    def cells(column: SubmissionColumn) -> list[str] | tuple[str, ...]:
        if column.means == "id":
            return form.ids
        if column.means == "label":
            return [form.labels[label] for label in labels]
        if column.means == "probability":
            return [_number(value) for value in values[:, column.label]]
        if column.means == "confidence":
            return [_number(value) for value in values[np.arange(len(labels)), labels]]
        return column.values

    columns = [pd.Series(list(cells(column)), dtype=object) for column in form.columns]
    rows = pd.concat(columns, axis=1).set_axis([c.name for c in form.columns], axis=1)
    return csv_text(rows)


def form_of(table: Table) -> Submission:
    """The form that the sample asks for; without one, an ID and a class."""
    if table.submission is not None:
        return table.submission
    ids = () if table.test is None else tuple(table.test["id"])
    id_column, target_column = table.columns
    columns = SubmissionColumn(id_column, "id"), SubmissionColumn(target_column, "label")
    targets = tuple(str(table.target_of(label)) for label in range(len(table.classes)))
    return Submission(columns, ids, targets)


def holds_probabilities(table: Table) -> bool:
    """Whether the submission holds more than classes."""
    return any(column.means in ("probability", "confidence") for column in form_of(table).columns)


def kind_of(table: Table) -> str:
    """What a submission holds, in words: `the ID and a probability for each of 3 classes`."""
    form = form_of(table)
    parts = []
    named = {column.means: column for column in form.columns}
    classes = [column for column in form.columns if column.means == "probability"]
    if "label" in named:
        written = {"name": "by its name", "target": "as in the training table"}
        number = {"integer": "as an integer", "float": "as a decimal number"}
        parts.append(f"{named['label'].name} (the class, {(written | number)[form.form]})")
    if "confidence" in named:
        parts.append(f"{named['confidence'].name} (its probability)")
    if len(classes) == 1:
        (column,) = classes
        assert column.label is not None
        parts.append(f'{column.name} (the probability of "{table.classes[column.label]}")')
    elif classes:
        parts.append(f"a probability for each of the {len(classes)} classes")
    kept = [column.name for column in form.columns if column.means == "kept"]
    if kept:
        parts.append(f"{', '.join(kept)} (as in the sample)")
    return f"{named['id'].name}, {', '.join(parts)}"


def clipped(probabilities: npt.NDArray[Any], least: float) -> Doubles:
    """Probabilities `(n, C)` that sum to 1 in a row, none of them below `least`: what is lower is
    raised, and the others give that up in proportion.

    Raises `DataError` where C of the least are more than 1.
    """
    values = probabilities.astype(np.float64)
    values /= values.sum(axis=1, keepdims=True)
    classes = values.shape[1]
    check_clip(least, classes)
    low = np.zeros(values.shape, dtype=bool)
    for _ in range(classes):  # giving up may bring another below
        now = low | (values < least)
        if (now == low).all():
            break
        low = now
        free = np.where(low, 0.0, values)
        rest = 1 - least * low.sum(axis=1, keepdims=True)
        total = free.sum(axis=1, keepdims=True)
        values = np.where(low, least, free * rest / np.where(total > 0, total, 1))
    return values


def check_clip(least: float, classes: int) -> None:
    """Raises `DataError` where as many of the least are more than 1."""
    if least * classes > 1:
        raise DataError(
            f"submission.clip = {least:g} is too much for {classes} classes, whose probabilities "
            f"sum to 1; at most {1 / classes:g}"
        )


def _number(value: float) -> str:
    return f"{value:.8g}"


def lint(file: Path, table: Table) -> list[str]:
    """What is wrong with a submission file, a line each: header, IDs, order, values."""
    form = form_of(table)
    try:
        rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        return [f"{file}: cannot be read as CSV: {cause(error)}"]
    header = [column.name for column in form.columns]
    if list(rows.columns) != header:
        return [f"{file}: expected the columns {', '.join(header)}"]
    (own,) = (column.name for column in form.columns if column.means == "id")
    problems = list(_id_problems(rows[own], form.ids))
    for column in form.columns:
        problems += _value_problems(rows[column.name], column, form)
    shares = [c.name for c in form.columns if c.means == "probability"]
    if len(shares) > 1 and not problems:
        sums = rows[shares].astype(float).sum(axis=1)
        wrong = int((abs(sums - 1) > _SUM).sum())
        if len(shares) == len(table.classes) and wrong:
            problems.append(f"the probabilities of {wrong} rows do not sum to 1")
    return [f"{file}: {problem}" for problem in problems]


def _id_problems(ids: pd.Series[Any], wanted: tuple[str, ...]) -> list[str]:
    problems = []
    if ids.duplicated().any():
        problems.append(f"{ids.duplicated().sum()} IDs appear twice")
    if set(ids) != set(wanted):
        missing, extra = len(set(wanted) - set(ids)), len(set(ids) - set(wanted))
        problems.append(f"{missing} test IDs are missing, {extra} are no test IDs")
    elif list(ids) != list(wanted):
        problems.append("the IDs are not in the order of the sample")
    return problems


def _value_problems(
    values: pd.Series[Any], column: SubmissionColumn, form: Submission
) -> list[str]:
    if column.means == "label":
        unknown = sorted(set(values) - set(form.labels))
        return [f"{', '.join(unknown[:5])}: no class of this data"] if unknown else []
    if column.means in ("probability", "confidence"):
        numbers = pd.to_numeric(values, errors="coerce")
        wrong = sorted(set(values[~numbers.between(0, 1)]))
        found = f"{column.name}: {', '.join(wrong[:5])}: no probability"
        return [found] if wrong else []
    if column.means == "kept" and tuple(values) != column.values:
        return [f"{column.name}: is not as in the sample"]
    return []


def distribution(labels: dict[str, int], table: Table) -> dict[str, Any]:
    """Share of each class among the predictions and in training. A class that is predicted far
    more or less often than it was trained is the first sign of a shifted test set."""
    predicted = pd.Series(list(labels.values())).value_counts(normalize=True)
    prior = training(table.train)["label"].value_counts(normalize=True)
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
