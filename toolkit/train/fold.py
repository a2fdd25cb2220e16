"""One fold, from fresh weights to predictions on disk. The loop is all here, in order."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.contracts import Event, Notify
from toolkit.data.loader import Normalize
from toolkit.errors import UserError
from toolkit.runs.atomic import write_json
from toolkit.runs.supervised import mark
from toolkit.train.checkpoint import keep_best, load_selected, mark_done, resume, save_state
from toolkit.train.device import deterministic, resolve_precision
from toolkit.train.evaluate import Evaluator
from toolkit.train.finite import LOOK_EVERY, infinite_buffers, require_losses, require_weights
from toolkit.train.invariants import require_logits, require_loss
from toolkit.train.job import FoldJob, Progress, Watch, per_second
from toolkit.train.order import build_sampler
from toolkit.train.schedule import LearningRate
from toolkit.train.setup import batches_of, build_learner, order_of
from toolkit.train.state import load_weights


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
        load_weights(job.folder.weights, loop.learner.model)
        loop.predict(f"fold {job.fold}, with {job.folder.weights.name}")
    loop.free()


class _Loop:
    """A fold in training: what learns, the data, and where the loop stands."""

    def __init__(self, job: FoldJob, notify: Notify, hook: Any) -> None:
        plan, train = job.plan, job.plan.train
        self.started = time.perf_counter()
        self.job, self.notify, self.hook = job, notify, hook
        self.plan, self.section = plan, train
        self.learner = build_learner(job)
        model, device = self.learner.model, self.learner.device
        self.infinite = infinite_buffers(self.learner.modules)
        self.normalize = Normalize(self.learner.preprocess, device, train.channels_last)
        self.evaluator = Evaluator(job, model, self.normalize, self._tell)
        self.train_batches = batches_of(job, job.train, device, augmented=True)
        self.validation_batches = batches_of(job, job.validation, device)
        rows = job.train
        self.sampler = build_sampler(plan.choice("sampler"), rows.labels, rows.groups, rows.parents)
        self.labels = torch.tensor(rows.labels, device=device)
        steps = len(self.train_batches.split(order_of(job, self.sampler, 0)))
        steps = math.ceil(min(steps, job.steps or steps) / train.accumulate)
        optimizer = self.learner.optimizer.optimizer
        self.rate = LearningRate(optimizer, plan.schedule, train.epochs, steps)
        self.progress = Progress()
        write_json(job.folder.preprocess, self.learner.preprocess.to_json())

    def resume(self) -> None:
        """Go back to the end of the last finished epoch, if there is one."""
        self.progress = resume(self.job, self.learner, self.rate, self.notify)
        self.started -= self.progress.seconds  # those of the starts before this one

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
        require_weights(self.learner.modules, where, self.plan, except_for=self.infinite)
        self.learner.criterion.eval()
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
        keep_best(self.job, self.learner.model, progress)
        progress.seconds = time.perf_counter() - self.started
        save_state(self.job, self.learner, self.rate, progress)
        self._tell("epoch", 1, 1, row)
        run, fold = self.job.run, self.job.fold
        self.hook.toolkit_epoch_end(run=run, fold=fold, epoch=progress.epoch, metrics=row)

    def _train(self) -> tuple[float, int, int]:
        """One pass over the training rows. Returns the mean loss, the images and the steps."""
        learner, plan, section = self.learner, self.plan, self.section
        model, criterion = learner.model, learner.criterion
        accelerator, optimizer = learner.accelerator, learner.optimizer
        classes = len(self.job.facts.classes)
        backbone, loss_choice = plan.choice("backbone"), plan.choice("loss")
        order = order_of(self.job, self.sampler, self.progress.epoch)
        batches = [len(batch) for batch in self.train_batches.split(order)][: self.job.steps]
        last = len(batches)
        # What an optimizer step averages over: the rows of all its batches, of which the epoch's
        # last step may have fewer, and which need not be equally long.
        step_rows = rows_of_steps(batches, section.accumulate)
        # They stay on the device: to read each loss would be to wait for each step.
        losses = torch.zeros(last, device=learner.device)
        trained = [*model.parameters(), *criterion.parameters()]
        model.train()
        criterion.train()
        optimizer.zero_grad()
        for step, (rows, pixels) in enumerate(
            self.train_batches.epoch(order, self.progress.epoch), 1
        ):
            batch = self.normalize(pixels)
            targets = targets_of(self.labels[rows], classes, section.label_smoothing)
            with backbone.blamed("its forward fails"), accelerator.autocast():
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
                accelerator.backward(loss * share)
            if step % section.accumulate == 0 or step == last:
                if section.clip_grad > 0:
                    # One norm over model and loss, unscaled first: the limit is one of true sizes.
                    accelerator.clip_grad_norm_(trained, section.clip_grad)
                optimizer.step()
                optimizer.zero_grad()
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

        Returns the scores.
        """
        progress = self.progress
        load_selected(self.job, self.learner.model, progress)
        where = f"fold {self.job.fold}, with the weights of epoch {progress.selected_epoch}"
        result = self.predict(where)
        facts = {
            **result,
            "best_epoch": progress.best_epoch,
            "selected_epoch": progress.selected_epoch,
            "epochs": progress.epoch,
            "seconds": round(time.perf_counter() - self.started, 1),
            "images_per_second": per_second(progress.images, progress.train_seconds),
            "precision": resolve_precision(self.section.precision),
        }
        mark_done(self.job, self.learner.model, progress, facts)
        return result

    def predict(self, where: str) -> dict[str, float]:
        """Out-of-fold and test predictions, on disk. Returns the scores."""
        mark(stage="predict", epoch=None)
        rows, device = self.job.test, self.learner.device
        test = None if rows is None else batches_of(self.job, rows, device)
        return self.evaluator.write(self.validation_batches, test, where)

    @property
    def _where(self) -> str:
        """The epoch under way, for an error."""
        return f"fold {self.job.fold}, epoch {self.progress.epoch + 1}"

    def free(self) -> None:
        """Let go of the model: what refers to itself would stay, and the next fold would allocate
        beside it."""
        self.learner.accelerator.free_memory()
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
