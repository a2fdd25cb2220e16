"""`toolkit check`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.options import Overrides, RecipePath, parse_overrides
from toolkit.errors import UserError

if TYPE_CHECKING:
    from toolkit.check.doctor import Checkup

_TELLING = 8  # features of a shift that are shown


def check(
    recipe: RecipePath,
    set_: Overrides = None,
    page: Annotated[
        Path | None,
        typer.Option("--page", help="The page to write; by default NAME-check.html, written anew."),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
) -> None:
    """Look for what spoils scores: leaks, near-duplicates, contradicting labels, spurious links,
    and test images that are unlike the training images. Nothing trains, nothing is changed."""
    from toolkit.check.doctor import examine
    from toolkit.cli.console import Console
    from toolkit.data.cache import cache_folder
    from toolkit.plugin.host import load_host
    from toolkit.recipe.load import load_recipe
    from toolkit.recipe.planner import make_plan
    from toolkit.report.checkup import draw_checkup

    host = load_host()
    plan = make_plan(load_recipe(recipe, parse_overrides(set_), host), host)
    file = Path(f"{plan.name}-check.html") if page is None else page
    if file.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"{file}: the page is HTML; name it so")
    if not file.resolve().parent.is_dir():
        raise UserError(f"{file}: there is no such folder")
    with Console() as console:
        found = examine(plan, cache_folder(), console.notify)
    draw_checkup(found, plan, file)
    _print(plan.name, found)
    typer.echo(f"{file}: the same, with pictures")
    if open_ and not webbrowser.open(file.resolve().as_uri()):
        raise UserError(f"{file}: no browser was found here; open the file yourself")


def _print(name: str, found: Checkup) -> None:
    from toolkit.check.measure import MEASURES, shown
    from toolkit.check.patch import patch_text
    from toolkit.cli.tables import print_table

    table = found.table
    test = "none to predict" if table.test is None else f"{len(table.test):,} to predict"
    grave = "nothing grave" if not found.grave else f"{found.grave} grave"
    typer.echo(
        f"{name}: {len(table.train):,} images to train on, {test}, {len(table.classes)} classes; "
        f"{grave}"
    )
    print_table(
        ("", "about", "found"), [(_MARKS[f.weight], f.about, f.text) for f in found.findings]
    )
    telling = [] if found.shift is None else found.shift.suffers[:_TELLING]
    if telling:
        typer.echo("what tells test images from training images:")
        print_table(
            ("measure", "training", "test", "test images are"),
            [
                (
                    MEASURES[told.name].title,
                    shown(told.name, told.train),
                    shown(told.name, told.test),
                    told.words,
                )
                for told in telling
            ],
        )
    if found.patch:
        typer.echo("proposed for the recipe:")
        for line in patch_text(found.patch).splitlines():
            typer.echo(f"  {line}" if line else "")


_MARKS = {"grave": "GRAVE", "note": "note", "good": "ok"}
