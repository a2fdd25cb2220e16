"""The tracker in the box: a log that any program can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from toolkit.contracts import RunInfo, TrialInfo
from toolkit.plugin.hooks import hookimpl


class JsonLines:
    """Appends one JSON object an event to a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @hookimpl
    def toolkit_run_start(self, run: RunInfo) -> None:
        self._append("run_start", name=run.name, plan=run.plan)

    @hookimpl
    def toolkit_fold_start(self, fold: int) -> None:
        self._append("fold_start", fold=fold)

    @hookimpl
    def toolkit_epoch_end(self, fold: int, epoch: int, metrics: Mapping[str, float]) -> None:
        self._append("epoch_end", **{**metrics, "fold": fold, "epoch": epoch})

    @hookimpl
    def toolkit_fold_end(self, fold: int, scores: Mapping[str, float]) -> None:
        self._append("fold_end", fold=fold, **scores)

    @hookimpl
    def toolkit_run_end(self, report: Mapping[str, Any]) -> None:
        self._append("run_end", scores=report["scores"])

    @hookimpl
    def toolkit_run_error(self, error: BaseException) -> None:
        self._append("run_error", error=f"{type(error).__name__}: {error}")

    @hookimpl
    def toolkit_trial_end(self, study: RunInfo, trial: TrialInfo) -> None:
        self._append("trial_end", study=study.name, **asdict(trial))

    def _append(self, event: str, **fields: Any) -> None:
        line = json.dumps({"event": event, **fields}) + "\n"
        # In one write: several processes of a study append to one file.
        with self.file.open("ab", buffering=0) as file:
            file.write(line.encode())


def jsonl(
    run: RunInfo,
    /,
    *,
    file: Annotated[str, Field(description="file name, in the run folder")] = "events.jsonl",
) -> JsonLines:
    """Events as JSON lines, in the folder of the run or of the study."""
    return JsonLines(Path(run.folder) / Path(file).name)
