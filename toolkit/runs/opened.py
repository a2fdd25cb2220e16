"""A run folder as a Python object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import RunError, in_shell
from toolkit.recipe.scores import ALWAYS
from toolkit.runs.folder import RunFolder
from toolkit.runs.reading import DamagedFile, read_csv, read_json, reading

if TYPE_CHECKING:
    import pandas as pd

REPORT_KEYS = ("scores", "classes", "rows", "seconds")
"""Without these, a report.json is none of ours; what came later may be missing in an old one."""

MANIFEST_KEYS = ("plan", "created", "packages", "components")
SCORE_KEYS = (ALWAYS[0], "rows", "labels")
FORECAST_KEYS = ("accuracy", "macro_f1", "intervals", "doubts", "folds")


@dataclass(frozen=True)
class Run:
    """A finished or unfinished run. Files are read when they are asked for.

    Raises `RunError`, whatever is asked, where its file is not there yet, is gone, or is damaged;
    the error says what makes it again.
    """

    path: Path

    @property
    def folder(self) -> RunFolder:
        """Where each file of the run is."""
        return RunFolder(self.path)

    @cached_property
    def report(self) -> dict[str, Any]:
        """What `report.json` holds."""
        return self._json(self.folder.report, REPORT_KEYS)

    @cached_property
    def plan(self) -> dict[str, Any]:
        """What `plan.json` holds: the plan's hash and the resolved recipe."""
        return self._json(self.folder.plan, ("hash", "recipe"))

    @cached_property
    def oof(self) -> pd.DataFrame:
        """Out-of-fold predictions: `id, parent, fold, variant, view, p_0 ... p_{C-1}`."""
        return self._table(self.folder.oof)

    @cached_property
    def truth(self) -> pd.Series[int]:
        """The true label of each row of `oof`, in its order: `run.oof.assign(label=run.truth)`.

        A label indexes `classes`.
        """
        folder = self.folder
        rows = read_csv(folder.folds, {"id": str}, folder.way_out)
        if "label" not in rows.columns:
            raise RunError(f"{folder.folds}: has no labels, an older version wrote it")
        rows = read_csv(folder.folds, {"id": str, "label": int}, folder.way_out)
        truth = rows.set_index("id")["label"]
        return self.oof["id"].map(truth).astype("int64").rename("label")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes: `p_0` is the probability of the first."""
        if not self.folder.finished and "classes" in self.plan:
            return tuple(self.plan["classes"])
        return tuple(row["class"] for row in self.report["classes"])

    @cached_property
    def test(self) -> pd.DataFrame | None:
        """Test predictions, in the columns of `oof`; None for a run without test images."""
        if self.folder.finished and not self.report["rows"]["test"]:
            return None
        return self._table(self.folder.test)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What `manifest.json` holds: versions, machine, and the fingerprint of the data."""
        return self._json(self.folder.manifest, MANIFEST_KEYS)

    @property
    def mistakes(self) -> dict[str, Any] | None:
        """What `mistakes.json` holds; None where the folder has none."""
        file = self.folder.mistakes
        return self._json(file, ("mistakes", "shown")) if file.is_file() else None

    @property
    def test_score(self) -> dict[str, Any] | None:
        """What `toolkit score` found; None where it did not look."""
        file = self.folder.test_score
        if not file.is_file():
            return None
        way_out = f"`toolkit score {in_shell(self.path)}` makes it again, or remove it"
        found: dict[str, Any] = read_json(file, way_out, keys=SCORE_KEYS)
        return found

    @property
    def forecast(self) -> dict[str, Any] | None:
        """What `toolkit forecast` found, or the run itself at its end; None where neither did."""
        file = self.folder.forecast
        if not file.is_file():
            own: dict[str, Any] | None = self.report.get("forecast")
            return own
        way_out = f"`toolkit forecast {in_shell(self.path)}` makes it again, or remove it"
        found: dict[str, Any] = read_json(file, way_out, keys=FORECAST_KEYS)
        return found

    def _json(self, file: Path, keys: tuple[str, ...]) -> dict[str, Any]:
        self._require(file)
        found: dict[str, Any] = read_json(file, self.folder.way_out, keys=keys)
        return found

    def _table(self, file: Path) -> pd.DataFrame:
        import pandas as pd
        import pyarrow as pa

        self._require(file)
        way_out = f"remove it, and {self.folder.way_out}"
        with reading(file, pa.ArrowException, ValueError, way_out=way_out):
            return pd.read_parquet(file)

    def _require(self, file: Path) -> None:
        folder = self.folder
        if file.is_file():
            return
        if folder.finished:
            raise DamagedFile(file, "is gone", folder.way_out)
        raise RunError(
            f"{self.path}: has no {file.name}; the run is not finished, {folder.command} goes on"
        )
