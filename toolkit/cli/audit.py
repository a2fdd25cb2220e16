"""`toolkit audit`."""

from __future__ import annotations

import getpass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.options import RunName, RunsFolder

_LISTED = 20


class Ranker(StrEnum):
    """How labels are ranked."""

    auto = "auto"
    cleanlab = "cleanlab"
    self_confidence = "self_confidence"
    normalized_margin = "normalized_margin"


def audit(
    run: RunName = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1, help="Labels on the page; by default 5%, and between 24 and 500 of them."
        ),
    ] = None,
    method: Annotated[
        Ranker,
        typer.Option(help="What ranks them; auto: cleanlab where installed, or self_confidence."),
    ] = Ranker.auto,
    author: Annotated[
        str | None, typer.Option(help="Stands in the patch; by default your login name.")
    ] = None,
    runs: RunsFolder = Path("runs"),
) -> None:
    """Rank the training labels that a run's out-of-fold predictions doubt, and write a page to
    judge them, audit.html, which exports labels.patch.csv for a recipe's [labels]. No data is
    edited."""
    from toolkit.cli.tables import print_table
    from toolkit.plugin.host import load_host
    from toolkit.report.audit import audit_run
    from toolkit.runs.listing import find

    chosen = find(run, runs)
    found = audit_run(
        chosen,
        load_host(),
        top=top,
        method=method.value,
        author=_login() if author is None else author,
    )
    rows = found.ranking.rows
    flagged = int(rows["flagged"].sum())
    typer.echo(
        f"{chosen.path}: {flagged:,} of {len(rows):,} labels are flagged, "
        f"ranked by {found.ranking.method}"
    )
    head = rows.head(min(_LISTED, found.shown))
    print_table(
        ("rank", "id", "given", "suggested", "p given", "p suggested"),
        [
            (f"{row.rank}", row.id, row.given, row.suggested, _p(row.p_given), _p(row.p_suggested))
            for row in head.itertuples(index=False)
        ],
    )
    if found.lacking:
        typer.echo(f"warning: the page lacks pictures: {found.lacking}", err=True)
    typer.echo(f"{found.table}: every label, ranked")
    typer.echo(f"{found.page}: the first {found.shown} to judge; open it in a browser")


def _p(value: object) -> str:
    return f"{value:.3f}"


def _login() -> str:
    """The login name; empty where the system has none for this user."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return ""
