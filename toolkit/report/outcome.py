"""The score on the test set, where its truth is known. Nothing that trains ever reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from toolkit.contracts import Facts, ImageSpec, KnowsTestLabels
from toolkit.data.table import problems_of_test_labels
from toolkit.errors import DataError, RunError, listed
from toolkit.files import require_regular
from toolkit.plugin.host import Host, load_host
from toolkit.predict.files import as_predictions, read_predictions
from toolkit.recipe.metrics import recorded_metrics
from toolkit.recipe.plan import Choice
from toolkit.recipe.scores import score_named
from toolkit.runs.atomic import write_json
from toolkit.runs.opened import Run
from toolkit.score.counts import confusion, per_class
from toolkit.score.measures import Measures, build_measure


def score_test(
    run: Run, labels: pd.DataFrame, origin: str, host: Host | None = None
) -> dict[str, Any]:
    """Score a run's test predictions and keep the result in its folder, `test_score.json`.

    Args:
        labels: `id, label` of the test rows, or of some of them (a public part); `label` indexes
            the run's classes.
        origin: where the labels came from, for whoever reads the score.
        host: the loaded plugins, for the run's own metrics. One that cannot be had is named with
            its reason under `not_scored`.

    Raises `RunError` for a run without test predictions, `DataError` where labels and
    predictions do not belong together.
    """
    rows, meta = read_predictions(_test_file(run), f"remove it, and {run.folder.way_out}")
    predictions = as_predictions(rows, meta.classes)
    _check(labels, predictions.ids, len(meta.classes), origin)
    truth = labels.set_index("id")["label"]
    known = np.array([i in truth.index for i in predictions.ids])
    ids = [i for i, is_known in zip(predictions.ids, known, strict=True) if is_known]
    answers = truth.loc[ids].to_numpy(dtype=np.int64)
    probabilities = predictions.probabilities[known]
    recipe = run.plan["recipe"]
    seed = int(recipe.get("validate", {}).get("seed", recipe["seed"]))  # older plans have one seed
    measures, not_scored = _measures(run, host or load_host())
    where, units = "the test rows", np.arange(len(ids))
    matrix = confusion(answers, probabilities.argmax(axis=1), len(meta.classes))
    result: dict[str, Any] = {
        "labels": origin,
        "rows": len(ids),
        "of": len(predictions.ids),
        **measures.scores(where, answers, probabilities),
        "intervals": measures.intervals(where, answers, probabilities, units, seed),
        "not_scored": not_scored,
        "classes": per_class(matrix, meta.classes),
    }
    write_json(run.folder.test_score, result)
    return result


def _measures(run: Run, host: Host) -> tuple[Measures, dict[str, str]]:
    """The run's metrics, built for its classes, and why others cannot be had."""
    recipe, classes = run.plan["recipe"], run.report["classes"]
    choices, missing = recorded_metrics(recipe, host)
    depth = recipe["image"].get("depth", "full")
    image = {**recipe["image"], "depth": depth if isinstance(depth, str) else tuple(depth)}
    counts = tuple(row.get("train", row["support"]) for row in classes)
    facts = Facts(run.classes, counts, ImageSpec(**image), recipe["seed"])
    built = {name: build_measure(name, choice, facts) for name, choice in choices.items()}
    return Measures(built, score_named(run.report.get("monitor", "clean_f1"))), missing


def labels_of_source(run: Run, host: Host) -> tuple[pd.DataFrame, str]:
    """The test labels that the run's own source knows, and where they came from.

    Raises `RunError` where it knows none.
    """
    section = dict(run.plan["recipe"]["data"])
    use = section.pop("use")
    entry = host.registry.get("source", use)
    if entry is None:
        why = host.reason_for(use) or "its plugin is not installed"
        raise RunError(f"{run.path}: its source {use} cannot be had: {why}")
    choice = Choice(use, entry, section)
    source = choice.build()
    if not isinstance(source, KnowsTestLabels):
        raise RunError(
            f"{run.path}: its source {use} does not know the test labels; name a CSV of them: "
            "--labels FILE"
        )
    with choice.blamed("its test_labels fails"):
        labels = source.test_labels()
    return _in_groups(run, labels), f"the source {use}"


def _in_groups(run: Run, labels: Any) -> Any:
    """Labels of a source's classes as labels of the run's groups, where `[labels.relabel]` made
    some; whatever is no label stays as it is, and is told."""
    grouped = _groups(run)
    if not grouped or not isinstance(labels, pd.DataFrame) or "label" not in labels:
        return labels
    number = {name: label for label, name in enumerate(run.classes)}
    known = {label: number.get(row["group"], -1) for label, row in enumerate(grouped)}
    return labels.assign(label=[known.get(label, label) for label in labels["label"]])


def _groups(run: Run) -> list[dict[str, str]]:
    """Class, target and group of each of the source's classes; empty for a run without groups."""
    found: list[dict[str, str]] = run.manifest.get("labels", {}).get("classes", [])
    return found


def labels_from_csv(run: Run, file: Path) -> tuple[pd.DataFrame, str]:
    """Test labels from a CSV in the submission's columns; a label is a target or a class name.

    Raises `DataError` where the file does not fit the run.
    """
    _test_file(run)
    submission = run.report["submission"]
    id_column, target_column = submission["columns"]
    try:
        require_regular(file)
        rows = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read as CSV: {error}") from error
    missing = [column for column in (id_column, target_column) if column not in rows.columns]
    if missing:
        raise DataError(
            f"{file}: has no column {', '.join(missing)} (it has {', '.join(rows.columns)}); the "
            f"columns are those of the submission, {id_column} and {target_column}"
        )
    label_of: dict[str, int] = {}
    for label, row in enumerate(submission["classes"]):
        label_of |= {row["class"]: label}
    for label, row in enumerate(submission["classes"]):
        label_of |= {str(row["target"]): label}  # where both fit, the submission's way of writing
    for row in _groups(run):  # truth in the classes that the groups were made of
        for written in (row["class"], row["target"]):
            if row["group"] in label_of:
                label_of.setdefault(written, label_of[row["group"]])
    unknown = rows[~rows[target_column].isin(list(label_of))]
    if len(unknown):
        found = listed(sorted(set(unknown[target_column])))
        raise DataError(f"{file}: {len(unknown)} labels are no class of the run ({found})")
    labels = rows[target_column].map(label_of).astype("int64")
    return pd.DataFrame({"id": rows[id_column], "label": labels}), str(file)


def _test_file(run: Run) -> Path:
    if not run.report["rows"]["test"]:
        raise RunError(f"{run.path}: has no test predictions; its data has no test images")
    if not run.folder.test.is_file():
        raise RunError(
            f"{run.path}: has no test predictions; test.parquet is gone, {run.folder.way_out}"
        )
    return run.folder.test


def _check(labels: object, ids: tuple[str, ...], classes: int, origin: str) -> None:
    """Raise with everything that keeps labels and predictions apart."""
    problems = problems_of_test_labels(labels, ids, classes)
    if problems:
        raise DataError(*(f"{origin}: {problem}" for problem in problems))
