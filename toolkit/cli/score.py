"""`toolkit score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import RunName, RunsFolder

if TYPE_CHECKING:
    from toolkit.runs.opened import Run


def score(
    run: RunName = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV of test labels, in the columns of the submission."),
    ] = None,
    runs: RunsFolder = Path("runs"),
) -> None:
    """Score a run's test predictions where the truth is known, beside its out-of-fold score and
    what was forecast without the truth."""
    from toolkit.cli.console import interval_text, print_table
    from toolkit.cli.forecast import print_doubts, print_forecast
    from toolkit.cli.runs import print_faults
    from toolkit.plugin.host import load_host
    from toolkit.report.metrics import metrics_of
    from toolkit.report.outcome import labels_from_csv, labels_of_source, score_test
    from toolkit.report.page import draw_page
    from toolkit.runs.listing import find

    chosen = find(run, runs)
    host = load_host()
    if labels is None:
        given, origin = labels_of_source(chosen, host)
    else:
        given, origin = labels_from_csv(chosen, labels)
    test = score_test(chosen, given, origin, host)
    oof = chosen.report["scores"]["oof"]
    # Where there are twins, they are what the test images were expected to be.
    expected = oof.get("robust", oof["clean"])
    variants = [oof["clean"]] if "robust" not in oof else [oof["clean"], oof["robust"]]
    heads = ("out-of-fold",) if "robust" not in oof else ("clean out-of-fold", "robust out-of-fold")
    gap = "difference" if "robust" not in oof else "test - robust"
    forecast = _forecast(chosen)
    page = draw_page(chosen.folder)
    some = "" if test["rows"] == test["of"] else f" of {test['of']}"
    typer.echo(f"{chosen.path}: {test['rows']}{some} test images, labels from {origin}")
    print_table(
        ("score", *heads, "test", "95% interval", gap),
        [
            (
                m.name,
                *(f"{found[m.name]:.4f}" for found in variants),
                f"{test[m.name]:.4f}",
                interval_text(test["intervals"][m.name]),
                f"{test[m.name] - expected[m.name]:+.4f}",
            )
            for m in metrics_of(chosen.report)
            if m.name in test
        ],
    )
    if forecast is not None:
        print_forecast(chosen.report, forecast, test)
        print_doubts(forecast)
    for name, reason in test["not_scored"].items():
        typer.echo(f"note: {name} is not scored: {reason}", err=True)
    typer.echo(f"{page}: drawn again")
    print_faults(chosen.folder)


def _forecast(run: Run) -> dict[str, Any] | None:
    """What the run was forecast to score; None where its files no longer tell, which is said."""
    from toolkit.errors import UserError
    from toolkit.report.forecast import forecast_run

    try:
        return run.forecast or forecast_run(run)
    except UserError as error:
        typer.echo(f"note: there is no forecast: {error.lines[0]}", err=True)
        return None
