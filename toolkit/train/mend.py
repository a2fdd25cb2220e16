"""A fold that is done and lost a file since: what can be made again without training is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.contracts import Event, Notify
from toolkit.errors import DataError
from toolkit.predict.files import finite_rows, read_predictions, write_predictions
from toolkit.runs.atomic import not_finite, write_json
from toolkit.runs.faults import fold_faults, safetensors
from toolkit.runs.reading import DamagedFile, read_json
from toolkit.train.fold import predict_fold
from toolkit.train.job import FoldJob


def is_done(job: FoldJob, notify: Notify, *, keeps_weights: bool = True) -> bool:
    """Whether a fold needs no training. What it lost is made again from its weights; where they are
    gone, and predictions too, the fold begins anew. `notify` is told of whatever is lost.

    Args:
        keeps_weights: False for a trial of a study, which throws them away.
    """
    files = job.folder
    if not files.done.is_file():
        return False
    try:
        facts = read_json(files.done)
    except DamagedFile as damage:
        return _begins_anew(job, str(damage), notify)
    # Earlier versions marked a fold as done whose training had left the numbers.
    if any(not_finite(facts)):
        return _begins_anew(job, f"{files.done}: holds what is no number", notify)
    wanted = [files.oof] if job.test is None else [files.oof, files.test]
    lost = [text for file in wanted if (text := _unreadable(file)) is not None]
    found = fold_faults(files, tested=False, way_out="") if keeps_weights else []
    lasting = (files.weights, files.history, files.preprocess)
    left = [fault for fault in found if fault.file in lasting]
    if all(fault.file != files.weights for fault in left):  # they make it again, too
        lost += [str(fault) for fault in left if fault.file == files.preprocess]
        left = [fault for fault in left if fault.file != files.preprocess]
    if lost:
        try:
            safetensors(files.weights, "")
        except DamagedFile as damage:
            return _begins_anew(job, f"{lost[0]}; {damage}", notify)
        notify(Event("message", f"{'; '.join(lost)}; predicted again from {files.weights.name}"))
        predict_fold(job, notify)
    elif bad := [file for file in wanted if not _numbers(file)]:
        return _begins_anew(job, f"{bad[0]}: holds what is no number", notify)
    for fault in left:
        notify(Event("message", f"{fault}; {_without(files.path)}"))
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


def _without(fold: Path) -> str:
    return (
        "it cannot be made again, and nothing else of the run needs it; to train that fold anew, "
        f"remove {fold}"
    )


def _begins_anew(job: FoldJob, why: str, notify: Notify) -> bool:
    notify(Event("message", f"{why}; fold {job.fold} is trained anew"))
    job.folder.forget_training()  # from before it was done
    job.folder.done.unlink()
    return False


def _numbers(file: Path) -> bool:
    rows, meta = read_predictions(file)
    return bool(finite_rows(rows, meta.classes).all())


def _unreadable(file: Path) -> str | None:
    if not file.is_file():
        return f"{file}: is gone"
    try:
        read_predictions(file)
    except DataError as error:
        return str(error)
    return None
