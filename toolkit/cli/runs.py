"""`toolkit runs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import RunName, RunsFolder

if TYPE_CHECKING:
    from toolkit.runs.folder import RunFolder

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
    head = ("run", "state", "backbone", "loss", "oof macro_f1", "95% interval", "test", "time")
    print_table(head, [_row(folder) for folder in folders])


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
        f"{recipe['image']['size']} px, {counted(recipe['split']['folds'], 'fold')}, "
        f"{counted(recipe['train']['epochs'], 'epoch')}"
    )
    if not folder.finished:
        done = [n for n in range(recipe["split"]["folds"]) if folder.fold(n).done.is_file()]
        typer.echo(f"{len(done)} of {recipe['split']['folds']} folds are finished")
        return
    Console().summary(chosen.report, chosen.path)
    if folder.test_score.is_file():
        test = _json(folder.test_score)
        typer.echo(
            f"test macro_f1 {test['macro_f1']:.4f} on {test['rows']} images, labels from "
            f"{test['labels']}"
        )


def _row(folder: RunFolder) -> tuple[str, ...]:
    from toolkit.runs.listing import state

    recipe = _json(folder.plan)["recipe"]
    chosen = (folder.path.name, state(folder), recipe["backbone"]["use"], recipe["loss"]["use"])
    if not folder.finished:
        return (*chosen, "", "", "", "")
    report = _json(folder.report)
    clean = report["scores"]["oof"]["clean"]
    test = f"{_json(folder.test_score)['macro_f1']:.4f}" if folder.test_score.is_file() else ""
    low, high = clean["intervals"]["macro_f1"]
    minutes, seconds = divmod(round(report["seconds"]["folds"]), 60)
    return (
        *chosen,
        f"{clean['macro_f1']:.4f}",
        f"{low:.4f} - {high:.4f}",
        test,
        f"{minutes}:{seconds:02d}",
    )


def _json(file: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return values
