"""A run folder as a Python object."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import RunError
from toolkit.runs.folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Run:
    """A finished or unfinished run. Tables are read when they are asked for."""

    path: Path

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.path)

    @cached_property
    def report(self) -> dict[str, Any]:
        """What `report.json` holds. Raises `RunError` where the run is not finished."""
        return self._json(self.folder.report)

    @cached_property
    def plan(self) -> dict[str, Any]:
        """What `plan.json` holds: the plan's hash and the resolved recipe."""
        return self._json(self.folder.plan)

    @cached_property
    def oof(self) -> pd.DataFrame:
        """Out-of-fold predictions: `id, parent, fold, variant, view, p_0 ... p_{C-1}`."""
        return self._table(self.folder.oof)

    @cached_property
    def test(self) -> pd.DataFrame | None:
        """Test predictions, in the columns of `oof`; None for a run without test images."""
        if self.folder.finished and not self.folder.test.is_file():
            return None
        return self._table(self.folder.test)

    def _json(self, file: Path) -> dict[str, Any]:
        if not file.is_file():
            raise RunError(f"{self.path}: has no {file.name}; the run is not finished")
        values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return values

    def _table(self, file: Path) -> pd.DataFrame:
        import pandas as pd

        if not file.is_file():
            raise RunError(f"{self.path}: has no {file.name}; the run is not finished")
        return pd.read_parquet(file)


def open_run(path: str | Path) -> Run:
    """Open a run folder. Raises `RunError` where it is none."""
    folder = RunFolder(Path(path))
    if folder.plan_hash is None:
        raise RunError(f"{path}: is no run folder (it has no plan.json)")
    return Run(folder.path)
