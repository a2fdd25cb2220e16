"""`toolkit forecast`, and the table that it shares with `toolkit score`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from toolkit.cli.options import RunName, RunsFolder


def forecast(run: RunName = None, runs: RunsFolder = Path("runs")) -> None:
    """Forecast a run's accuracy and macro-F1 on its test images, without their labels, from its
    predictions files alone."""
    from toolkit.cli.tables import print_table
    from toolkit.report.forecast import forecast_run
    from toolkit.report.forecast_words import forecast_basis
    from toolkit.report.page import draw_page
    from toolkit.runs.listing import find

    chosen = find(run, runs)
    found = forecast_run(chosen)
    page = draw_page(chosen.folder)
    typer.echo(f"{chosen.path}: forecast for {found['rows']:,} test images, without their labels")
    print_forecast(chosen.report, found)
    print_table(
        ("fold", "accuracy of its out-of-fold rows", "accuracy forecast", "macro-F1 forecast"),
        [
            (
                str(fold["fold"]),
                f"{fold['calibration_accuracy']:.4f}",
                f"{fold['accuracy']:.4f}",
                f"{fold['macro_f1']:.4f}",
            )
            for fold in found["folds"]
        ],
    )
    for line in (*forecast_basis(found), *(f"note: {note}" for note in found["notes"])):
        typer.echo(line)
    typer.echo(f"{chosen.folder.forecast}: every number; {page}: drawn again")
    print_doubts(found)


def print_forecast(
    report: Mapping[str, Any], found: Mapping[str, Any], test: Mapping[str, Any] | None = None
) -> None:
    """Out-of-fold scores of each variant, the forecast, and the truth where it is known."""
    from toolkit.cli.console import interval_text
    from toolkit.cli.tables import print_table

    variants = report["scores"]["oof"]
    head = ("score", *(f"{name} out-of-fold" for name in variants), "forecast", "95% interval")
    print_table(
        head if test is None else (*head, "truth", "truth - forecast"),
        [
            (
                name,
                *(f"{scores[name]:.4f}" for scores in variants.values()),
                f"{found[name]:.4f}",
                interval_text(interval),
                *(
                    ()
                    if test is None
                    else (f"{test[name]:.4f}", f"{test[name] - found[name]:+.4f}")
                ),
            )
            for name, interval in sorted(found["intervals"].items(), reverse=True)
        ],
    )


def print_doubts(found: Mapping[str, Any]) -> None:
    """Why the forecast should not be trusted, a line each; mostly nothing."""
    from toolkit.report.forecast_words import NO_TRUST

    for doubt in found["doubts"]:
        typer.echo(f"warning: {NO_TRUST}: {doubt}", err=True)
