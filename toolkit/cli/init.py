"""`toolkit init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.errors import DataError, UserError, in_shell

if TYPE_CHECKING:
    from toolkit.check.ask import Chosen, Unclear
    from toolkit.check.recipe import Machine
    from toolkit.check.survey import Survey

Text = str | None


def init(
    data: Annotated[
        Path,
        typer.Argument(help="A folder with images, a .zip or .tar of one, or a table of labels."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The recipe to write; by default NAME.toml."),
    ] = None,
    label: Annotated[
        Text, typer.Option(help="The column of labels; several 0/1 columns: a,b,c.")
    ] = None,
    id_: Annotated[Text, typer.Option("--id", help="The column that names images.")] = None,
    images: Annotated[Text, typer.Option(help="The folder of the training images.")] = None,
    group: Annotated[
        Text, typer.Option(help="The column whose values stay in one fold; none: no groups.")
    ] = None,
    split_column: Annotated[
        Text, typer.Option(help="The column that names splits; none: there are none.")
    ] = None,
    source: Annotated[
        Text, typer.Option(help="What says the labels: csv (a table), folder, names (of files).")
    ] = None,
) -> None:
    """Look at data, say how it is read and why, and write a commented starting recipe."""
    from toolkit.check.ask import Chosen
    from toolkit.check.faults import rare, refused, set_aside
    from toolkit.check.recipe import folds_for, recipe_name, starter_recipe
    from toolkit.check.words import survey_lines
    from toolkit.runs.atomic import write_text

    try:
        str(data).encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"{data}: its name is no text, which no recipe can say; rename it"
        ) from error
    to = Path(f"{recipe_name(_named_after(data))}.toml") if output is None else output
    if to.exists():
        raise UserError(f"{to}: the file exists; choose another name with -o, or remove it")
    if not to.resolve().parent.is_dir():
        raise UserError(f"{to}: there is no such folder")
    found = _surveyed(data, Chosen(label, id_, images, group, split_column, source))
    summary, *lines = survey_lines(found)
    typer.echo(f"{data}: {summary}")
    for line in lines:
        typer.echo(line)
    machine = _machine()
    for line in rare(found, folds_for(found, machine)[0]):
        typer.echo(f"  {line}")
    problems = refused(found)
    if problems:
        raise DataError(*(f"to mend: {line}" for line in problems))
    write_text(to, starter_recipe(recipe_name(to.stem), found, machine))
    aside = set_aside(found)
    for line in aside:
        typer.echo(f"  to mend: {line}")
    if aside:
        typer.echo("  to mend them, or to set them aside: `toolkit run --skip-bad`")
    ready = "" if aside else "ready; "
    typer.echo(f"{to}: written; {ready}try it with `toolkit run {in_shell(to)} --smoke`")


def _named_after(data: Path) -> str:
    """What the recipe is called after: the data's folder, or archive."""
    from toolkit.files.archives import archive_in, stem

    archive = archive_in(data)
    if archive is not None:
        return stem(archive)
    return (data.parent if data.is_file() else data).resolve().name


def _surveyed(data: Path, chosen: Chosen) -> Survey:
    """The survey; what it cannot decide is asked, where somebody is there to answer."""
    from toolkit.check.ask import Unclear
    from toolkit.check.survey import survey

    while True:
        try:
            return survey(data, chosen)
        except Unclear as unclear:
            if not (sys.stdin.isatty() and sys.stdout.isatty()):
                raise
            chosen = chosen.with_answer(unclear.option, _asked(unclear))


def _asked(unclear: Unclear) -> str:
    typer.echo(f"{unclear.question}:")
    for number, choice in enumerate(unclear.choices, 1):
        typer.echo(f"  {number}  {choice.answer}    {choice.means}")
    number = 0
    while not 0 < number <= len(unclear.choices):
        number = typer.prompt("Which? (a number)", type=int)
    return unclear.choices[number - 1].answer


def _machine() -> Machine:
    import psutil
    import torch

    from toolkit.check.recipe import Machine
    from toolkit.plugin.host import load_host

    lite = load_host().registry.get("backbone", "lite.efficientnet_lite0") is not None
    gpu = None
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0).total_memory / 1e9
    return Machine(gpu, psutil.virtual_memory().total / 1e9, lite)
