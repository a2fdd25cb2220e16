"""A run's forecast: what it will score on its test images, before anybody has labels of them.

It reads predictions files alone: the out-of-fold and test rows of each fold, and the joined test
rows. No model and no image is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from toolkit.contracts import Floats, Ints
from toolkit.data.assignment import units
from toolkit.errors import DataError, RunError
from toolkit.predict.files import MEAN, as_predictions, finite_rows, read_predictions
from toolkit.recipe.scores import CLEAN, ROBUST
from toolkit.runs.atomic import write_json
from toolkit.runs.folder import RunFolder
from toolkit.runs.opened import Run
from toolkit.runs.reading import read_csv
from toolkit.score.confidence import calibration_of, negative_entropy, rightness
from toolkit.score.counts import Numbers
from toolkit.score.forecast import Forecast, Member, forecast
from toolkit.score.likeness import beyond_range, classes_elsewhere, contradicted, views_apart
from toolkit.score.votes import views_agree

_LEAST_APART = 0.05


@dataclass(frozen=True)
class _Fold:
    """What one fold's files hold."""

    variants: dict[str, pd.DataFrame]
    """Out-of-fold rows of each variant, in the order of their IDs."""
    test: pd.DataFrame
    classes: tuple[str, ...]

    def rows(self, variant: str, view: str = MEAN) -> Floats:
        return as_predictions(self.variants[variant], self.classes, variant, view).probabilities

    def ids(self, variant: str) -> tuple[str, ...]:
        return as_predictions(self.variants[variant], self.classes, variant).ids

    def views(self, variant: str | None) -> list[Floats]:
        """Probabilities of each single view of a variant, or of the test rows."""
        rows = self.test if variant is None else self.variants[variant]
        names = sorted(set(rows["view"]) - {MEAN})
        of = CLEAN if variant is None else variant
        return [as_predictions(rows, self.classes, of, name).probabilities for name in names]


def forecast_run(run: Run) -> dict[str, Any]:
    """Forecast a finished run's test score and keep it in its folder, `forecast.json`.

    Raises `RunError` for a run without test predictions, `DataError` where its files are damaged
    or do not belong together.
    """
    if not run.report["rows"]["test"]:
        raise RunError(
            f"{run.path}: has no test predictions to forecast a score of; its data has no test "
            "images"
        )
    recipe = run.plan["recipe"]
    seed = int(recipe.get("validate", {}).get("seed", recipe["seed"]))  # older plans have one seed
    numbers = [int(row["fold"]) for row in run.report["scores"]["folds"]]
    found = forecast_of(run.folder, numbers, seed)
    write_json(run.folder.forecast, found)
    return found


def forecast_of(folder: RunFolder, numbers: Sequence[int], seed: int) -> dict[str, Any]:
    """The forecast of folds that are done, whose test rows are joined; see `forecast_run`."""
    folds = [_fold(folder, number) for number in numbers]
    joined = as_predictions(_read(folder, folder.test)[0], folds[0].classes)
    truth = _truth(folder)
    variants = list(dict.fromkeys(name for fold in folds for name in fold.variants))
    twins = [name for name in variants if name.partition(".")[0] == ROBUST]
    on = twins or [CLEAN]
    members = [_member(folder, fold, joined.ids, truth, on) for fold in folds]
    checks = _checks(members, folds, truth, folder, joined.ids) if twins else []
    miss = _miss(members, checks)
    found = forecast(members, joined.probabilities, seed, miss=miss)
    alone = float(np.mean([m.accuracy for m in found.members]))
    doubts = _doubts(folds, variants, members, found, alone)
    agreement = found.agreement
    return {
        "rows": len(joined.ids),
        "calibrated_on": ROBUST if twins else CLEAN,
        "calibration_rows": sum(len(m.truth) for m in members),
        "accuracy": found.accuracy,
        "macro_f1": found.macro_f1,
        "intervals": {
            "accuracy": list(found.accuracy_interval),
            "macro_f1": list(found.macro_f1_interval),
        },
        "trusted": not doubts,
        "doubts": doubts,
        "notes": _notes(found, twins=bool(twins)),
        "gain": found.gain,
        "agreement": {
            "folds": agreement.share() if len(folds) > 1 else None,
            "views": _views_agree(folds),
        },
        "joined_as": {"way": agreement.joined_as, "matches": agreement.matches},
        "checks": checks,
        "folds": [
            {
                "fold": number,
                "rows": m.rows,
                "threshold": m.threshold if np.isfinite(m.threshold) else None,
                "calibration_accuracy": m.calibrated,
                "accuracy": m.accuracy,
                "macro_f1": m.macro_f1,
            }
            for number, m in zip(numbers, found.members, strict=True)
        ],
    }


def _fold(folder: RunFolder, number: int) -> _Fold:
    files = folder.fold(number)
    oof, classes = _read(folder, files.oof)
    test, of_test = _read(folder, files.test)
    if classes != of_test:
        raise DataError(f"{files.path}: oof.parquet and test.parquet have other classes")
    variants = {str(name): rows for name, rows in oof.groupby("variant", sort=True)}
    return _Fold(variants, test, classes)


def _read(folder: RunFolder, file: Any) -> tuple[pd.DataFrame, tuple[str, ...]]:
    rows, meta = read_predictions(file, f"remove it, and {folder.way_out}")
    if not finite_rows(rows, meta.classes).all():
        raise DataError(f"{file}: has probabilities that are no numbers; {folder.way_out}")
    return rows, meta.classes


