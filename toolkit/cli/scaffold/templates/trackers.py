"""Trackers: they observe a run, and change nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import toolkit
from pydantic import Field
from toolkit.contracts import RunInfo


class Notes:
    """Any of the hooks of docs/hooks.md, with any of their arguments."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @toolkit.hookimpl
    def toolkit_fold_end(self, fold: int, scores: Mapping[str, float]) -> None:
        found = ", ".join(f"{name} {score:.4f}" for name, score in scores.items())
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"- fold {fold}: {found}\n")


def notes(
    run: RunInfo,
    /,
    *,
    file: Annotated[str, Field(description="file name, in the run folder")] = "notes.md",
) -> Notes:
    """A line a fold, in a Markdown file of the run folder."""
    return Notes(Path(run.folder) / file)
