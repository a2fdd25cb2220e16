"""One fold, from fresh weights to predictions on disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from toolkit.contracts import Notify
from toolkit.errors import UserError
from toolkit.model.device import deterministic
from toolkit.model.weights import load_weights
from toolkit.runs.supervised import mark
from toolkit.train.job import FoldJob, Watch
from toolkit.train.loop import Loop


def train_fold(job: FoldJob, notify: Notify, hook: Any, watch: Watch | None = None) -> bool:
    """Train, keep one epoch's weights, predict validation and test, and mark the fold as done.

    Resumes behind the last finished epoch.

    Args:
        hook: receives the tracker events.
        watch: may stop the fold behind any epoch.

    Returns whether the fold came to its end.
    """
    mark(fold=job.fold, folds=job.plan.folds)
    job.folder.path.mkdir(parents=True, exist_ok=True)
    hook.toolkit_fold_start(run=job.run, fold=job.fold)

    def see(metrics: Mapping[str, float]) -> bool:
        return watch is None or watch.epoch(job.fold, metrics)

    try:
        with deterministic(asked=job.plan.train.deterministic):
            loop = Loop(job, notify, hook)
            loop.resume()
            goes_on = all(map(see, loop.progress.history))
            while goes_on and not loop.finished:
                goes_on = see(loop.epoch())
            result = loop.finish() if goes_on else None
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"train.batch_size = {job.plan.train.batch_size} does not fit into the GPU's memory; "
            "lower it and raise train.accumulate, or lower image.size"
        ) from error
    loop.free()
    if result is None:
        return False
    hook.toolkit_fold_end(run=job.run, fold=job.fold, scores=result)
    return True


def predict_fold(job: FoldJob, notify: Notify) -> None:
    """Write a finished fold's predictions again, from its weights."""
    with deterministic(asked=job.plan.train.deterministic):
        loop = Loop(job, notify, hook=None)
        load_weights(job.folder.weights, loop.learner.model)
        loop.predict(f"fold {job.fold}, with {job.folder.weights.name}")
    loop.free()
