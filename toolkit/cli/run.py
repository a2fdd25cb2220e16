"""`toolkit run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.options import (
    Address,
    On,
    Overrides,
    RecipePath,
    Verify,
    Workers,
    executed,
    parse_overrides,
)

SET_ASIDE = 3


def run(
    recipe: RecipePath,
    set_: Overrides = None,
    runs: Annotated[Path, typer.Option(help="Where run folders are.")] = Path("runs"),
    again: Annotated[bool, typer.Option("--again", help="Run a finished plan anew.")] = False,
    smoke: Annotated[
        bool,
        typer.Option("--smoke", help="Pass every stage on a handful of images; keep no run."),
    ] = False,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Set unreadable training images aside and go on."),
    ] = False,
    verify: Verify = False,
    workers: Workers = None,
    on: On = None,
    address: Address = None,
    fold: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Train this fold alone, counted from 0; several commands at once may train one "
            "each, on machines that share the run folder.",
        ),
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="End a run whose folds are trained by --fold.")
    ] = False,
) -> None:
    """Run a recipe: folds, models, predictions, submission, report. Resumes what was begun."""
    from toolkit.plugin.host import load_host
    from toolkit.recipe.load import load_recipe
    from toolkit.recipe.plan import smoke_overrides
    from toolkit.recipe.planner import make_plan
    from toolkit.train.process import set_up_process

    set_up_process()  # before anything imports torch; the run says what was chosen
    # Planned before the pipeline is imported: a mistake in a recipe shows without torch's start.
    host = load_host()
    overrides = parse_overrides(set_) | executed(host, workers, on, address)
    plan = make_plan(load_recipe(recipe, overrides, host), host)
    if smoke:
        overrides |= smoke_overrides(plan)
        plan = make_plan(load_recipe(recipe, overrides, host), host)

    from toolkit import pipeline
    from toolkit.cli.console import Console
    from toolkit.train.part import Part

    with Console() as console:
        if smoke:
            report = pipeline.smoke_plan(plan, skip_bad=skip_bad, notify=console.notify)
            path = None
        else:
            done = pipeline.run_plan(
                plan,
                runs=runs,
                again=again,
                skip_bad=skip_bad,
                verify=verify,
                part=Part(fold, join),
                notify=console.notify,
            )
            if fold is not None and not done.folder.finished:
                return
            report, path = done.report, done.path
    if path is None:
        console.smoke_summary(report)
    else:
        console.summary(report, path)
    if report["set_aside"] or report.get("trackers_dropped"):
        raise typer.Exit(SET_ASIDE)
