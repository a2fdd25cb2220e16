"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from toolkit.plugin.host import Host

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


Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes at once, which share the threads, or a GPU each."),
]
On = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="EXECUTOR", help="Where it runs: local, processes, or a plugin's."
    ),
]
Address = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Of the cluster, where EXECUTOR has one.")
]


def executed(
    host: Host, workers: int | None, on: str | None, address: str | None
) -> dict[str, Any]:
    """What the options lay over `[execute]`."""
    laid: dict[str, Any] = {}
    if on is not None:
        laid["execute.use"] = _executor(host, on)
    elif workers is not None and workers > 1:
        laid["execute.use"] = "processes"
    if workers is not None:
        laid["execute.workers"] = workers
    if address is not None:
        laid["execute.address"] = address
    return laid


def _executor(host: Host, name: str) -> str:
    """An executor by its name; a plugin that has one executor may stand for it: `ray`."""
    known = host.registry.names("executor")
    own = [other for other in known if other.partition(".")[0] == name and "." in other]
    return own[0] if name not in known and len(own) == 1 else name


def parse_overrides(texts: list[str] | None) -> dict[str, Any]:
    """`["loss.alpha=0.5"]` as keys and values."""
    from toolkit.recipe.load import parse_override

    return dict(parse_override(text) for text in texts or ())
