"""What was trained already is not trained again.

A fold has a hash of its own, over what changes its training alone: its rows, and those parts of the
recipe that act on weights. Two runs of one folder that differ in how predictions are joined, named
or reported share it, and the second takes over what the first trained. New views or new test images
are predicted with the weights that are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from toolkit.contracts import Event, Notify
from toolkit.predict.files import (
    as_predictions,
    read_predictions,
    variants_in,
    write_predictions,
)
from toolkit.recipe.scores import CLEAN, TAKEN, score_named
from toolkit.runs.atomic import csv_text, link_or_copy, write_json, write_text
from toolkit.runs.faults import fold_faults
from toolkit.runs.folder import FoldFolder, RunFolder
from toolkit.runs.manifest import differences
from toolkit.runs.opened import MANIFEST_KEYS
from toolkit.runs.reading import DamagedFile, read_json
from toolkit.score.measures import measures_of
from toolkit.score.variants import scores_of_variants
from toolkit.train.fold import predict_fold
from toolkit.train.hashes import done_facts, predictions_hash
from toolkit.train.job import FoldJob


def take_over(job: FoldJob, notify: Notify) -> bool:
    """Take over what another run of the same folder trained, where one has it whole.

    Its predictions come along where nothing that they depend on has changed; otherwise they are
    made from its weights. Returns whether the fold is done.
    """
    files = job.folder
    for source in _trained(job):
        facts = read_json(source.done)
        files.path.mkdir(parents=True, exist_ok=True)
        files.forget_training()  # of a start that did not come this far
        for name in ("weights", "history", "preprocess"):
            link_or_copy(getattr(source, name), getattr(files, name))
        taken = "its weights and predictions"
        if not _copied_predictions(job, source, facts):
            predict_fold(job, notify)
            taken = "its weights"
        run = _run_of(source)
        # Last of all, as where a fold was trained: until then the next start does this again.
        theirs, ours = facts.get("twins"), done_facts(job).get("twins")
        if theirs is not None and theirs != ours:
            _forget_twins(files)
        lasting = {k: v for k, v in facts.items() if k in TAKEN and not _of_twins(k)}  # no scores
        scores = _scores(job, f"fold {job.fold}")
        write_json(files.done, {**lasting, **scores, **done_facts(job), "run": run.path.name})
        text = f"fold {job.fold}: trained already by {run.path}, {taken} are taken over"
        notify(Event("message", text + _other_machine(run, _run_of(files))))
        return True
    return False


def _trained(job: FoldJob) -> Iterator[FoldFolder]:
    """The folds of the other runs of this folder that were trained the same way, and whose weights
    are whole."""
    runs = _run_of(job.folder).path.parent
    for done in sorted(runs.glob(f"*/folds/{job.fold}/done")):
        source = FoldFolder(done.parent)
        try:
            known = read_json(done).get("training")
        except DamagedFile:
            continue  # the run that it belongs to says so when it is opened
        lasting = {source.weights, source.history, source.preprocess}
        if known == job.training and source.path != job.folder.path and not lasting & _lost(source):
            yield source


def _lost(fold: FoldFolder) -> set[Path]:
    return {fault.file for fault in fold_faults(fold, tested=True, way_out="")}


def _copied_predictions(job: FoldJob, source: FoldFolder, facts: Mapping[str, Any]) -> bool:
    """Whether the predictions are those that this run wants. They are written in its name: what
    joins files looks at the plan that they are of."""
    wanted = [(source.oof, job.folder.oof)]
    if job.test is not None:
        wanted.append((source.test, job.folder.test))
    lost = _lost(source)
    if facts.get("predictions") != predictions_hash(job) or any(f in lost for f, _ in wanted):
        return False
    for theirs, ours in wanted:
        write_predictions(ours, read_predictions(theirs)[0], job.meta)
    return True


def _scores(job: FoldJob, where: str) -> dict[str, float]:
    """The scores of the out-of-fold predictions that are on disk, by this run's metrics."""
    rows, classes = read_predictions(job.folder.oof)[0], job.meta.classes
    member = as_predictions(rows, classes)
    labels = dict(zip(job.validation.ids, job.validation.labels.tolist(), strict=True))
    truth = np.array([labels[i] for i in member.ids])
    predicted = {v: as_predictions(rows, classes, v).probabilities for v in variants_in(rows)}
    found = scores_of_variants(measures_of(job.plan, job.facts), where, truth, predicted)
    return {score.key: value for score, value in found.items()}


def _of_twins(name: str) -> bool:
    """Whether a key of `done`, or a column of `history.csv`, is of twins."""
    return name == "twins" or score_named(name).variant != CLEAN


def _forget_twins(files: FoldFolder) -> None:
    """Leave the scores of twins that are not this run's out of a history that was taken over."""
    history = pd.read_csv(files.history, dtype=str)
    of_twins = [name for name in history.columns if _of_twins(name)]
    write_text(files.history, csv_text(history.drop(columns=of_twins)))


def _run_of(fold: FoldFolder) -> RunFolder:
    return RunFolder(fold.path.parent.parent)


def _other_machine(theirs: RunFolder, ours: RunFolder) -> str:
    """What to know where a fold was trained with other versions, or on another machine."""
    try:
        old, new = (read_json(run.manifest, keys=MANIFEST_KEYS) for run in (theirs, ours))
    except DamagedFile as damage:
        return f" (on what it was trained is not known: {damage})"
    found = differences(old, new)
    return f" (it was trained on other versions or another machine: {found[0]})" if found else ""
