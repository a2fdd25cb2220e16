"""A fold that is done and lost a file since: what can be made again without training is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.contracts import Event, Notify
from toolkit.errors import DataError
from toolkit.predict.files import read_predictions, write_predictions
from toolkit.runs.atomic import write_json
from toolkit.runs.faults import fold_faults, safetensors
from toolkit.runs.reading import DamagedFile, read_json
from toolkit.train.fold import predict_fold
from toolkit.train.job import FoldJob


def is_done(job: FoldJob, notify: Notify) -> bool:
    """Whether a fold needs no training. Predictions that it lost are made again from its weights;
    where those are gone, too, the fold begins anew, and `notify` is told."""
    files = job.folder
    if not files.done.is_file():
        return False
    try:
        read_json(files.done)
    except DamagedFile as damage:
        return _begins_anew(job, str(damage), notify)
    wanted = [files.oof] if job.test is None else [files.oof, files.test]
    lost = [text for file in wanted if (text := _unreadable(file)) is not None]
    if not lost:
        return True
    try:
        safetensors(files.weights, "")
    except DamagedFile as damage:
        return _begins_anew(job, f"{lost[0]}; {damage}", notify)
    notify(Event("message", f"{'; '.join(lost)}; predicted again from {files.weights.name}"))
    predict_fold(job, notify)
    return True


def mend_fold(
    job: FoldJob, known: Mapping[str, Any], joined: pd.DataFrame | None, notify: Notify
) -> list[DamagedFile]:
    """Make again what a fold of a finished run lost.

    Args:
        known: what `done` holds, from the run's report.
        joined: the run's out-of-fold table, if it is there.

    Returns a fault for each file that only training could make again.
    """
    files, tested = job.folder, job.test is not None
    broken = {fault.file for fault in fold_faults(files, tested=tested, way_out="")}
    if not broken:
        return []
    files.path.mkdir(parents=True, exist_ok=True)
    if files.done in broken:
        write_json(files.done, known)
    of_the_model = {files.test, files.preprocess} | (set() if joined is not None else {files.oof})
    if files.weights not in broken and broken & of_the_model:
        predict_fold(job, notify)
    if joined is not None:  # the very rows that were joined, whatever this machine predicts
        write_predictions(files.oof, joined[joined["fold"] == job.fold], job.meta)
    return fold_faults(files, tested=tested, way_out="")


def _begins_anew(job: FoldJob, why: str, notify: Notify) -> bool:
    notify(Event("message", f"{why}; fold {job.fold} is trained anew"))
    job.folder.done.unlink()
    job.folder.state.unlink(missing_ok=True)  # from before it was done
    return False


def _unreadable(file: Path) -> str | None:
    if not file.is_file():
        return f"{file}: is gone"
    try:
        read_predictions(file)
    except DataError as error:
        return str(error)
    return None
