"""The runs of a folder: what there is, in what state, and which one a name means."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from toolkit.errors import RunError, in_shell
from toolkit.runs.folder import RunFolder
from toolkit.runs.lock import is_held
from toolkit.runs.opened import Run
from toolkit.runs.reading import DamagedFile, read_json

FINISHED, UNDER_WAY, STOPPED, DAMAGED = "finished", "under way", "stopped", "damaged"


def run_folders(runs: Path) -> list[RunFolder]:
    """Every run folder below `runs`, the one that was written to last first; one with a damaged
    file, too."""
    found = [RunFolder(path) for path in runs.glob("*") if path.is_dir()]
    found = [folder for folder in found if is_run(folder)]
    return sorted(found, key=lambda folder: (_written(folder), folder.path.name), reverse=True)


def is_run(folder: RunFolder) -> bool:
    """Whether a folder holds a run, be it a damaged one."""
    if folder.plan_hash is not None:
        return True
    try:
        read_json(folder.plan)
    except DamagedFile:
        return folder.plan.is_file()
    return False  # somebody else's plan.json


def state(folder: RunFolder) -> str:
    """finished, under way (a process holds it), stopped (the same command goes on), or damaged."""
    if not folder.finished:
        return UNDER_WAY if is_held(folder) else STOPPED
    try:
        read_json(folder.report)
    except DamagedFile:
        return DAMAGED
    return FINISHED


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
        folder = RunFolder(Path(run))
        if not is_run(folder):
            raise RunError(_no_run(folder.path))
        return Run(folder.path)
    names = [folder.path.name for folder in run_folders(runs)]
    fits = [name for name in names if name == run] or [n for n in names if n.startswith(run)]
    if len(fits) == 1:
        return Run(runs / fits[0])
    if fits:
        raise RunError(f"{run}: fits {len(fits)} runs ({', '.join(fits)}); name one of them")
    there = f"it holds {', '.join(names[:5])}" if names else "it holds no run"
    raise RunError(f"{runs}: has no run {run}; {there}")


def _no_run(path: Path) -> str:
    """What is said of a folder without a plan.json."""
    path = path.absolute()
    for study in (path, path.parent.parent):
        if (study / "study.json").is_file():
            what = "a study" if study == path else "a trial"
            best = f"`toolkit run {in_shell(study / 'best.toml')}` makes a run of the best one"
            return f"{path}: is {what} of `toolkit tune`, whose trials keep no weights; {best}"
    return f"{path}: is no run folder (it has no plan.json)"


def _written(folder: RunFolder) -> float:
    for path in (folder.report, folder.plan, folder.path):
        with suppress(FileNotFoundError):
            return path.stat().st_mtime
    return 0.0  # removed a moment ago
