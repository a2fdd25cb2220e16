"""One fold, from fresh weights to predictions on disk. The loop is all here, in order."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.contracts import Event, Floats, Ints, Notify
from toolkit.data.augment import build_augmentation
from toolkit.data.loader import Batches, Images, Normalize, worker_count
from toolkit.errors import UserError
from toolkit.predict.files import prediction_rows, write_predictions
from toolkit.predict.infer import mean_view, predict_views
from toolkit.runs.atomic import csv_text, write_json, write_text
from toolkit.runs.faults import safetensors
from toolkit.runs.reading import DamagedFile
from toolkit.runs.supervised import mark
from toolkit.score.metrics import scores
from toolkit.train.device import make_accelerator
from toolkit.train.invariants import require_logits, require_loss
from toolkit.train.job import FoldJob, Progress, Rows, Watch
from toolkit.train.layout import placed
from toolkit.train.memory import keep_freed_memory
from toolkit.train.model import build_model
from toolkit.train.optimizer import make_optimizer
from toolkit.train.order import build_sampler, epoch_rows
from toolkit.train.schedule import LearningRate
from toolkit.train.state import (
    load_optimizer,
    load_tree,
    load_weights,
    rng_state,
    save_tree,
    save_weights,
    set_rng_state,
)

# What a random stream is for; each gets its own, so that none shifts another.
_ORDER, _AUGMENT, _WEIGHTS = 1, 2, 3


def train_fold(job: FoldJob, notify: Notify, hook: Any, watch: Watch | None = None) -> bool:
    """Train, keep the best epoch, predict validation and test, and mark the fold as done.

    Resumes behind the last finished epoch.

    Args:
        hook: receives the tracker events.
        watch: may stop the fold behind any epoch.

    Returns whether the fold came to its end.
    """
    mark(fold=job.fold, folds=job.plan.split.folds)
    job.folder.path.mkdir(parents=True, exist_ok=True)
    hook.toolkit_fold_start(run=job.run, fold=job.fold)
    started = time.perf_counter()
    loop = _Loop(job, notify, hook)
    loop.resume()

    def see(metrics: Mapping[str, float]) -> bool:
        return watch is None or watch.epoch(job.fold, metrics)

    goes_on = all(map(see, loop.progress.history))
    try:
        while goes_on and not loop.finished:
            loop.epoch()
            goes_on = see(loop.progress.history[-1])
        if not goes_on:
            loop.free()
            return False
        load_weights(job.folder.weights, loop.bare_model)
        result = loop.predict()
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"train.batch_size = {job.plan.train.batch_size} does not fit into the GPU's memory; "
            "lower it and raise train.accumulate, or lower image.size"
        ) from error
    write_text(job.folder.history, csv_text(pd.DataFrame(loop.progress.history)))
    seconds = sum(row["seconds"] for row in loop.progress.history)
    images = sum(row["images"] for row in loop.progress.history)
    facts = {
        **result,
        "best_epoch": loop.progress.best_epoch,
        "epochs": loop.progress.epoch,
        "seconds": round(time.perf_counter() - started, 1),
        "images_per_second": round(images / seconds, 1),
    }
    write_json(job.folder.done, facts)
    job.folder.state.unlink(missing_ok=True)
    loop.free()
    hook.toolkit_fold_end(run=job.run, fold=job.fold, scores=result)
    return True


def predict_fold(job: FoldJob, notify: Notify) -> None:
    """Write a finished fold's predictions again, from its weights."""
    loop = _Loop(job, notify, hook=None)
    load_weights(job.folder.weights, loop.bare_model)
    loop.predict()
    loop.free()


