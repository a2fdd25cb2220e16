"""One fold, from fresh weights to predictions on disk. The loop is all here, in order."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from toolkit.contracts import Event, Ints, Notify
from toolkit.data.augment import build_augmentation
from toolkit.data.loader import Batches, Images, Normalize, worker_count
from toolkit.errors import UserError
from toolkit.runs.atomic import csv_text, write_json, write_text
from toolkit.runs.faults import safetensors
from toolkit.runs.reading import DamagedFile
from toolkit.runs.supervised import mark
from toolkit.train.device import deterministic, make_accelerator, resolve_precision
from toolkit.train.evaluate import Evaluator
from toolkit.train.finite import LOOK_EVERY, infinite_buffers, require_losses, require_weights
from toolkit.train.invariants import require_logits, require_loss
from toolkit.train.job import FoldJob, Progress, Rows, Watch, per_second
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
    require_state,
    rng_state,
    save_tree,
    save_weights,
    set_rng_state,
)

# What a random stream is for; each gets its own, so that none shifts another.
_ORDER, _AUGMENT, _WEIGHTS = 1, 2, 3


def train_fold(job: FoldJob, notify: Notify, hook: Any, watch: Watch | None = None) -> bool:
    """Train, keep one epoch's weights, predict validation and test, and mark the fold as done.

    Resumes behind the last finished epoch.

    Args:
        hook: receives the tracker events.
        watch: may stop the fold behind any epoch.

    Returns whether the fold came to its end.
    """
    mark(fold=job.fold, folds=job.plan.split.folds)
    job.folder.path.mkdir(parents=True, exist_ok=True)
    hook.toolkit_fold_start(run=job.run, fold=job.fold)

    def see(metrics: Mapping[str, float]) -> bool:
        return watch is None or watch.epoch(job.fold, metrics)

    try:
        with deterministic(asked=job.plan.train.deterministic):
            loop = _Loop(job, notify, hook)
            loop.resume()
            goes_on = all(map(see, loop.progress.history))
            while goes_on and not loop.finished:
                loop.epoch()
                goes_on = see(loop.progress.history[-1])
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
        loop = _Loop(job, notify, hook=None)
        load_weights(job.folder.weights, loop.model)
        loop.predict(f"fold {job.fold}, with {job.folder.weights.name}")
    loop.free()


class _Loop:
    """Model, optimizer, schedule and data of a fold in training."""

    def __init__(self, job: FoldJob, notify: Notify, hook: Any) -> None:
        plan, train = job.plan, job.plan.train
        self.started = time.perf_counter()
        self.job, self.notify, self.hook = job, notify, hook
        self.plan, self.section = plan, train
        self.accelerator = make_accelerator(train.precision)
        device: torch.device = self.accelerator.device
        if device.type == "cpu":
            keep_freed_memory()
        torch.manual_seed(_seed(job, _WEIGHTS))
        model, self.preprocess = build_model(plan, job.facts)
        self.model: nn.Module = placed(model, device, channels_last=train.channels_last)
        self.criterion: nn.Module = plan.choice("loss").build(job.facts).to(device)
        require_state(plan.choice("loss").component, self.criterion)
        self.modules = {"backbone": self.model, "loss": self.criterion}
        self.infinite = infinite_buffers(self.modules)
        optimizer = make_optimizer(self.model, plan.optimizer, self.criterion)
        # The model itself stays as it is: prepared, it would compute in reduced precision wherever
        # it is called, also where it predicts.
        self.optimizer = self.accelerator.prepare(optimizer)
        self.normalize = Normalize(self.preprocess, device, train.channels_last)
        self.evaluator = Evaluator(job, self.model, self.normalize, self._tell)
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
        progress, rate = self.progress, self.rate.rate
        mark(stage="train", epoch=progress.epoch + 1, epochs=self.section.epochs)
        train_started = time.perf_counter()
        loss, images, steps = self._train()
        train_seconds = time.perf_counter() - train_started
        # Before anything is kept or told: what is no number never gets further than here.
        where = f"{self._where}, behind step {steps} of {steps}"
        require_weights(self.modules, where, self.plan, except_for=self.infinite)
        self.criterion.eval()
        result = self.evaluator.validate(self.validation_batches, where)
        monitored = result["clean_f1"]
        self.rate.epoch_end(monitored)
        progress.epoch += 1
        progress.images += images
        progress.train_seconds += train_seconds
        if monitored > progress.best:
            progress.best, progress.best_epoch, progress.stale = monitored, progress.epoch, 0
        else:
            progress.stale += 1
        best = self.section.select == "best"
        progress.selected_epoch = progress.best_epoch if best else progress.epoch
        row = {
            "epoch": progress.epoch,
            "lr": rate,
            "train_loss": loss,
            **result,
            "images": images,
            "seconds": round(train_seconds, 2),
            "images_per_second": per_second(images, train_seconds),
            "best_epoch": progress.best_epoch,
            "selected_epoch": progress.selected_epoch,
        }
        progress.history.append(row)
        self._save()
        self._tell("epoch", 1, 1, row)
        run, fold = self.job.run, self.job.fold
        self.hook.toolkit_epoch_end(run=run, fold=fold, epoch=progress.epoch, metrics=row)

    def _train(self) -> tuple[float, int, int]:
        """One pass over the training rows. Returns the mean loss, the images and the steps."""
        model, criterion, plan, section = self.model, self.criterion, self.plan, self.section
        classes = len(self.job.facts.classes)
        backbone, loss_choice = plan.choice("backbone"), plan.choice("loss")
        order = self._order(self.progress.epoch)
        batches = [len(batch) for batch in self.train_batches.split(order)][: self.job.steps]
        last = len(batches)
        # What an optimizer step averages over: the rows of all its batches, of which the epoch's
        # last step may have fewer, and which need not be equally long.
        step_rows = rows_of_steps(batches, section.accumulate)
        # They stay on the device: to read each loss would be to wait for each step.
        losses = torch.zeros(last, device=self.accelerator.device)
        trained = [*model.parameters(), *criterion.parameters()]
        model.train()
        criterion.train()
        self.optimizer.zero_grad()
        for step, (rows, pixels) in enumerate(
            self.train_batches.epoch(order, self.progress.epoch), 1
        ):
            batch = self.normalize(pixels)
            targets = targets_of(self.labels[rows], classes, section.label_smoothing)
            with backbone.blamed("its forward fails"), self.accelerator.autocast():
                logits = model(batch)
            require_logits(backbone, logits, len(rows), classes, "in training")
            # Outside of autocast and in float32: sums of exponentials need the digits.
            with loss_choice.blamed("its forward fails"):
                value = criterion(logits.float(), targets)
            loss = require_loss(loss_choice, value)
            # A batch's loss is the mean of its rows: weighted by their share of the step's rows,
            # the gradients add up to that of the mean over the step, whatever the cut.
            share = len(rows) / step_rows[(step - 1) // section.accumulate]
            # Scaled against underflow where the precision is fp16; a scaled gradient that
            # overflows makes the scaler skip the step and scale less, and is no fault.
            with loss_choice.blamed("its backward fails", backbone):
                self.accelerator.backward(loss * share)
            if step % section.accumulate == 0 or step == last:
                if section.clip_grad > 0:
                    # One norm over model and loss, unscaled first: the limit is one of true sizes.
                    self.accelerator.clip_grad_norm_(trained, section.clip_grad)
                self.optimizer.step()
                self.optimizer.zero_grad()
                self.rate.step()
            losses[step - 1] = loss.detach()
            if step % LOOK_EVERY == 0 or step == last:
                first = self.progress.epoch == 0
                require_losses(losses[:step], self._where, last, plan, first=first)
            self._tell("train", step, last, {"images": len(rows)})
            if step == last:
                break
        # The mean over rows, not over batches; on the CPU, as not every device has float64.
        images = sum(batches)
        loss_sum = losses.cpu().double() @ torch.tensor(batches, dtype=torch.float64)
        return float(loss_sum) / images, images, last

    def finish(self) -> dict[str, float]:
        """Predict with the weights that are kept, write them, and mark the fold as done.

        Returns the scores. The state goes last: until the fold is marked, a start that finds it
        does all of this again.
        """
        folder, progress = self.job.folder, self.progress
        if self.section.select == "best":  # the last epoch's are there already, as the state's
            load_weights(folder.best(progress.best_epoch), self.model)
        where = f"fold {self.job.fold}, with the weights of epoch {progress.selected_epoch}"
        result = self.predict(where)
        save_weights(folder.weights, self.model)
        write_text(folder.history, csv_text(pd.DataFrame(progress.history)))
        facts = {
            **result,
            "best_epoch": progress.best_epoch,
            "selected_epoch": progress.selected_epoch,
            "epochs": progress.epoch,
            "seconds": round(time.perf_counter() - self.started, 1),
            "images_per_second": per_second(progress.images, progress.train_seconds),
            "precision": resolve_precision(self.section.precision),
        }
        write_json(folder.done, facts)
        folder.forget_training()
        return result

    def predict(self, where: str) -> dict[str, float]:
        """Out-of-fold and test predictions, on disk. Returns the scores."""
        mark(stage="predict", epoch=None)
        test = None if self.job.test is None else self._batches(self.job.test)
        return self.evaluator.write(self.validation_batches, test, where)

    @property
    def _where(self) -> str:
        """The epoch under way, for an error."""
        return f"fold {self.job.fold}, epoch {self.progress.epoch + 1}"

    def _order(self, epoch: int) -> Ints:
        """The rows of an epoch; the same ones whenever it is asked."""
        rng = np.random.default_rng((self.plan.seed, self.job.fold, _ORDER, epoch))
        return epoch_rows(
            self.plan.choice("sampler"), self.sampler, rng, len(self.job.train.labels)
        )

    def _save(self) -> None:
        """Save the loop behind an epoch, and the weights of its best one.

        The best weights get a name of their own before the state says that they are the best, and
        those before them go afterwards: killed between any two of these, the state finds the
        weights that it names.
        """
        folder, progress = self.job.folder, self.progress
        if self.section.select == "best" and progress.best_epoch == progress.epoch:
            save_weights(folder.best(progress.epoch), self.model)
        progress.seconds = time.perf_counter() - self.started
        scaler = self.accelerator.scaler
        tree = {
            "model": self.model.state_dict(),
            "loss": self.criterion.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rate": self.rate.state_dict(),
            "scaler": None if scaler is None else scaler.state_dict(),
            "rng": rng_state(),
            "progress": asdict(progress),
        }
        save_tree(folder.state, tree)
        folder.forget_best(but=progress.best_epoch)

    def resume(self) -> None:
        """Go back to the end of the last finished epoch, if there is one."""
        folder = self.job.folder
        if not folder.state.is_file():
            return
        try:
            tree = load_tree(folder.state)
            progress = Progress(**tree["progress"])
            if self.section.select == "best":
                safetensors(folder.best(progress.best_epoch), "")
        except DamagedFile as damage:
            self.notify(Event("message", f"{damage}; fold {self.job.fold} starts anew"))
            folder.forget_training()
            return
        self.model.load_state_dict(tree["model"])
        with self.plan.choice("loss").blamed("it cannot take its own state back"):
            self.criterion.load_state_dict(tree["loss"])
        load_optimizer(self.optimizer.optimizer, tree["optimizer"])
        self.rate.load_state_dict(tree["rate"])
        if tree["scaler"] is not None:
            self.accelerator.scaler.load_state_dict(tree["scaler"])
        set_rng_state(tree["rng"])
        self.progress = progress
        self.started -= progress.seconds  # those of the starts before this one
        text = f"fold {self.job.fold}: resumed behind epoch {self.progress.epoch}"
        self.notify(Event("message", text))

    def free(self) -> None:
        """Let go of the model: what refers to itself would stay, and the next fold would allocate
        beside it."""
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
