"""What of a finished run is gone or damaged."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.recipe.scores import ALWAYS, CLEAN, Score
from toolkit.runs.folder import FoldFolder, RunFolder
from toolkit.runs.opened import Run
from toolkit.runs.reading import DamagedFile, read_csv, read_json, reading

FOLDS = {"id": str, "parent": str, "group": str, "fold": int}
HISTORY = {"epoch": int, "train_loss": float, Score(CLEAN, ALWAYS[0]).name: float}


def faults(folder: RunFolder) -> list[DamagedFile]:
    """A fault for each file that a finished run should have, and has not, or not whole; of
    predictions and weights the part is read that says what is in them.

    Raises `RunError` where the run is not finished or its report is damaged.
    """
    run, way_out = Run(folder.path), folder.way_out
    tested = bool(run.report["rows"]["test"])
    checks: list[tuple[Path, Callable[[Path, str], object]]] = [
        (folder.plan, lambda f, w: read_json(f, w, keys=("hash", "recipe"))),
        (folder.recipe, lambda f, w: _recipe(f, w, _plan(run))),
        (folder.manifest, lambda _f, _w: run.manifest),
        (folder.folds, lambda f, w: read_csv(f, FOLDS, w)),
        (folder.oof, parquet),
        (folder.mistakes, lambda f, w: read_json(f, w, keys=("mistakes", "shown"))),
        (folder.page, lambda f, w: _ends(f, w, "</html>")),
        (folder.log, lambda f, w: _there(f, w, empty=True)),
    ]
    if tested:
        checks += [(folder.test, parquet), (folder.submission, _there)]
    found = [fault for file, check in checks for fault in _fault(file, check, way_out)]
    for row in run.report["scores"]["folds"]:
        found += fold_faults(folder.fold(row["fold"]), tested=tested, way_out=way_out)
    return found


def fold_faults(fold: FoldFolder, *, tested: bool, way_out: str) -> list[DamagedFile]:
    """The same for one fold that is done."""
    checks: list[tuple[Path, Callable[[Path, str], object]]] = [
        (fold.done, lambda f, w: read_json(f, w, keys=(ALWAYS[0], "best_epoch", "epochs"))),
        (fold.weights, safetensors),
        (fold.preprocess, lambda f, w: read_json(f, w, keys=("size", "mean", "std"))),
        (fold.history, lambda f, w: read_csv(f, HISTORY, w)),
        (fold.oof, parquet),
    ]
    if tested:
        checks.append((fold.test, parquet))
    return [fault for file, check in checks for fault in _fault(file, check, way_out)]


def parquet(file: Path, way_out: str) -> None:
    """Raises `DamagedFile` unless the file is whole parquet; its end says what is in it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with reading(file, pa.ArrowException, ValueError, way_out=way_out):
        pq.read_schema(file)


def safetensors(file: Path, way_out: str) -> None:
    """Raises `DamagedFile` unless the file is as long as its head says."""
    from safetensors import SafetensorError, safe_open

    with reading(file, SafetensorError, way_out=way_out), safe_open(file, "np"):
        pass


def _fault(file: Path, check: Callable[[Path, str], object], way_out: str) -> Iterator[DamagedFile]:
    try:
        check(file, way_out)
    except DamagedFile as fault:
        yield fault


def _plan(run: Run) -> Mapping[str, Any]:
    """The resolved recipe; empty where plan.json, which has a fault of its own, cannot say it."""
    try:
        found: Mapping[str, Any] = run.plan["recipe"]
    except DamagedFile:
        return {}
    return found


def _recipe(file: Path, way_out: str, plan: Mapping[str, Any]) -> None:
    """A file that breaks off behind a section is TOML all the same: the plan says what has to be
    in it. What somebody changed in it is no damage."""
    with reading(file, ValueError, way_out=way_out), file.open("rb") as handle:
        found = tomllib.load(handle)
    said = {k for k, v in plan.items() if v is not None and not (isinstance(v, Mapping) and not v)}
    missing = sorted(said - found.keys())
    if missing:
        raise DamagedFile(file, f"is damaged, it has no {', '.join(missing)}", way_out)


def _there(file: Path, way_out: str, *, empty: bool = False) -> None:
    if not file.is_file():
        raise DamagedFile(file, "is gone", way_out)
    if not empty and not file.stat().st_size:
        raise DamagedFile(file, "is empty", way_out)


def _ends(file: Path, way_out: str, end: str) -> None:
    _there(file, way_out)
    with file.open("rb") as handle:
        handle.seek(-min(100, file.stat().st_size), 2)
        if not handle.read().strip().endswith(end.encode()):
            raise DamagedFile(file, "is damaged, it breaks off", way_out)
