"""`toolkit report`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.options import RunName, RunsFolder
from toolkit.errors import UserError


def report(
    run: RunName = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to another file.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    runs: RunsFolder = Path("runs"),
) -> None:
    """Draw a run's report.html again, from its folder alone: no data and no model is needed."""
    from toolkit.cli.runs import print_faults
    from toolkit.report.page import draw_page, page_text
    from toolkit.runs.atomic import write_text
    from toolkit.runs.listing import find

    folder = find(run, runs).folder
    if output is None:
        page = draw_page(folder)
    else:
        if not output.parent.is_dir():
            raise UserError(f"{output}: there is no folder {output.parent}")
        if output.is_dir():
            raise UserError(f"{output}: is a folder; name a file, {output / 'report.html'}")
        page = output
        write_text(page, page_text(folder))
    typer.echo(page)
    print_faults(folder)
    if open_ and not webbrowser.open(page.resolve().as_uri()):
        raise UserError(f"{page}: no browser was found here; open the file yourself")
