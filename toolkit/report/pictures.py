"""The scores of a run as pictures: each with its interval, and over the epochs of each fold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pandas as pd
from markupsafe import Markup

from toolkit.recipe.scores import CLEAN, ROBUST, Score
from toolkit.report import charts, words
from toolkit.report.metrics import Shown, metrics_of, reported
from toolkit.runs.faults import HISTORY
from toolkit.runs.folder import RunFolder
from toolkit.runs.reading import DamagedFile, read_csv

_SMALL = 0.05  # below it, a value is lost on a scale to 1
_CURVES = ((CLEAN, "validation", "oof"), (ROBUST, "twins", "variant"))


def variants_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """The out-of-fold scores beside the clean ones, by name."""
    oof: dict[str, Any] = report["scores"]["oof"]
    return {variant: found for variant, found in oof.items() if variant != "clean" and found}


def score_charts(report: Mapping[str, Any], test: Mapping[str, Any] | None) -> dict[str, Markup]:
    """One interval chart a measure: out-of-fold, its other variants, the test set."""
    found = {"out-of-fold": (report["scores"]["oof"]["clean"], "oof")}
    for variant, values in variants_of(report).items():
        found[f"out-of-fold, {variant}"] = (values, "variant")
    if test is not None:
        found["test"] = (test, "test")
    drawn = {}
    for shown in metrics_of(report):
        marks = [
            charts.Mark(label, values[shown.name], *_interval(values, shown.name), kind)
            for label, (values, kind) in found.items()
            if shown.name in values
        ]
        low, top = scale_of(shown, marks)
        drawn[shown.name] = charts.interval_chart(marks, top, low)
    return drawn


def forecast_charts(
    report: Mapping[str, Any], forecast: Mapping[str, Any], test: Mapping[str, Any] | None
) -> dict[str, Markup]:
    """One interval chart for each score that is forecast: beside what is known of it."""
    found = {"out-of-fold": (report["scores"]["oof"]["clean"], "oof")}
    for variant, values in variants_of(report).items():
        found[f"out-of-fold, {variant}"] = (values, "variant")
    found["forecast"] = (forecast, "variant")
    if test is not None:
        found["test"] = (test, "test")
    return {
        name: charts.interval_chart(
            [
                charts.Mark(label, values[name], *_interval(values, name), kind)
                for label, (values, kind) in found.items()
            ],
            1.0,
            0.0,
        )
        for name in forecast["intervals"]
    }


def scale_of(shown: Shown, marks: Sequence[charts.Mark]) -> tuple[float, float]:
    """Both ends of a metric's chart: from 0 where nothing is below it, to its bound; without one
    to 1, or to what there is where that is far from 1."""
    least, most = min(mark.low for mark in marks), max(mark.high for mark in marks)
    low = 0.0 if least >= 0 else 1.1 * least
    if shown.low is not None and (least < 0 or shown.low > 0):
        low = shown.low
    top = shown.high
    if top is None:
        top = 1.1 * most if most > 1 / 1.1 or 0 < most < _SMALL else float(most >= 0)
    return low, top


def _interval(values: Mapping[str, Any], measure: str) -> tuple[float, float]:
    low, high = values.get("intervals", {}).get(measure) or [values[measure]] * 2
    return low, high


def differences_of(report: Mapping[str, Any], test: Mapping[str, Any] | None) -> dict[str, str]:
    oof = report["scores"]["oof"]["clean"]
    if test is None:
        return {}
    return {
        m.name: words.difference(test[m.name], oof[m.name], higher_is_better=m.higher_is_better)
        for m in metrics_of(report)
        if m.name in test
    }


def fold_curves(folder: RunFolder, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Loss, the monitor and what is reported over the epochs of each fold; no charts where a
    fold's history is gone."""
    folds = report["scores"]["folds"]
    histories = {}
    for fold in folds:
        with suppress(DamagedFile):
            histories[fold["fold"]] = read_csv(folder.fold(fold["fold"]).history, HISTORY)
    decides, *_ = metrics_of(report)
    columns = [("train_loss", "Training loss", "loss", False)]
    columns += [
        (Score(variant, m.name).name, f"{m.heading} on {images}", kind, m.high == 1)
        for m in (decides, *reported(report))
        for variant, images, kind in _CURVES
    ]
    drawn = []
    for fold in folds:
        own = histories.get(fold["fold"])
        pictures = []
        if own is not None and len(own):
            for column, title, kind, ends_at_one in columns:
                curves = {
                    k: _curve(history, column)
                    for k, history in histories.items()
                    if column in history.columns
                }
                if fold["fold"] not in curves:  # trained before the metric was asked for
                    continue
                pictures.append(
                    charts.curve_chart(
                        curves[fold["fold"]],
                        [curve for k, curve in curves.items() if k != fold["fold"]],
                        _span(curves, from_zero=ends_at_one),
                        title=title,
                        kind=kind,
                        best=fold.get("selected_epoch", fold["best_epoch"]),
                    )
                )
        drawn.append({**fold, "charts": pictures})
    return drawn


def _curve(history: pd.DataFrame, column: str) -> list[tuple[float, float]]:
    return list(zip(history["epoch"].tolist(), history[column].tolist(), strict=True))


def _span(
    curves: Mapping[int, Sequence[tuple[float, float]]], *, from_zero: bool
) -> tuple[float, float, float]:
    points = [point for curve in curves.values() for point in curve]
    values = [value for _, value in points]
    low = 0.0 if from_zero else min(values)
    high = math.ceil(10 * max(values)) / 10 if from_zero else 1.02 * max(values)
    return max(epoch for epoch, _ in points), min(0.0, low), high
