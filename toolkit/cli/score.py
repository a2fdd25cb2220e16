"""`toolkit score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.options import RunName, RunsFolder


def score(
    run: RunName = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV of test labels, in the columns of the submission."),
    ] = None,
    runs: RunsFolder = Path("runs"),
) -> None:
    """Score a run's test predictions, beside its out-of-fold score, where the truth is known."""
    from toolkit.cli.console import interval_text, print_table
    from toolkit.cli.runs import print_faults
    from toolkit.plugin.host import load_host
    from toolkit.report.metrics import metrics_of
    from toolkit.report.outcome import labels_from_csv, labels_of_source, score_test
    from toolkit.report.page import draw_page
    from toolkit.runs.listing import find

    chosen = find(run, runs)
    host = load_host()
    if labels is None:
        found, origin = labels_of_source(chosen, host)
    else:
        found, origin = labels_from_csv(chosen, labels)
    test = score_test(chosen, found, origin, host)
    oof = chosen.report["scores"]["oof"]["clean"]
    page = draw_page(chosen.folder)
    some = "" if test["rows"] == test["of"] else f" of {test['of']}"
    typer.echo(f"{chosen.path}: {test['rows']}{some} test images, labels from {origin}")
    print_table(
        ("score", "out-of-fold", "test", "95% interval", "difference"),
        [
            (
                m.name,
                f"{oof[m.name]:.4f}",
                f"{test[m.name]:.4f}",
                interval_text(test["intervals"][m.name]),
                f"{test[m.name] - oof[m.name]:+.4f}",
            )
            for m in metrics_of(chosen.report)
            if m.name in test
        ],
    )
    for name, reason in test["not_scored"].items():
        typer.echo(f"note: {name} is not scored: {reason}", err=True)
    typer.echo(f"{page}: drawn again")
    print_faults(chosen.folder)
