"""`toolkit init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.errors import UserError, in_shell

if TYPE_CHECKING:
    from toolkit.data.starter import Machine


def init(
    data: Annotated[Path, typer.Argument(help="A folder with images, or a CSV of labels.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The recipe to write; by default NAME.toml."),
    ] = None,
) -> None:
    """Look at data and write a commented starting recipe fitted to it."""
    from toolkit.data.starter import recipe_name, starter_recipe
    from toolkit.data.survey import survey
    from toolkit.runs.atomic import write_text

    try:
        str(data).encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"{data}: its name is no text, which no recipe can say; rename it"
        ) from error
    folder = data.parent if data.is_file() else data
    to = Path(f"{recipe_name(folder.resolve().name)}.toml") if output is None else output
    if to.exists():
        raise UserError(f"{to}: the file exists; choose another name with -o, or remove it")
    if not to.resolve().parent.is_dir():
        raise UserError(f"{to}: there is no such folder")
    found = survey(data)
    write_text(to, starter_recipe(recipe_name(to.stem), found, _machine()))
    table = found.table
    typer.echo(
        f"{data}: source {found.source['use']}, {len(table.train)} training images, "
        f"{len(table.classes)} classes, "
        f"{'no' if table.test is None else len(table.test)} test images"
    )
    for key in ("group_column", "parent_column"):
        if key in found.source:
            typer.echo(f"  {key} = {found.source[key]}")
    for column, values in found.repeating.items():
        typer.echo(f"  the column {column} repeats ({values} values): a group? see the recipe")
    for problem in table.problems:
        typer.echo(f"  to mend: {problem}")
    typer.echo(f"{to}: written; try it with `toolkit run {in_shell(to)} --smoke`")


def _machine() -> Machine:
    import psutil
    import torch

    from toolkit.data.starter import Machine
    from toolkit.plugin.host import load_host

    lite = load_host().registry.get("backbone", "lite.efficientnet_lite0") is not None
    gpu = None
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0).total_memory / 1e9
    return Machine(gpu, psutil.virtual_memory().total / 1e9, lite)
