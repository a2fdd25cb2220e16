"""The commands, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli import (
    audit,
    augment,
    cache,
    check,
    data,
    forecast,
    init,
    plugins,
    recipes,
    report,
    run,
    runs,
    score,
    tune,
)
from toolkit.cli.plugin_commands import MARKUP, WithPluginCommands

app = typer.Typer(
    name="toolkit",
    cls=WithPluginCommands,
    help="Recipes for image classification on small, imbalanced, shifted data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=MARKUP,
)
app.command("run")(run.run)
app.command("tune")(tune.tune)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("data")(data.data)
app.command("augment")(augment.augment)
app.command("validate")(recipes.validate)
app.command("show")(recipes.show)
app.command("schema")(recipes.schema)
app.command("score")(score.score)
app.command("report")(report.report)
app.command("forecast")(forecast.forecast)
app.command("audit")(audit.audit)
app.add_typer(runs.app, name="runs")
app.add_typer(recipes.app, name="recipes")
app.add_typer(plugins.app, name="plugins")
app.add_typer(cache.app, name="cache")


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Recipes for image classification on small, imbalanced, shifted data."""
    if show:
        from toolkit import __version__

        typer.echo(__version__)
        raise typer.Exit