def _truth(folder: RunFolder) -> pd.DataFrame:
    """`label` and `unit` of each training row, by its ID."""
    rows = read_csv(folder.folds, {"id": str, "parent": str, "group": str}, folder.way_out)
    if "label" not in rows.columns:
        raise RunError(f"{folder.folds}: has no labels, an older version wrote it")
    return rows.assign(unit=units(rows)).set_index("id")[["label", "unit"]]


def _member(
    folder: RunFolder,
    fold: _Fold,
    test_ids: tuple[str, ...],
    truth: pd.DataFrame,
    variants: Sequence[str],
) -> Member:
    """One fold's labelled rows of some variants, and its test rows."""
    there = [name for name in variants if name in fold.variants]
    ids = [i for name in there for i in fold.ids(name)]
    lost = sorted(set(ids) - set(truth.index))
    test = as_predictions(fold.test, fold.classes)
    if not ids or lost or test.ids != test_ids:
        raise DataError(
            f"{folder.path}: its predictions files do not belong together; {folder.way_out}"
        )
    known = truth.loc[ids]
    return Member(
        np.concatenate([fold.rows(name) for name in there]),
        known["label"].to_numpy(dtype=np.int64),
        known["unit"].to_numpy(dtype=np.int64),
        test.probabilities,
    )


def _checks(
    members: Sequence[Member],
    folds: Sequence[_Fold],
    truth: pd.DataFrame,
    folder: RunFolder,
    test_ids: tuple[str, ...],
) -> list[dict[str, Any]]:
    """The thresholds of the twins, tried where the truth is known: on the clean images."""
    clean = [_member(folder, fold, test_ids, truth, [CLEAN]) for fold in folds]
    pairs = list(zip(members, clean, strict=True))
    told = np.mean([_accuracy(twins, other.probabilities) for twins, other in pairs])
    true = np.mean([_right(other.probabilities, other.truth).mean() for other in clean])
    return [{"variant": CLEAN, "forecast": float(told), "truth": float(true)}]


def _miss(members: Sequence[Member], checks: Sequence[dict[str, Any]]) -> float:
    """How far the thresholds of the twins may be off on the test images: what they miss the clean
    images by, the less the nearer the test images are to the twins."""
    if not checks:
        return 0.0
    (check,) = checks
    of_twins = float(np.mean([_right(m.probabilities, m.truth).mean() for m in members]))
    of_test = float(np.mean([_accuracy(m, m.test) for m in members]))
    apart = max(abs(check["truth"] - of_twins), _LEAST_APART)
    off = abs(float(check["forecast"]) - float(check["truth"]))
    return float(off * min(1.0, abs(of_test - of_twins) / apart))


def _accuracy(member: Member, rows: Floats) -> float:
    found, once = calibration_of(member.probabilities, member.truth), np.ones(len(member.truth))
    return float(rightness(found, once, negative_entropy(rows), rows.argmax(axis=1))[0].mean())


def _right(probabilities: Floats, truth: Ints) -> Numbers:
    right: Numbers = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    return right


def _doubts(
    folds: Sequence[_Fold],
    variants: Sequence[str],
    members: Sequence[Member],
    found: Forecast,
    alone: float,
) -> list[str]:
    """Why no forecast can be trusted here; mostly empty."""
    known = [np.concatenate([fold.rows(name) for name in fold.variants]) for fold in folds]
    read = [
        np.concatenate([f.rows(name).argmax(axis=1) for f in folds if name in f.variants])
        for name in variants
    ]
    test = np.concatenate([m.test.argmax(axis=1) for m in members])
    agree = [
        np.concatenate(rows).astype(np.float64)
        for rows in ([_agree(f, name) for f in folds if name in f.variants] for name in variants)
        if all(len(r) for r in rows)
    ]
    of_test = np.concatenate([_agree(fold, None) for fold in folds]).astype(np.float64)
    told = [
        *beyond_range(known, [m.test for m in members]),
        contradicted(alone, found.agreement),
        views_apart(agree, of_test) if agree and len(of_test) else None,
        classes_elsewhere(read, test, len(folds[0].classes)),
    ]
    return [doubt for doubt in told if doubt is not None]


def _agree(fold: _Fold, variant: str | None) -> Ints:
    """Rows whose single views agree, 1 or 0; empty where there is one view."""
    found = views_agree(fold.views(variant))
    return np.zeros(0, dtype=np.int64) if found is None else found


def _views_agree(folds: Sequence[_Fold]) -> float | None:
    rows = np.concatenate([_agree(fold, None) for fold in folds])
    return float(rows.mean()) if len(rows) else None


def _notes(found: Forecast, *, twins: bool) -> list[str]:
    """What the forecast rests on, and what it does not know."""
    notes = []
    if not twins:
        notes.append(
            "The run has no degraded twins: thresholds are of clean out-of-fold images, and test "
            "images that are worse may be forecast too high. [validate.twins] makes them."
        )
    folds, matches = found.agreement.folds, found.agreement.matches
    if folds == 1:
        notes.append("One model predicts: there is nothing to join, and no agreement to look at.")
    if folds == 2:
        notes.append("What joining two folds gains cannot be told from two: none is taken.")
    if matches < 0.98:
        notes.append(
            f"The run's own prediction differs from the {found.agreement.joined_as} of its folds "
            f"on {1 - matches:.0%} of the test images, and the forecast's gain is of the latter."
        )
    return notes
