"""`toolkit augment`."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.options import Overrides, RecipePath, Verify, parse_overrides
from toolkit.errors import UserError


def augment(
    recipe: RecipePath,
    set_: Overrides = None,
    preview: Annotated[
        Path | None,
        typer.Option(
            "--preview",
            help="Write a contact sheet instead, a PNG: originals, and what the recipe's "
            "augmentations and twins make of them.",
        ),
    ] = None,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Set unreadable training images aside and go on."),
    ] = False,
    verify: Verify = False,
) -> None:
    """Draw the copies of [augment.offline] into the cache, on all cores, where a run finds them; or
    look at what a recipe's augmentations do. Nothing trains."""
    from toolkit.cli.console import Console
    from toolkit.plugin.host import load_host
    from toolkit.recipe.load import load_recipe
    from toolkit.recipe.planner import make_plan

    host = load_host()
    plan = make_plan(load_recipe(recipe, parse_overrides(set_), host), host)
    if preview is not None and preview.suffix.lower() != ".png":
        raise UserError(f"{preview}: the contact sheet is a PNG; name it so")
    if preview is not None and not preview.resolve().parent.is_dir():
        raise UserError(f"{preview}: there is no such folder")
    if preview is None and plan.offline is None:
        raise UserError(
            f"{plan.path}: has no [augment.offline], so that there are no copies to draw; "
            "--preview OUT.png shows its other augmentations"
        )

    from toolkit.data.assignment import assign_folds
    from toolkit.data.cache import cache_folder
    from toolkit.data.check import check_plan_data
    from toolkit.data.copies import offline_copies
    from toolkit.data.rare import table_for

    with Console() as console:
        table = table_for(plan, console.notify)
        data = check_plan_data(
            plan, table, cache_folder(), console.notify, skip_bad=skip_bad, verify=verify
        )
        if preview is not None:
            from toolkit.report.preview import draw_preview

            shown = draw_preview(plan, data, preview)
            typer.echo(f"{preview}: {', '.join(shown.sections)}; of {', '.join(shown.originals)}")
            return
        started = time.perf_counter()
        cut = partial(assign_folds, data.table, plan.folds, plan.split.seed)
        copies = offline_copies(plan, data, cut, console.notify)
    if copies is None:
        typer.echo(f"{plan.name}: no class lacks a copy (augment.offline.balance_to)")
        return
    each = (copies.rows >= 0).sum(axis=1)
    originals = int((data.table.train["parent"] == data.table.train["id"]).sum())
    seconds = time.perf_counter() - started
    typer.echo(
        f"{plan.name}: {int(each.sum()):,} copies of {int((each > 0).sum()):,} of {originals:,} "
        f"originals ({seconds:.1f} s), in {copies.pack.path.parent}"
    )