class _Loop:
    """Model, optimizer, schedule and data of a fold in training."""

    def __init__(self, job: FoldJob, notify: Notify, hook: Any) -> None:
        plan, train = job.plan, job.plan.train
        self.job, self.notify, self.hook = job, notify, hook
        self.plan, self.section = plan, train
        self.accelerator = make_accelerator(train.precision)
        device: torch.device = self.accelerator.device
        if device.type == "cpu":
            keep_freed_memory()
        torch.manual_seed(_seed(job, _WEIGHTS))
        model, self.preprocess = build_model(plan, job.facts)
        model = placed(model, device, channels_last=train.channels_last)
        self.criterion: nn.Module = plan.choice("loss").build(job.facts).to(device)
        optimizer = make_optimizer(model, plan.optimizer)
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.bare_model: nn.Module = self.accelerator.unwrap_model(self.model)
        self.normalize = Normalize(self.preprocess, device, train.channels_last)
        self.train_batches = self._batches(job.train, augmented=True)
        self.validation_batches = self._batches(job.validation)
        rows = job.train
        self.sampler = build_sampler(plan.choice("sampler"), rows.labels, rows.groups, rows.parents)
        self.labels = torch.tensor(job.train.labels, device=device)
        steps = len(self.train_batches.split(self._order(0)))
        steps = min(steps, job.steps or steps)
        self.steps = math.ceil(steps / train.accumulate)
        self.rate = LearningRate(optimizer, plan.schedule, train.epochs, self.steps)
        self.progress = Progress()
        write_json(job.folder.preprocess, self.preprocess.to_json())

    def _batches(self, rows: Rows, *, augmented: bool = False) -> Batches:
        augment = None
        if augmented:
            augment = build_augmentation(self.plan.choice("augment", "train"), self.plan.image)
        seed = (self.plan.seed, self.job.fold, _AUGMENT)
        images = Images(self.job.pack, rows.packed, self.plan.image, augment, seed)
        device = self.accelerator.device
        workers = worker_count(self.section.workers, device) if augmented else 0
        # Predictions are made in evaluation mode, where one row is as good as any number.
        alone = {"one_row_trains": self.job.one_row_trains} if augmented else {}
        pin = device.type == "cuda"
        return Batches(images, self.section.batch_size, workers, pin=pin, **alone)

    @property
    def finished(self) -> bool:
        early_stop, progress = self.section.early_stop, self.progress
        stale = early_stop > 0 and progress.stale >= early_stop
        return progress.epoch >= self.section.epochs or stale

    def epoch(self) -> None:
        """Train on every row, validate, keep the weights if they are the best, save the state."""
        started = time.perf_counter()
        mark(stage="train", epoch=self.progress.epoch + 1, epochs=self.section.epochs)
        rate = self.rate.rate
        loss, images = self._train()
        train_seconds = time.perf_counter() - started
        result = self._validate()
        progress = self.progress
        progress.epoch += 1
        if not math.isfinite(loss):
            raise UserError(
                f"fold {self.job.fold}, epoch {progress.epoch}: the loss is {loss}; lower "
                'optimizer.lr, set train.clip_grad, or use train.precision = "fp32"'
            )
        monitored = result["clean_f1"]
        self.rate.epoch_end(monitored)
        if monitored > progress.best:
            progress.best, progress.best_epoch, progress.stale = monitored, progress.epoch, 0
            save_weights(self.job.folder.weights, self.bare_model)
        else:
            progress.stale += 1
        row = {
            "epoch": progress.epoch,
            "lr": rate,
            "train_loss": loss,
            **result,
            "images": images,
            "seconds": round(train_seconds, 2),
            "images_per_second": round(images / train_seconds, 1),
        }
        progress.history.append(row)
        self._save()
        self._tell("epoch", 1, 1, row)
        run, fold = self.job.run, self.job.fold
        self.hook.toolkit_epoch_end(run=run, fold=fold, epoch=progress.epoch, metrics=row)

    def _train(self) -> tuple[float, int]:
        """One pass over the training rows. Returns the mean loss and the number of images."""
        model, section = self.model, self.section
        order = self._order(self.progress.epoch)
        batches = [len(batch) for batch in self.train_batches.split(order)][: self.job.steps]
        last = len(batches)
        # What an optimizer step averages over: the rows of all its batches, of which the epoch's
        # last step may have fewer, and which need not be equally long.
        step_rows = rows_of_steps(batches, section.accumulate)
        total, images = torch.zeros((), device=self.accelerator.device), 0
        model.train()
        self.optimizer.zero_grad()
        for step, (rows, pixels) in enumerate(
            self.train_batches.epoch(order, self.progress.epoch), 1
        ):
            batch = self.normalize(pixels)
            targets = targets_of(
                self.labels[rows], len(self.job.facts.classes), section.label_smoothing
            )
            with self.accelerator.autocast():
                logits = model(batch)
            self._require_logits(logits, len(rows), "in training")
            loss = require_loss(self.plan.choice("loss"), self.criterion(logits, targets))
            # A batch's loss is the mean of its rows: weighted by their share of the step's rows,
            # the gradients add up to that of the mean over the step, whatever the cut.
            share = len(rows) / step_rows[(step - 1) // section.accumulate]
            self.accelerator.backward(loss * share)
            if step % section.accumulate == 0 or step == last:
                if section.clip_grad > 0:
                    self.accelerator.clip_grad_norm_(model.parameters(), section.clip_grad)
                self.optimizer.step()
                self.optimizer.zero_grad()
                self.rate.step()
            total += loss.detach() * len(rows)
            images += len(rows)
            self._tell("train", step, last, {"images": len(rows)})
            if step == last:
                break
        return float(total) / images, images

    def _validate(self) -> dict[str, float]:
        probabilities = self._predict(self.validation_batches, self.job.validation, ["identity"])
        found = scores(self.job.validation.labels, probabilities["identity"])
        return {
            "clean_f1": found["macro_f1"],
            "clean_accuracy": found["accuracy"],
            "clean_log_loss": found["log_loss"],
        }

    def predict(self) -> dict[str, float]:
        """Out-of-fold and test predictions of the best epoch, on disk. Returns the scores."""
        mark(stage="predict", epoch=None)
        job, views = self.job, self.plan.tta.views
        by_view = self._predict(self.validation_batches, job.validation, views)
        mean = mean_view(by_view)
        rows = prediction_rows(job.validation.ids, job.validation.parents, job.fold, by_view, mean)
        write_predictions(job.folder.oof, rows, job.meta)
        if job.test is not None:
            by_view = self._predict(self._batches(job.test), job.test, views)
            test = prediction_rows(
                job.test.ids, job.test.parents, job.fold, by_view, mean_view(by_view)
            )
            write_predictions(job.folder.test, test, job.meta)
        return scores(job.validation.labels, mean)

    def _predict(
        self, batches: Batches, rows: Rows, views: list[Any] | list[str]
    ) -> dict[str, Floats]:
        done = 0

        def on_images(count: int) -> None:
            nonlocal done
            done += count
            self._tell("predict", done, len(rows.ids), {"images": count})

        return predict_views(
            self.model,
            batches,
            len(rows.ids),
            self.normalize,
            views,
            self.accelerator.autocast,
            on_images,
            partial(self._require_logits, when="in prediction"),
        )

    def _require_logits(self, logits: object, rows: int, when: str) -> Tensor:
        classes = len(self.job.facts.classes)
        return require_logits(self.plan.choice("backbone"), logits, rows, classes, when)

    def _order(self, epoch: int) -> Ints:
        """The rows of an epoch; the same ones whenever it is asked."""
        rng = np.random.default_rng((self.plan.seed, self.job.fold, _ORDER, epoch))
        return epoch_rows(
            self.plan.choice("sampler"), self.sampler, rng, len(self.job.train.labels)
        )

    def _save(self) -> None:
        scaler = self.accelerator.scaler
        tree = {
            "model": self.bare_model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rate": self.rate.state_dict(),
            "scaler": None if scaler is None else scaler.state_dict(),
            "rng": rng_state(),
            "progress": asdict(self.progress),
        }
        save_tree(self.job.folder.state, tree)

    def resume(self) -> None:
        """Go back to the end of the last finished epoch, if there is one."""
        files = self.job.folder
        if not files.state.is_file():
            return
        try:
            tree = load_tree(files.state)
            if tree["progress"]["best_epoch"]:
                safetensors(files.weights, "")
        except DamagedFile as damage:
            self.notify(Event("message", f"{damage}; fold {self.job.fold} starts anew"))
            files.state.unlink()
            return
        self.bare_model.load_state_dict(tree["model"])
        load_optimizer(self.optimizer.optimizer, tree["optimizer"])
        self.rate.load_state_dict(tree["rate"])
        if tree["scaler"] is not None:
            self.accelerator.scaler.load_state_dict(tree["scaler"])
        set_rng_state(tree["rng"])
        self.progress = Progress(**tree["progress"])
        text = f"fold {self.job.fold}: resumed behind epoch {self.progress.epoch}"
        self.notify(Event("message", text))

    def free(self) -> None:
        """Let go of the model: a prepared one refers to itself, and without this the next fold
        allocates beside it."""
        self.accelerator.free_memory()
        self.__dict__.clear()
        gc.collect()

    def _tell(self, stage: str, done: int, total: int, data: Mapping[str, Any]) -> None:
        where = {
            "fold": self.job.fold,
            "folds": self.plan.split.folds,
            "epoch": self.progress.epoch,
            "epochs": self.section.epochs,
        }
        self.notify(Event(stage, done=done, total=total, data={**where, **data}))


def rows_of_steps(batches: Sequence[int], accumulate: int) -> list[int]:
    """Rows of each optimizer step, from the rows of each batch and the batches of a step."""
    starts = range(0, len(batches), accumulate)
    return [sum(batches[start : start + accumulate]) for start in starts]


def targets_of(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Target probabilities `(B, C)` of labels `(B,)`; smoothing spreads its share evenly over all
    classes (Szegedy et al. 2016, arXiv:1512.00567, section 7). Made a batch at a time: of a
    million rows and a thousand classes they would be 4 GB."""
    one_hot = F.one_hot(labels, classes).float()
    return one_hot * (1 - smoothing) + smoothing / classes


def _seed(job: FoldJob, purpose: int) -> int:
    """A seed for torch, from the run's seed, the fold and what it is for."""
    entropy = np.random.SeedSequence((job.plan.seed, job.fold, purpose))
    return int(entropy.generate_state(1, np.uint32)[0])
