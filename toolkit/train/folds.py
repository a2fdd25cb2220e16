"""All folds of a plan: what each is given, trained one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from toolkit.contracts import Ints, Notify, RunInfo
from toolkit.data.assignment import fold_hash, fold_sizes, split_rows
from toolkit.data.check import Data
from toolkit.data.copies import fold_copies, offline_copies
from toolkit.data.duplicates import CONTENT
from toolkit.data.offline import Copies, Joined
from toolkit.data.pack import Pack
from toolkit.data.shares import rows_that_train
from toolkit.predict.files import PredictionsMeta
from toolkit.recipe.plan import Plan
from toolkit.runs.folder import RunFolder
from toolkit.runs.log import Stages
from toolkit.runs.reading import DamagedFile, read_json
from toolkit.train.fold import train_fold
from toolkit.train.hashes import training_hash
from toolkit.train.job import FoldJob, Rows, Watch, facts_of, with_copies
from toolkit.train.mend import is_done, mend_fold
from toolkit.train.one_row import require_batches, trains_on_one_row
from toolkit.train.reuse import take_over


@dataclass(frozen=True)
class Job:
    """A plan about to be carried out in a folder."""

    plan: Plan
    plan_hash: str
    data: Data
    folder: RunFolder
    stages: Stages
    notify: Notify
    steps: int | None = None
    anew: bool = False
    """Whether folds are trained that another run has trained already (`--again`)."""

    @property
    def info(self) -> RunInfo:
        path = str(self.folder.path)
        return RunInfo(self.plan.name, path, self.plan_hash, deepcopy(dict(self.plan.values)))


def train_folds(
    job: Job,
    folds: pd.DataFrame,
    hook: Any,
    watch: Watch | None = None,
    numbers: Sequence[int] | None = None,
) -> bool:
    """Train the folds that are not done yet, in order.

    Args:
        folds: `id, parent, group, fold`, as `assign_folds` cuts them; -1 is never validated.
        hook: receives the tracker events.
        watch: sees every score and may stop the training; whoever watches keeps no weights.
        numbers: the folds to train; without them, all.

    Returns whether every fold came to its end.
    """
    train = fold_trainer(job, folds, hook, watch)
    job.stages.enter("train")
    return all(map(train, range(job.plan.folds) if numbers is None else numbers))


def fold_trainer(
    job: Job, folds: pd.DataFrame, hook: Any, watch: Watch | None = None
) -> Callable[[int], bool]:
    """What trains a fold, unless it is done, and returns whether it came to its end.

    What all folds have in common is found out once.
    """
    one_row_trains = _one_row_trains(job)
    require_batches(job.plan, _fewest_rows(job, folds), one_row_trains)
    meta, copies = predictions_meta(job, folds), _copies(job, folds)

    def train(fold: int) -> bool:
        fold_job = _fold_job(job, folds, fold, meta, copies, one_row_trains)
        if is_done(fold_job, job.notify, keeps_weights=watch is None):
            fold_job.folder.forget_training()
        elif watch is None and not job.anew and take_over(fold_job, job.notify):
            pass
        elif not train_fold(fold_job, job.notify, hook, watch):
            return False
        return watch is None or watch.fold(fold, read_json(fold_job.folder.done))

    return train


def mend_folds(
    job: Job, folds: pd.DataFrame, known: Sequence[Mapping[str, Any]], joined: pd.DataFrame | None
) -> list[DamagedFile]:
    """Make again what the folds of a finished run lost; see `mend_fold`."""
    meta, copies, one_row_trains = (
        predictions_meta(job, folds),
        _copies(job, folds),
        _one_row_trains(job),
    )
    left: list[DamagedFile] = []
    for fold, facts in enumerate(known):
        fold_job = _fold_job(job, folds, fold, meta, copies, one_row_trains)
        left += mend_fold(fold_job, facts, joined, job.notify)
    return left


def _one_row_trains(job: Job) -> Callable[[], bool]:
    """Tried at the first call, and once."""
    facts = facts_of(job.plan, job.data.table, job.data.table.train["label"].to_numpy())
    return cache(partial(trains_on_one_row, job.plan, facts))


def predictions_meta(job: Job, folds: pd.DataFrame) -> PredictionsMeta:
    """What the predictions of a job say of themselves."""
    classes, monitor = job.data.table.classes, job.plan.validate.monitor
    twins = "" if job.data.twins is None else job.data.twins.digest
    return PredictionsMeta(classes, monitor, fold_hash(folds), job.plan_hash, twins)


def _fewest_rows(job: Job, folds: pd.DataFrame) -> int:
    """Training rows of the fold that has the fewest, offline copies included."""
    offline, table = job.plan.offline, job.data.table
    if offline is None:
        return len(folds) - max(fold_sizes(folds))
    fewest = []
    for fold in range(job.plan.folds):
        rows, _ = split_rows(table, folds, fold)
        train = table.train.iloc[rows]
        original = (train["parent"] == train["id"]).to_numpy()
        copies = fold_copies(table, rows, offline)
        fewest.append(int(rows_that_train(original, copies, offline).sum()))
    return min(fewest)


def _copies(job: Job, folds: pd.DataFrame) -> Copies | None:
    """The offline copies of the training originals, where the recipe asks for them."""
    if job.plan.offline is None:
        return None
    job.stages.enter("offline")
    return offline_copies(job.plan, job.data, lambda: folds, job.notify)


def _fold_job(
    job: Job,
    folds: pd.DataFrame,
    fold: int,
    meta: PredictionsMeta,
    copies: Copies | None,
    one_row_trains: Callable[[], bool],
) -> FoldJob:
    data, table = job.data, job.data.table
    train, validation = split_rows(table, folds, fold)
    training, held_out = _rows(data, train), _rows(data, validation)
    twins = data.twins and replace(data.twins, rows=data.twins.rows[validation])
    hashed = training_hash(
        job.plan, table.classes, data.image, fold, training, held_out, job.steps, twins
    )
    pack: Pack | Joined = data.pack
    if copies is not None:
        offline = job.plan.offline
        assert offline is not None
        each, replaces = fold_copies(table, train, offline), offline.mode == "replace"
        training, pack = with_copies(training, copies, train, data.pack, each, replace=replaces)
    test = None
    if table.test is not None and data.test_rows is not None:
        order = np.argsort(table.test["id"].to_numpy(), kind="stable")
        ids = table.test["id"].to_numpy()[order].tolist()
        contents = table.test[CONTENT].to_numpy()[order].tolist()
        test = Rows(ids, ids, np.full(len(ids), -1), data.test_rows[order], contents=contents)
    return FoldJob(
        job.plan,
        fold,
        replace(facts_of(job.plan, table, training.labels), image=data.image),
        pack,
        training,
        held_out,
        test,
        job.folder.fold(fold),
        meta,
        job.info,
        one_row_trains,
        hashed,
        job.steps,
        twins,
    )


def _rows(data: Data, rows: Ints) -> Rows:
    table = data.table.train.iloc[rows]
    return Rows(
        table["id"].tolist(),
        table["parent"].tolist(),
        table["label"].to_numpy(),
        data.train_rows[rows],
        table["group"].tolist(),
        table[CONTENT].tolist(),
    )
