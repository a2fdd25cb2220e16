"""`toolkit tune`."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.options import Overrides, RunsFolder, Verify, parse_overrides
from toolkit.cli.run import SET_ASIDE
from toolkit.errors import RunError, UserError

_TRIALS = 20
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def tune(
    recipe: Annotated[
        str | None,
        typer.Argument(help="A TOML file, or toolkit:NAME; without one, the latest run's."),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials of the study in all.  [default: 20]")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option(help="Start no trial after this: 90s, 30m, 2h, 1d.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that share the threads, or a GPU each.")
    ] = 1,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Share the study: postgresql://..., redis://... or journal:FILE.",
        ),
    ] = None,
    set_: Overrides = None,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Set unreadable training images aside and go on."),
    ] = False,
    verify: Verify = False,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Show a study in optuna-dashboard; train nothing.")
    ] = False,
    runs: RunsFolder = Path("runs"),
) -> None:
    """Search a recipe's [tune.space] for a better score. Resumes what was begun."""
    if dashboard:
        _dashboard(runs, storage)
        return
    seconds = None if timeout is None else _seconds(timeout)
    if trials is None and timeout is None:
        trials = _TRIALS

    from toolkit.plugin.host import load_host
    from toolkit.recipe.load import load_recipe
    from toolkit.recipe.planner import make_plan
    from toolkit.train.waiting import waiting

    waiting()  # before anything imports torch; the study says what was chosen
    # Planned before the search is imported: a mistake in the space shows without torch's start.
    host, overrides = load_host(), parse_overrides(set_)
    name = _recipe_of_the_latest_run(runs) if recipe is None else recipe
    plan = make_plan(load_recipe(name, overrides, host), host)

    from toolkit.cli.tune_console import TuneConsole
    from toolkit.tune.bench import Question
    from toolkit.tune.tune import Asked, tune

    asked = Asked(trials, seconds, workers, storage, skip_bad, verify)
    with TuneConsole() as console:
        folder = tune(
            Question(name, overrides), plan, host, asked=asked, runs=runs, notify=console.notify
        )
    if console.summary(folder.path):
        raise typer.Exit(SET_ASIDE)


def _recipe_of_the_latest_run(runs: Path) -> str:
    from toolkit.runs.listing import find

    return str(find(None, runs).folder.recipe)


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if match is None:
        raise UserError(f"--timeout {text}: write a number and a unit: 90s, 30m, 2h, 1d")
    return float(match.group(1)) * _UNITS[match.group(2)]


def _dashboard(runs: Path, storage: str | None) -> None:
    from toolkit.tune.folder import latest_study, read_json
    from toolkit.tune.storage import with_driver

    if storage is None:
        folder = latest_study(runs)
        if folder is None:
            raise RunError(f"{runs}: holds no study; make one with `toolkit tune RECIPE`")
        storage = read_json(folder.facts)["storage"] or str(folder.journal)
    place = storage.removeprefix("journal:")
    program = shutil.which("optuna-dashboard")
    if program is None:
        raise UserError(
            f"optuna-dashboard is not installed: pip install optuna-dashboard; it shows {place}"
        )
    subprocess.run([program, with_driver(place)], check=False)
