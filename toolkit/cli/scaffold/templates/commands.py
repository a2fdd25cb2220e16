"""Commands: functions whose annotated parameters Typer reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import toolkit
import typer


def unsure(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    count: Annotated[int, typer.Option(min=1, help="At most so many images.")] = 20,
) -> None:
    """List the images that a run is least sure of, by its out-of-fold predictions."""
    oof = toolkit.open_run(run).oof
    oof = oof[(oof["view"] == "mean") & (oof["variant"] == "clean")]
    sure = oof.filter(regex=r"^p_\d+$").max(axis=1)
    for row in sure.nsmallest(count).index:
        typer.echo(f"{sure[row]:.3f}  {oof['id'][row]}")
