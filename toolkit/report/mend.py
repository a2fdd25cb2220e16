"""Makes again what a finished run lost, from what is there and without training."""

from __future__ import annotations

from toolkit.contracts import Event, Table
from toolkit.ensemble.join import join_oof, joined_test
from toolkit.ensemble.submission import (
    holds_probabilities,
    lint,
    submission_text,
    write_submission,
)
from toolkit.errors import RunError
from toolkit.predict.files import as_predictions, read_predictions, write_predictions
from toolkit.recipe.plan import Plan
from toolkit.report.mistakes import find_mistakes
from toolkit.report.page import draw_page
from toolkit.runs.atomic import not_finite, write_json
from toolkit.runs.faults import faults
from toolkit.runs.folder import RunFolder
from toolkit.runs.lock import held
from toolkit.runs.opened import Run
from toolkit.runs.reading import DamagedFile
from toolkit.train.folds import Job, mend_folds, predictions_meta
from toolkit.train.record import record, settle_folds


def is_whole(job: Job) -> bool:
    """Whether a finished run is all there, or could be made so without training."""
    try:
        lost = faults(job.folder)
    except RunError as damage:  # of the report itself
        job.notify(Event("message", str(damage)))
        return False
    if any(not_finite(Run(job.folder.path).report)):  # as earlier versions finished some runs
        text = f"{job.folder.report}: holds what is no number; the run is carried on from its folds"
        job.notify(Event("message", text))
        return False
    if not lost:
        return True
    with held(job.folder):
        return _mended(job, lost)


def _mended(job: Job, lost: list[DamagedFile]) -> bool:
    """Make again what a finished run lost, from what is there. Returns whether that can be."""
    folder, table, report = job.folder, job.data.table, Run(job.folder.path).report
    for fault in lost:
        job.notify(Event("message", f"{fault.file}: {fault.fault}"))
    broken = {fault.file for fault in lost}
    record(job)
    folds = settle_folds(job)
    meta = predictions_meta(job, folds)
    joined = None if folder.oof in broken else read_predictions(folder.oof, folder.way_out)[0]
    known = [{k: v for k, v in row.items() if k != "fold"} for row in report["scores"]["folds"]]
    left = mend_folds(job, folds, known, joined)
    each = [folder.fold(fold) for fold in range(len(known))]
    wanted = {fold.oof for fold in each} if folder.oof in broken else set()
    wanted |= {fold.test for fold in each} if folder.test in broken else set()
    if any(fault.file in wanted for fault in left):
        return False
    for fault in left:
        job.notify(
            Event(
                "message",
                f"{fault}; it cannot be made again, and nothing else of the run needs it; to train "
                f"that fold anew, remove {fault.file.parent} and {folder.report}",
            )
        )
    if folder.oof in broken:
        write_predictions(folder.oof, join_oof([fold.oof for fold in each], table, meta), meta)
    if folder.test in broken:
        write_predictions(folder.test, joined_test(job, meta), meta)
    follow_the_sample(job.plan, folder, table)
    if folder.mistakes in broken:
        oof, _ = read_predictions(folder.oof)
        write_json(folder.mistakes, find_mistakes(oof, job.data, job.plan.image))
    draw_page(folder)
    return True


def follow_the_sample(plan: Plan, folder: RunFolder, table: Table) -> None:
    """A sample submission whose order or header changed, or another clip, changes no prediction,
    only the file; one that is gone is written again."""
    if table.test is None:
        return
    faulty = bool(lint(folder.submission, table))
    if not faulty and not holds_probabilities(table):
        return
    rows, _ = read_predictions(folder.test, f"remove it, and {folder.way_out}")
    predictions, clip = as_predictions(rows, table.classes), plan.submission.clip
    current = "" if faulty else folder.submission.read_text(encoding="utf-8")
    if current != submission_text(predictions, table, clip):
        write_submission(folder.submission, predictions, table, clip)
