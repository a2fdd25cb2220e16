"""`toolkit data`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.options import Overrides, RecipePath, Verify, parse_overrides
from toolkit.errors import UserError

if TYPE_CHECKING:
    from toolkit.report.overview import Overview

_CLASSES = 50  # of more, the most frequent and the rarest are shown


def data(
    recipe: RecipePath,
    set_: Overrides = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            help="The contact sheet to write, a PNG; by default NAME-data.png, written anew.",
        ),
    ] = None,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Set unreadable training images aside and go on."),
    ] = False,
    verify: Verify = False,
) -> None:
    """Show what a recipe reads: classes, groups, first rows, a contact sheet, the submission's
    head. The checks are those of a run; nothing trains."""
    from toolkit.cli.console import Console
    from toolkit.plugin.host import load_host
    from toolkit.recipe.load import load_recipe
    from toolkit.recipe.planner import make_plan

    host = load_host()
    plan = make_plan(load_recipe(recipe, parse_overrides(set_), host), host)
    file = Path(f"{plan.name}-data.png") if sheet is None else sheet
    if file.suffix.lower() != ".png":
        raise UserError(f"{file}: the contact sheet is a PNG; name it so")
    if not file.resolve().parent.is_dir():
        raise UserError(f"{file}: there is no such folder")

    from toolkit.report.overview import look
    from toolkit.report.sheet import draw_sheet

    with Console() as console:
        found = look(plan, console.notify, skip_bad=skip_bad, verify=verify)
    shown = draw_sheet(found.data, file)
    _print(plan.name, found)
    typer.echo(f"{file}: contact sheet, a row a class in this order{_rest(found, shown)}")


def _print(name: str, found: Overview) -> None:
    from toolkit.cli.console import counted, print_table
    from toolkit.data.given import held_out

    table = found.data.table
    held = int(held_out(table.train).sum())
    train = counted(len(table.train) - held, "image") + " to train on"
    train += f", {held:,} to validate on" if held else ""
    test = "none to predict" if table.test is None else f"{len(table.test):,} to predict"
    typer.echo(f"{name}: {train}, {test}, {len(table.classes)} classes")
    for key, reason in found.data.set_aside:
        typer.echo(f"  set aside: {key} ({reason})")
    _print_classes(found)
    typer.echo(_groups(found))
    typer.echo(_validated(found))
    typer.echo("first training rows:")
    print_table(tuple(found.head.columns), [tuple(map(str, row)) for row in found.head.to_numpy()])
    if found.submission:
        typer.echo("the submission's first lines, with made-up predictions:")
        for line in found.submission:
            typer.echo(f"  {line}")


def _validated(found: Overview) -> str:
    from toolkit.data.given import HELD_OUT

    sizes = ", ".join(f"{size:,}" for size in found.folds)
    train = found.data.table.train
    if HELD_OUT in train:
        others = int((~train[HELD_OUT]).sum())
        return f"the given split of {sizes} images validates; the other {others:,} train"
    return f"folds of {sizes} images"


def _print_classes(found: Overview) -> None:
    from toolkit.cli.console import print_table

    head: tuple[str, ...] = ("row", "class", "in submissions", "images", "share", "groups")
    total = sum(images for _, _, images, _ in found.classes)
    ordered = list(enumerate(found.classes))
    if len(ordered) > _CLASSES:
        ordered.sort(key=lambda one: -one[1][2])
        left = len(ordered) - _CLASSES
        typer.echo(f"the most frequent and the rarest classes, without {left} in between:")
        ordered = ordered[: _CLASSES // 2] + ordered[-(_CLASSES // 2) :]
    rows: list[tuple[str, ...]] = [
        (f"{label + 1}", name, written, f"{images:,}", f"{images / total:.1%}", f"{groups:,}")
        for label, (name, written, images, groups) in ordered
    ]
    if not any(written for _, written, _, _ in found.classes):  # nothing to say
        head = (*head[:2], *head[3:])
        rows = [(*row[:2], *row[3:]) for row in rows]
    print_table(head, rows)


def _groups(found: Overview) -> str:
    copies = f"; {found.copies:,} rows were made from others" if found.copies else ""
    if not found.groups:
        return f"no groups: every image is a unit of its own{copies}"
    largest = f"the largest of {found.groups[0]:,} images"
    return f"{len(found.groups):,} groups of more than one image, {largest}{copies}"


def _rest(found: Overview, shown: list[str]) -> str:
    drawn = len(shown) - (found.data.test_rows is not None)
    left = len(found.classes) - drawn
    test = ", and one of test images" if found.data.test_rows is not None else ""
    return f" (the first {drawn} of {drawn + left} classes){test}" if left else test
