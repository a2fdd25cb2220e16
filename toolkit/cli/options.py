"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

RecipePath = Annotated[
    str, typer.Argument(help="A TOML file, toolkit:NAME for one in the box, or PLUGIN:NAME.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Lay a value over the recipe; repeatable."),
]
RunName = Annotated[
    str | None,
    typer.Argument(help="A run folder, or the start of its name; without one, the latest run."),
]
RunsFolder = Annotated[Path, typer.Option("--runs", help="Where run folders are.")]


Verify = Annotated[
    bool,
    typer.Option("--verify", help="Read all images anew, not only those that look changed."),
]


def parse_overrides(texts: list[str] | None) -> dict[str, Any]:
    """`["loss.alpha=0.5"]` as keys and values."""
    from toolkit.recipe.load import parse_override

    return dict(parse_override(text) for text in texts or ())
