"""`toolkit recipes`, `validate`, `show`, `schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.options import Overrides, RecipePath, parse_overrides
from toolkit.errors import PluginError, UserError, in_shell

app = typer.Typer(
    help="Recipes in the box and of plugins: list or copy them.", invoke_without_command=True
)


@app.callback()
def list_recipes(context: typer.Context) -> None:
    """List the recipes in the box, and those of plugins."""
    if context.invoked_subcommand is not None:
        return
    from toolkit.cli.console import print_table
    from toolkit.plugin.host import load_host
    from toolkit.recipe.shipped import plugin_recipes, shipped_recipes, summary

    rows = [(name, summary(file)) for name, file in shipped_recipes().items()]
    missing = []
    for folder in load_host().recipes:
        try:
            found = plugin_recipes(folder)
        except PluginError as error:
            missing.append(f"{folder.plugin} ({folder.package}): {error}")
        else:
            rows += [(f"{folder.plugin}:{name}", summary(file)) for name, file in found.items()]
    print_table(("recipe", "what it is for"), rows)
    for line in missing:
        typer.echo(f"set aside: {line}")


@app.command("copy")
def copy(
    name: Annotated[str, typer.Argument(help="A recipe of `toolkit recipes`: cpu, acme:pages.")],
    to: Annotated[Path, typer.Argument(help="The file to write.")],
) -> None:
    """Copy a recipe, to change it."""
    from toolkit.recipe.shipped import copy_recipe

    copy_recipe(name, to)
    typer.echo(f"{to}: copied from {name}; check it with `toolkit validate {in_shell(to)}`")


def validate(
    recipes: Annotated[list[str], typer.Argument(help="TOML files, toolkit:NAME or PLUGIN:NAME.")],
    set_: Overrides = None,
) -> None:
    """Check recipes without running them: every mistake, with file and line."""
    from toolkit.cli.console import counted
    from toolkit.plugin.host import load_host
    from toolkit.recipe.load import load_recipe
    from toolkit.recipe.planner import make_plan

    host = load_host()
    lines: list[str] = []
    for recipe in recipes:
        try:
            plan = make_plan(load_recipe(recipe, parse_overrides(set_), host), host)
        except UserError as error:
            lines += error.lines
        else:
            for note in plan.notes:
                typer.echo(note)
            typer.echo(
                f"{recipe}: good ({plan.choice('backbone').use}, {plan.image.size} px, "
                f"{counted(plan.folds, 'fold')}, {counted(plan.train.epochs, 'epoch')})"
            )
    if lines:
        raise UserError(*lines)


def show(recipe: RecipePath, set_: Overrides = None) -> None:
    """Print the resolved recipe, each value with where it came from."""
    from toolkit.plugin.host import load_host
    from toolkit.recipe.load import load_recipe
    from toolkit.recipe.planner import make_plan
    from toolkit.recipe.show import recipe_lines

    host = load_host()
    plan = make_plan(load_recipe(recipe, parse_overrides(set_), host), host)
    lines = list(recipe_lines(plan))
    width = min(60, max(len(line) for line, keys in lines if keys is not None))
    for line, keys in lines:
        typer.echo(line if keys is None else f"{line:<{width}}  # {plan.origins[keys]}")


def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to a file instead.")
    ] = None,
) -> None:
    """Print the JSON Schema of recipes, for editors."""
    from toolkit.plugin.host import load_host
    from toolkit.recipe.jsonschema import recipe_schema
    from toolkit.runs.atomic import write_text

    text = json.dumps(recipe_schema(load_host()), indent=2)
    if output is None:
        typer.echo(text)
    else:
        write_text(output, text + "\n")
