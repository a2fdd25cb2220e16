"""A fold's files: its state behind every epoch, the weights of its best one, and its end.

The order of the writes is what a kill cannot harm. The best weights get a name of their own
before the state says that they are the best, and those before them go afterwards: killed between
any two of these, the state finds the weights that it names. At the end the state goes last: until
the fold is marked as done, a start that finds it predicts and writes again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd
from torch import nn

from toolkit.contracts import Event, Notify
from toolkit.model.generators import rng_state, set_rng_state
from toolkit.model.weights import load_weights, save_weights
from toolkit.runs.atomic import csv_text, write_json, write_text
from toolkit.runs.faults import safetensors
from toolkit.runs.reading import DamagedFile
from toolkit.train.hashes import done_facts
from toolkit.train.job import FoldJob, Progress
from toolkit.train.schedule import LearningRate
from toolkit.train.setup import Learner
from toolkit.train.state import load_optimizer, load_tree, save_tree


def keep_best(job: FoldJob, model: nn.Module, progress: Progress) -> None:
    """Keep the weights of the epoch that ended, if it is the best and the best one is asked for."""
    if job.plan.train.select == "best" and progress.best_epoch == progress.epoch:
        save_weights(job.folder.best(progress.epoch), model)


def save_state(job: FoldJob, learner: Learner, rate: LearningRate, progress: Progress) -> None:
    """Save all that the next epoch depends on."""
    scaler = learner.accelerator.scaler
    tree = {
        "model": learner.model.state_dict(),
        "loss": learner.criterion.state_dict(),
        "optimizer": learner.optimizer.state_dict(),
        "rate": rate.state_dict(),
        "scaler": None if scaler is None else scaler.state_dict(),
        "rng": rng_state(),
        "progress": asdict(progress),
    }
    save_tree(job.folder.state, tree)
    job.folder.forget_best(but=progress.best_epoch)


def resume(job: FoldJob, learner: Learner, rate: LearningRate, notify: Notify) -> Progress:
    """Go back to the end of the last finished epoch, if there is one. Returns where that is."""
    folder = job.folder
    if not folder.state.is_file():
        return Progress()
    try:
        tree = load_tree(folder.state)
        progress = Progress(**tree["progress"])
        if job.plan.train.select == "best":
            safetensors(folder.best(progress.best_epoch), "")
    except DamagedFile as damage:
        notify(Event("message", f"{damage}; fold {job.fold} starts anew"))
        folder.forget_training()
        return Progress()
    learner.model.load_state_dict(tree["model"])
    with job.plan.choice("loss").blamed("it cannot take its own state back"):
        learner.criterion.load_state_dict(tree["loss"])
    load_optimizer(learner.optimizer.optimizer, tree["optimizer"])
    rate.load_state_dict(tree["rate"])
    if tree["scaler"] is not None:
        learner.accelerator.scaler.load_state_dict(tree["scaler"])
    set_rng_state(tree["rng"])
    notify(Event("message", f"fold {job.fold}: resumed behind epoch {progress.epoch}"))
    return progress


def load_selected(job: FoldJob, model: nn.Module, progress: Progress) -> None:
    """Bring the kept weights into the model; the last epoch's are there already."""
    if job.plan.train.select == "best":
        load_weights(job.folder.best(progress.best_epoch), model)


def mark_done(job: FoldJob, model: nn.Module, progress: Progress, facts: Mapping[str, Any]) -> None:
    """Write the weights and the history, mark the fold as done, and forget the training's files."""
    folder = job.folder
    save_weights(folder.weights, model)
    write_text(folder.history, csv_text(pd.DataFrame(progress.history)))
    write_json(folder.done, {**facts, **done_facts(job)})
    folder.forget_training()
