"""`toolkit runs`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import RunName, RunsFolder
from toolkit.cli.run import SET_ASIDE

if TYPE_CHECKING:
    from toolkit.runs.folder import RunFolder

_ROBUST = 6
"""The column of the robust score, which is shown where a run has one."""

app = typer.Typer(help="Runs: list them, or show one.", invoke_without_command=True)


@app.callback()
def list_runs(
    context: typer.Context,
    runs: Annotated[Path, typer.Option("--runs", help="Where run folders are.")] = Path("runs"),
) -> None:
    """List the runs: recipe, scores, time and state, the newest first."""
    if context.invoked_subcommand is not None:
        return
    from toolkit.cli.console import print_table
    from toolkit.runs.listing import run_folders

    folders = run_folders(runs)
    if not folders:
        typer.echo(f"{runs}: holds no runs")
        return
    damages: list[str] = []
    head = ["run", "state", "backbone", "loss", "oof macro_f1", "95% interval", "robust", "test"]
    rows = [list(_row(folder, damages)) for folder in folders]
    if not any(row[_ROBUST] for row in rows):  # no run has twins
        for row in (head, *rows):
            del row[_ROBUST]
    print_table([*head, "time"], rows)
    for damage in damages:
        typer.echo(f"set aside: {damage}", err=True)
    if damages:
        raise typer.Exit(SET_ASIDE)


@app.command("show")
def show(run: RunName = None, runs: RunsFolder = Path("runs")) -> None:
    """Show a run: where it stands, its scores, and its files."""
    from toolkit.cli.console import Console, counted
    from toolkit.runs.listing import find, state

    chosen = find(run, runs)
    folder, recipe = chosen.folder, chosen.plan["recipe"]
    typer.echo(f"{chosen.path}: {state(folder)}, plan {chosen.plan['hash']}")
    typer.echo(
        f"backbone {recipe['backbone']['use']}, loss {recipe['loss']['use']}, "
        f"{recipe['image']['size']} px, {_folds(recipe)}, "
        f"{counted(recipe['train']['epochs'], 'epoch')}"
    )
    if not folder.finished:
        folds = _count(recipe)
        done = [n for n in range(folds) if folder.fold(n).done.is_file()]
        typer.echo(f"{len(done)} of {folds} folds are finished")
        return
    Console().summary(chosen.report, chosen.path)
    test = chosen.test_score
    if test is not None:
        from toolkit.report.metrics import metrics_of

        name = next(m.name for m in metrics_of(chosen.report) if m.name in test)
        typer.echo(
            f"test {name} {test[name]:.4f} on {test['rows']} images, labels from {test['labels']}"
        )
    print_faults(folder)


def _count(recipe: Mapping[str, Any]) -> int:
    """Folds of a resolved recipe; a given split is one."""
    return 1 if recipe["split"].get("given") else int(recipe["split"]["folds"])


def _folds(recipe: Mapping[str, Any]) -> str:
    from toolkit.cli.console import counted

    given = recipe["split"].get("given")
    return f'the given split "{given}"' if given else counted(_count(recipe), "fold")


def print_faults(folder: RunFolder) -> None:
    """A line for each file of a finished run that is gone or damaged, with the way out."""
    from toolkit.runs.faults import faults

    for fault in faults(folder):
        typer.echo(f"note: {fault}", err=True)


def _row(folder: RunFolder, damages: list[str]) -> tuple[str, ...]:
    """The row of a run; what cannot be read of it stays blank, and its line goes to `damages`."""
    from toolkit.runs.listing import DAMAGED, state
    from toolkit.runs.opened import Run
    from toolkit.runs.reading import DamagedFile

    run = Run(folder.path)
    name, stands = folder.path.name, state(folder)
    if not folder.finished and not folder.plan.is_file():  # it began a moment ago
        return (name, stands, *[""] * 7)
    try:
        recipe = run.plan["recipe"]
        chosen = (recipe["backbone"]["use"], recipe["loss"]["use"])
    except DamagedFile as damage:
        damages.append(str(damage))
        chosen = ("", "")
    if not folder.finished:
        return (name, stands if chosen[0] else DAMAGED, *chosen, *[""] * 5)
    try:
        report = run.report
    except DamagedFile as damage:
        damages.append(str(damage))
        return (name, DAMAGED, *chosen, *[""] * 5)
    try:
        test = run.test_score
    except DamagedFile as damage:
        damages.append(str(damage))
        test = None
    clean, robust = (report["scores"]["oof"].get(variant) for variant in ("clean", "robust"))
    low, high = clean["intervals"]["macro_f1"]
    minutes, seconds = divmod(round(report["seconds"]["folds"]), 60)
    return (
        name,
        stands,
        *chosen,
        f"{clean['macro_f1']:.4f}",
        f"{low:.4f} - {high:.4f}",
        "" if robust is None else f"{robust['macro_f1']:.4f}",
        "" if test is None else f"{test['macro_f1']:.4f}",
        f"{minutes}:{seconds:02d}",
    )
