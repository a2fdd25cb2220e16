"""`report.json`: every number of a run in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.contracts import Ints, Predictions, Table
from toolkit.data.assignment import units
from toolkit.data.duplicates import duplicates_of
from toolkit.data.given import training
from toolkit.plugin.schema import toml_text
from toolkit.predict.files import PRECISION
from toolkit.recipe.plan import Plan
from toolkit.recipe.scores import CLEAN, ROBUST
from toolkit.recipe.twins import TWINS
from toolkit.report.selection import selection
from toolkit.runs.folder import RunFolder
from toolkit.runs.reading import read_json
from toolkit.score.counts import confusion, per_class
from toolkit.score.measures import Measures, measures_of
from toolkit.train.folds import Job
from toolkit.train.job import facts_of


def build_report(
    job: Job,
    oof: Predictions,
    *,
    twins: Predictions | None = None,
    submission: dict[str, Any] | None,
    forecast: dict[str, Any] | None = None,
    trackers_dropped: list[dict[str, str]],
    warnings: list[str],
) -> dict[str, Any]:
    """Scores with intervals, per-class figures and confusion of the out-of-fold predictions.

    Args:
        oof: one row for each original.
        twins: the out-of-fold predictions of the originals' twins.
    """
    plan, folder, table, seconds = job.plan, job.folder, job.data.table, job.stages.leave()
    truth, unit = _truth(table, oof)
    measures = measures_of(plan, facts_of(plan, table, table.train["label"].to_numpy()))
    chosen_by = selection(plan, higher_is_better=measures.monitored.higher_is_better)
    scored = {CLEAN: oof} if twins is None else {CLEAN: oof, ROBUST: twins}
    scores = {v: _scores(measures, table, p, plan.validate.seed) for v, p in scored.items()}
    matrix = confusion(truth, oof.labels(), len(oof.classes))
    train = training(table.train)
    trained = np.bincount(train["label"], minlength=len(oof.classes))
    folds = [_fold(folder, fold) for fold in range(plan.folds)]
    fold_seconds = sum(fold["seconds"] for fold in folds)
    rates = [fold["images_per_second"] for fold in folds]
    return {
        "name": plan.name,
        "plan": job.plan_hash,
        "monitor": plan.monitor.name,
        "metrics": measures.described(),
        "select": {"epoch": plan.train.select, "meaning": chosen_by},
        "precision": {
            "training": sorted({fold.get("precision", "") for fold in folds} - {""}),
            "prediction": PRECISION,
        },
        "scores": {"oof": scores, "folds": folds},
        "classes": [
            {**row, "train": int(count), "drawn": drawn}
            for row, count, drawn in zip(
                per_class(matrix, oof.classes), trained, _drawn(folds, oof.classes), strict=True
            )
        ],
        "confusion": matrix.tolist(),
        "split": _split(plan, len(oof.ids), len(train)),
        "rows": {
            "train": len(train),
            "validated": len(oof.ids),
            "units": len(np.unique(unit)),
            "test": 0 if table.test is None else len(table.test),
        },
        **_twins(plan),
        "copies": duplicates_of(table).to_json(),
        "submission": submission,
        "forecast": forecast,
        "set_aside": [{"id": i, "reason": reason} for i, reason in job.data.set_aside],
        "trackers_dropped": trackers_dropped,
        "warnings": warnings,
        # A start that finds folds done trains less: what they took is theirs, in whatever start.
        "seconds": {
            **seconds,
            "train": max(seconds.get("train", 0.0), round(fold_seconds, 1)),
            "folds": round(fold_seconds, 1),
        },
        "images_per_second": round(float(np.mean(rates)), 1),
    }


def _scores(measures: Measures, table: Table, oof: Predictions, seed: int) -> dict[str, Any]:
    """Every score of a variant, with its interval. All twins of an image are of its unit."""
    truth, unit = _truth(table, oof)
    found: dict[str, Any] = dict(measures.scores("the out-of-fold rows", truth, oof.probabilities))
    intervals = measures.intervals("the out-of-fold rows", truth, oof.probabilities, unit, seed)
    return {**found, "intervals": intervals}


def _twins(plan: Plan) -> dict[str, Any]:
    """What the robust scores are of."""
    if plan.twins is None:
        return {}
    count, use = plan.twins.count, plan.choice(*TWINS).use
    each = "a frozen degraded twin" if count == 1 else f"{count} frozen degraded twins"
    meaning = (
        f"Each validated image has {each} ({use}), drawn once from validate.seed and the file: the "
        "robust scores are of those, and no model trains on them."
    )
    return {"twins": {"use": use, "count": count, "meaning": meaning}}


def _split(plan: Plan, validated: int, trained: int) -> dict[str, str | None]:
    """What validated, and what that means for the scores."""
    if not plan.split.given:
        meaning = (
            f"{plan.folds} folds validated: each original has a score, by a model that saw nothing "
            "of its unit."
        )
        return {"given": None, "meaning": meaning}
    meaning = (
        f"The validation split came with the data (split.given = "
        f"{toml_text(plan.split.given)}): every score is of its {validated:,} rows alone, by one "
        f"model that was trained on {trained:,} others. No training row has a score, and no other "
        "split says how far the scores would differ."
    )
    return {"given": plan.split.given, "meaning": meaning}


def _truth(table: Table, oof: Predictions) -> tuple[Ints, Ints]:
    """Label and unit of each out-of-fold row."""
    rows = table.train.assign(unit=units(table.train)).set_index("id").loc[list(oof.ids)]
    return rows["label"].to_numpy(), rows["unit"].to_numpy()


def _drawn(folds: list[dict[str, Any]], classes: Sequence[str]) -> list[int | None]:
    """Rows of each class that an epoch draws, the mean of the folds; None where a fold was trained
    by a version that did not say."""
    if any("drawn" not in fold for fold in folds):
        return [None] * len(classes)
    means: list[int | None] = np.mean([fold["drawn"] for fold in folds], axis=0).round().tolist()
    return [None if mean is None else int(mean) for mean in means]


def _fold(folder: RunFolder, fold: int) -> dict[str, Any]:
    return {"fold": fold, **read_json(folder.fold(fold).done, folder.way_out)}
