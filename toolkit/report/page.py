"""`report.html`: a run on one page, drawn from its folder alone.

The page is one file without scripts that loads nothing. The same folder gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from toolkit.errors import in_shell
from toolkit.plugin.schema import toml_key, toml_text
from toolkit.recipe.slots import SECTIONS
from toolkit.report import charts, words
from toolkit.report.forecast_words import NO_TRUST, forecast_basis, held_against
from toolkit.report.metrics import metrics_of
from toolkit.report.pictures import (
    differences_of,
    fold_curves,
    forecast_charts,
    score_charts,
    variants_of,
)
from toolkit.report.template import rendered
from toolkit.runs.atomic import write_text
from toolkit.runs.folder import RunFolder
from toolkit.runs.opened import Run

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
    forecast = _forecast(run, report)
    recipe = plan["recipe"]
    facts = {
        "folder": folder.path.name,
        "score_command": f"toolkit score {in_shell(folder.path.name)}",
        "report": report,
        "recipe": recipe,
        "manifest": manifest,
        "date": _date(manifest["created"]),
        "test": test,
        "forecast": forecast,
        "forecast_charts": {} if forecast is None else forecast_charts(report, forecast, test),
        "forecast_basis": [] if forecast is None else forecast_basis(forecast),
        "held_against": {} if forecast is None else held_against(forecast, test),
        "no_trust": NO_TRUST,
        "mistakes": mistakes,
        "measures": metrics_of(report),
        "meanings": words.meanings(report),
        "score_charts": score_charts(report, test),
        "differences": differences_of(report, test),
        "variants": variants_of(report),
        "points": words.weak_points(report, recipe, mistakes, test),
        "classes": _class_rows(report, test),
        "pairs": _pairs(report),
        "cells": _cells(report["confusion"]) if len(report["classes"]) <= _ALL_CELLS else None,
        "heat_map": _heat_map(report),
        "folds": fold_curves(folder, report),
        "distribution": _distribution(report),
        "sections": list(_recipe_sections(recipe, plan.get("origins"))),
        "stages": _stages(report["seconds"]),
        "tall": _TALL,
        "alerts": _alerts(report),
    }
    return rendered("toolkit.report", facts)


def _forecast(run: Run, report: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What `toolkit forecast` wrote; or the run itself, whose report may not be written yet."""
    found: Mapping[str, Any] | None = report.get("forecast")
    return run.forecast if run.folder.forecast.is_file() else found


def _alerts(report: Mapping[str, Any]) -> list[str]:
    """What a reader must not miss, counted: `2 warnings`, `1 image set aside`."""
    found = (
        (len(report["warnings"]), "warning", ""),
        (len(report["set_aside"]), "image", " set aside"),
        (len(report.get("trackers_dropped", ())), "tracker", " dropped"),
    )
    return [f"{n} {noun}{'s' * (n != 1)}{behind}" for n, noun, behind in found if n]


def _date(created: str) -> str:
    when = datetime.fromisoformat(created)
    return f"{when.day} {when:%B %Y, %H:%M} {when:%Z}".strip()


def _names(report: Mapping[str, Any]) -> list[str]:
    return [row["class"] for row in report["classes"]]


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
