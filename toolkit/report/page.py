"""`report.html`: a run on one page, drawn from its folder alone.

The page is one file without scripts that loads nothing. The same folder gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from toolkit.errors import in_shell
from toolkit.plugin.schema import toml_key, toml_text
from toolkit.recipe.slots import SECTIONS
from toolkit.report import charts, words
from toolkit.runs.atomic import write_text
from toolkit.runs.faults import HISTORY
from toolkit.runs.folder import RunFolder
from toolkit.runs.opened import Run
from toolkit.runs.reading import DamagedFile, read_csv

_ALL_CELLS = 40  # classes; above it the matrix is a picture, and only its full cells are drawn
_TALL = 40  # rows; a longer table scrolls inside its own box


def draw_page(folder: RunFolder, report: Mapping[str, Any] | None = None) -> Path:
    """Write a run's `report.html` and return its path.

    Args:
        report: what `report.json` will hold, while a run is about to finish.

    Raises `RunError` where the run is not finished.
    """
    write_text(folder.page, page_text(folder, report))
    return folder.page


def page_text(folder: RunFolder, report: Mapping[str, Any] | None = None) -> str:
    """The page as text; see `draw_page`."""
    run = Run(folder.path)
    report = report or run.report
    plan, manifest, mistakes, test = run.plan, run.manifest, run.mistakes, run.test_score
    recipe = plan["recipe"]
    room = files("toolkit.report")
    environment = Environment(
        loader=DictLoader({"page": room.joinpath("page.html.jinja").read_text(encoding="utf-8")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "score": words.score_text,
        "seconds": seconds_text,
        "breakable": words.breakable,
    }
    return environment.get_template("page").render(
        css=Markup(room.joinpath("page.css").read_text(encoding="utf-8")),
        folder=folder.path.name,
        score_command=f"toolkit score {in_shell(folder.path.name)}",
        report=report,
        recipe=recipe,
        manifest=manifest,
        date=_date(manifest["created"]),
        test=test,
        mistakes=mistakes,
        measures=words.MEASURES,
        meanings=words.meanings(report),
        score_charts=_score_charts(report, test),
        differences=_differences(report, test),
        variants=_variants(report),
        points=words.weak_points(report, recipe, mistakes, test),
        classes=_class_rows(report, test),
        pairs=_pairs(report),
        cells=_cells(report["confusion"]) if len(report["classes"]) <= _ALL_CELLS else None,
        heat_map=_heat_map(report),
        folds=_fold_curves(folder, report),
        distribution=_distribution(report),
        sections=list(_recipe_sections(recipe, plan.get("origins"))),
        stages=_stages(report["seconds"]),
        tall=_TALL,
        alerts=_alerts(report),
    )


def _alerts(report: Mapping[str, Any]) -> list[str]:
    """What a reader must not miss, counted: `2 warnings`, `1 image set aside`."""
    found = (
        (len(report["warnings"]), "warning", ""),
        (len(report["set_aside"]), "image", " set aside"),
        (len(report.get("trackers_dropped", ())), "tracker", " dropped"),
    )
    return [f"{n} {noun}{'s' * (n != 1)}{behind}" for n, noun, behind in found if n]


def seconds_text(seconds: float) -> str:
    """`8.2 s`, `26 min 26 s`, `3 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _date(created: str) -> str:
    when = datetime.fromisoformat(created)
    return f"{when.day} {when:%B %Y, %H:%M} {when:%Z}".strip()


def _names(report: Mapping[str, Any]) -> list[str]:
    return [row["class"] for row in report["classes"]]


def _variants(report: Mapping[str, Any]) -> dict[str, Any]:
    """The out-of-fold scores beside the clean ones, by name."""
    oof: dict[str, Any] = report["scores"]["oof"]
    return {variant: found for variant, found in oof.items() if variant != "clean" and found}


def _score_charts(report: Mapping[str, Any], test: Mapping[str, Any] | None) -> dict[str, Markup]:
    """One interval chart a measure: out-of-fold, its other variants, the test set."""
    found = {"out-of-fold": (report["scores"]["oof"]["clean"], "oof")}
    for variant, values in _variants(report).items():
        found[f"out-of-fold, {variant}"] = (values, "variant")
    if test is not None:
        found["test"] = (test, "test")
    drawn = {}
    for measure in words.MEASURES:
        marks = [
            charts.Mark(label, values[measure], *_interval(values, measure), kind)
            for label, (values, kind) in found.items()
            if measure in values
        ]
        top = 1.0 if measure != "log_loss" else max(1.0, *(1.1 * mark.high for mark in marks))
        drawn[measure] = charts.interval_chart(marks, top)
    return drawn


def _interval(values: Mapping[str, Any], measure: str) -> tuple[float, float]:
    low, high = values.get("intervals", {}).get(measure, [values[measure]] * 2)
    return low, high


def _differences(report: Mapping[str, Any], test: Mapping[str, Any] | None) -> dict[str, str]:
    oof = report["scores"]["oof"]["clean"]
    if test is None:
        return {}
    return {m: words.difference(m, test[m], oof[m]) for m in words.MEASURES}


def _class_rows(report: Mapping[str, Any], test: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Per-class rows, the weakest first, each with its chart."""
    of_test = {row["class"]: row for row in test["classes"]} if test else {}
    rows = []
    for row in sorted(report["classes"], key=lambda c: (c["f1"], c["class"])):
        also = of_test.get(row["class"])
        test_f1 = also["f1"] if also and also["support"] else None
        chart = charts.class_chart(row["precision"], row["recall"], row["f1"], test_f1)
        rows.append({**row, "chart": chart, "test": also})
    return rows


def _pairs(report: Mapping[str, Any]) -> list[words.Pair]:
    """The pairs worth naming: what happened once only where nothing happened twice."""
    pairs = words.confused_pairs(report["confusion"], _names(report))
    return [pair for pair in pairs if pair.count > 1] or pairs[:3]


def _cells(matrix: Sequence[Sequence[int]]) -> list[list[dict[str, Any]]]:
    """Count and row share of each cell."""
    return [
        [{"count": count, "share": count / sum(row) if sum(row) else 0.0} for count in row]
        for row in matrix
    ]


def _heat_map(report: Mapping[str, Any]) -> Markup | None:
    if len(report["classes"]) <= _ALL_CELLS:
        return None
    return charts.heat_map(report["confusion"], _names(report))


def _fold_curves(folder: RunFolder, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Loss and F1 over the epochs of each fold; no charts where a fold's history is gone."""
    folds = report["scores"]["folds"]
    histories = {}
    for fold in folds:
        with suppress(DamagedFile):
            histories[fold["fold"]] = read_csv(folder.fold(fold["fold"]).history, HISTORY)
    drawn = []
    for fold in folds:
        own = histories.get(fold["fold"])
        pictures = []
        if own is not None and len(own):
            for column, title, kind in (
                ("train_loss", "Training loss", "loss"),
                ("clean_f1", "Macro-F1 on validation", "oof"),
            ):
                curves = {k: _curve(history, column) for k, history in histories.items()}
                pictures.append(
                    charts.curve_chart(
                        curves[fold["fold"]],
                        [curve for k, curve in curves.items() if k != fold["fold"]],
                        _span(curves, from_zero=column == "clean_f1"),
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


def _distribution(report: Mapping[str, Any]) -> dict[str, Any]:
    """Shares of the classes in training and among the predictions, the commonest first."""
    submission = report["submission"]
    if submission is not None:
        rows = [
            {
                "class": c["class"],
                "training": c["training_share"],
                "predicted": c["predicted_share"],
            }
            for c in submission["classes"]
        ]
    else:
        total = report["rows"]["validated"]
        trained = sum(row.get("train", row["support"]) for row in report["classes"])
        rows = [
            {
                "class": row["class"],
                "training": row.get("train", row["support"]) / trained,
                "predicted": row["predicted"] / total,
            }
            for row in report["classes"]
        ]
    top = max(max(row["training"], row["predicted"]) for row in rows)
    for row in rows:
        row["chart"] = charts.bars([("train", row["training"]), ("test", row["predicted"])], top)
    rows.sort(key=lambda row: -row["training"])
    return {"rows": rows, "of_test": submission is not None}


def _recipe_sections(
    recipe: Mapping[str, Any], origins: Mapping[str, str] | None
) -> Iterator[dict[str, Any]]:
    """Key, value and origin of every value, section by section."""

    def rows(values: Mapping[str, Any], at: str) -> list[dict[str, Any]]:
        found = []
        for key, value in values.items():
            path = at + key
            origin = None if origins is None else origins.get(path, "default")
            found.append(
                {
                    "key": toml_key(key),
                    "value": toml_text(value),
                    "origin": origin,
                    "chosen": origin is not None and origin != "default",
                }
            )
        return found

    top = {key: value for key, value in recipe.items() if not isinstance(value, Mapping)}
    yield {"name": None, "rows": rows(top, "")}
    for keys in SECTIONS:
        section: Any = recipe
        for key in keys:
            section = section.get(key, {})
        own = {key: value for key, value in section.items() if (*keys, key) not in SECTIONS}
        if own:
            dotted = ".".join(keys)
            yield {"name": dotted, "rows": rows(own, f"{dotted}.")}


def _stages(seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    """Seconds of each stage, with bars."""
    of_stage = {stage: value for stage, value in seconds.items() if stage != "folds"}
    top = max(of_stage.values())
    return [
        {"stage": stage, "seconds": value, "chart": charts.bars([("oof", value)], top)}
        for stage, value in of_stage.items()
    ]
