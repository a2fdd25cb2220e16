"""The runs of a folder: what there is, in what state, and which one a name means."""

from __future__ import annotations

from pathlib import Path

from toolkit.errors import RunError
from toolkit.runs.folder import RunFolder
from toolkit.runs.lock import is_held
from toolkit.runs.opened import Run, open_run

FINISHED, UNDER_WAY, STOPPED = "finished", "under way", "stopped"


def run_folders(runs: Path) -> list[RunFolder]:
    """Every run folder below `runs`, the one that was written to last first."""
    found = [RunFolder(path) for path in runs.glob("*") if path.is_dir()]
    found = [folder for folder in found if folder.plan_hash is not None]
    return sorted(found, key=lambda folder: (_written(folder), folder.path.name), reverse=True)


def state(folder: RunFolder) -> str:
    """finished, under way (a process holds it), or stopped (the same command goes on)."""
    if folder.finished:
        return FINISHED
    return UNDER_WAY if is_held(folder) else STOPPED


def find(run: str | None, runs: Path) -> Run:
    """The run that a person means: a path, a folder's name in `runs`, or the start of one.

    Without a name it is the run that finished last. Raises `RunError` where there is none, or
    where the start fits several.
    """
    if run is None:
        finished = [folder for folder in run_folders(runs) if folder.finished]
        if not finished:
            raise RunError(f"{runs}: holds no finished run; make one with `toolkit run RECIPE`")
        return Run(finished[0].path)
    if Path(run).is_dir():
        return open_run(run)
    names = [folder.path.name for folder in run_folders(runs)]
    fits = [name for name in names if name == run] or [n for n in names if n.startswith(run)]
    if len(fits) == 1:
        return Run(runs / fits[0])
    if fits:
        raise RunError(f"{run}: fits {len(fits)} runs ({', '.join(fits)}); name one of them")
    there = f"it holds {', '.join(names[:5])}" if names else "it holds no run"
    raise RunError(f"{runs}: has no run {run}; {there}")


def _written(folder: RunFolder) -> float:
    file = folder.report if folder.finished else folder.plan
    return file.stat().st_mtime
