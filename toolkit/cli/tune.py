"""`toolkit tune`."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.options import (
    Address,
    On,
    Overrides,
    RunsFolder,
    Verify,
    Workers,
    executed,
    parse_overrides,
)
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
        int | None,
        typer.Option(
            min=1,
            help="Trials of the study in all, complete or stopped early.  [default: 20]",
        ),
    ] = None,
    timeout: Annotated[
        str | None, typer.Option(help="Start no trial after this: 90s, 30m, 2h, 1d.")
    ] = None,
    workers: Workers = None,
    on: On = None,
    address: Address = None,
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="TOOLKIT_STORAGE",
            help="Share the study: postgresql://..., redis://... or journal:FILE. Its password is "
            "never kept; in the variable it is on no command line either.",
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
    """Search a recipe's [tune.space] for a better score. Resumes what was begun.

    A trial that fails is listed with its reason (exit code 3), and others are tried in its place;
    ten failures in a row end the search."""
    if dashboard:
        _dashboard(runs, storage)
        return
    seconds = None if timeout is None else _seconds(timeout)
    if trials is None and timeout is None:
        trials = _TRIALS

    from toolkit.plugin.host import load_host
    from toolkit.recipe.load import load_recipe
    from toolkit.recipe.planner import make_plan
    from toolkit.train.process import set_up_process

    set_up_process()  # before anything imports torch; the study says what was chosen
    # Planned before the search is imported: a mistake in the space shows without torch's start.
    host = load_host()
    overrides = parse_overrides(set_)
    if on is not None or address is not None:
        overrides |= executed(host, workers, on, address)
    name = _recipe_of_the_latest_run(runs) if recipe is None else recipe
    plan = make_plan(load_recipe(name, overrides, host), host)

    from toolkit.cli.tune_console import TuneConsole
    from toolkit.tune.asked import Asked
    from toolkit.tune.guard import guarded_tune

    asked = Asked(
        trials,
        seconds,
        workers or plan.execute.resources(1).workers or 1,
        storage,
        skip_bad,
        verify,
    )
    with TuneConsole() as console:
        folder = guarded_tune(name, overrides, asked, runs, console.notify)
    if console.summary(folder):
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
    from importlib import import_module
    from importlib.util import find_spec

    from toolkit.runs.address import HIDDEN, has_secrets, without_secrets
    from toolkit.runs.reading import read_json
    from toolkit.tune.folder import latest_study
    from toolkit.tune.storage import with_driver

    if storage is None:
        folder = latest_study(runs)
        if folder is None:
            raise RunError(f"{runs}: holds no study; make one with `toolkit tune RECIPE`")
        way_out = "the `toolkit tune` that made the study writes it again"
        asked = read_json(folder.facts, way_out, keys=["storage"])
        storage = asked["storage"] or str(folder.journal)
        if HIDDEN in storage:
            raise UserError(
                f"{folder.path}: its storage is {storage}, without the password that is never "
                "kept; name it with --storage or in TOOLKIT_STORAGE"
            )
    place = storage.removeprefix("journal:")
    program = shutil.which("optuna-dashboard")
    if program is None:
        raise UserError(
            "optuna-dashboard is not installed: pip install optuna-dashboard; it shows "
            f"{without_secrets(place)}"
        )
    if not has_secrets(storage):
        subprocess.run([program, with_driver(place)], check=False)
    elif find_spec("optuna_dashboard") is None:
        raise UserError(
            f"{program} takes a password on its command line only, where others read it; "
            "pip install optuna-dashboard beside toolkit"
        )
    else:
        import_module("optuna_dashboard").run_server(with_driver(place))
