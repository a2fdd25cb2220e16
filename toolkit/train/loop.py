"""The training loop. `Loop.epoch` is read top to bottom: all that a step does stands in it."""

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
from toolkit.model.device import resolve_precision
from toolkit.model.invariants import require_logits, require_loss
from toolkit.recipe.scores import ALWAYS, CLEAN, ROBUST, Score
from toolkit.runs.atomic import write_json
from toolkit.runs.supervised import mark
from toolkit.score.measures import measures_of
from toolkit.train.best import enough, judge
from toolkit.train.checkpoint import keep_best, load_selected, mark_done, resume, save_state
from toolkit.train.evaluate import Evaluator
from toolkit.train.finite import LOOK_EVERY, infinite_buffers, require_losses, require_weights
from toolkit.train.job import FoldJob, Progress, per_second
from toolkit.train.order import build_sampler, drawn_rows, drawn_text
from toolkit.train.schedule import LearningRate
from toolkit.train.setup import batches_of, build_learner, order_of, variants_of


class Loop:
    """A fold in training: what learns, the data, and where the loop stands."""

    def __init__(self, job: FoldJob, notify: Notify, hook: Any) -> None:
        plan, train = job.plan, job.plan.train
        self.started = time.perf_counter()
        self.job, self.notify, self.hook = job, notify, hook
        self.plan, self.section = plan, train
        self.learner = build_learner(job)
        device = self.learner.device
        self.infinite = infinite_buffers(self.learner.modules)
        self.normalize = Normalize(self.learner.preprocess, device, train.channels_last)
        self.train_batches = batches_of(job, job.train, device, augmented=True)
        variants = variants_of(job, device)
        self.measures = measures_of(plan, job.facts)
        reported = [Score(CLEAN, name).name for name in plan.validate.report]
        both = [] if job.twins is None else [Score(v, ALWAYS[0]).name for v in (CLEAN, ROBUST)]
        self.shown = list(dict.fromkeys([plan.monitor.name, *both, *reported]))
        self.evaluator = Evaluator(job, self.normalize, self.measures, variants, self._tell)
        rows = job.train
        self.sampler = build_sampler(plan.choice("sampler"), rows.labels, rows.groups, rows.parents)
        self.labels = torch.tensor(rows.labels, device=device)
        order = order_of(job, self.sampler, 0)
        self.drawn = drawn_rows(rows.labels, order, len(job.facts.classes))
        steps = len(self.train_batches.split(order))
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
        return enough(self.progress, self.section)

    def epoch(self) -> Mapping[str, float]:
        """Train on every row once, validate, keep the weights if they are the best, save the state.

        What an epoch computes hangs on the saved state of the one before it, on the seed and on
        its own number: rows and their augmentation are drawn from (seed, fold, epoch, row),
        dropout from the generators in the state. So a resumed fold ends with the bytes of one that
        was never stopped. What may differ are seconds; the last bits, too, where versions, threads
        or the machine changed, and on a GPU whose kernels sum in any order
        (`train.deterministic`).

        Returns its row of `history.csv`.
        """
        job, plan, section, progress = self.job, self.plan, self.section, self.progress
        learner, accelerator = self.learner, self.learner.accelerator
        model, criterion, optimizer = learner.model, learner.criterion, learner.optimizer
        backbone, loss_choice = plan.choice("backbone"), plan.choice("loss")
        classes, lr = len(job.facts.classes), self.rate.rate
        mark(stage="train", epoch=progress.epoch + 1, epochs=section.epochs)
        train_started = time.perf_counter()
        if progress.epoch == 0:
            text = f"fold {job.fold}: {drawn_text(self.drawn, job.facts.classes)}"
            self.notify(Event("drawn", text, data={"fold": job.fold, "drawn": self.drawn}))

        order = order_of(job, self.sampler, progress.epoch)
        batches = [len(batch) for batch in self.train_batches.split(order)][: job.steps]
        last, images = len(batches), sum(batches)
        # What an optimizer step averages over: the rows of all its batches, of which the epoch's
        # last step may have fewer, and which need not be equally long.
        step_rows = rows_of_steps(batches, section.accumulate)
        # They stay on the device: to read each loss would be to wait for each step.
        losses = torch.zeros(last, device=learner.device)
        trained = [*model.parameters(), *criterion.parameters()]
        model.train()
        criterion.train()
        optimizer.zero_grad()
        for step, (rows, pixels) in enumerate(self.train_batches.epoch(order, progress.epoch), 1):
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
            # In fp16 the scaler multiplies the loss, so that small gradients do not underflow.
            with loss_choice.blamed("its backward fails", backbone):
                accelerator.backward(loss * share)
            # An epoch's last batches make a step, be they as many as the others or not: gradients
            # that wait for the next epoch would be in no saved state.
            if step % section.accumulate == 0 or step == last:
                if section.clip_grad > 0:
                    # Unscaled first, as the limit is one of true sizes; one norm over model and
                    # loss, since they share the step.
                    accelerator.clip_grad_norm_(trained, section.clip_grad)
                # Where a scaled gradient overflowed, the scaler skips this step and scales less:
                # no fault, and the schedule goes on, as its length was counted in advance.
                optimizer.step()
                optimizer.zero_grad()
                # The rate of the next step: behind the optimizer, which took this one's.
                self.rate.step()
            losses[step - 1] = loss.detach()
            if step % LOOK_EVERY == 0 or step == last:
                first = progress.epoch == 0
                require_losses(losses[:step], self._where, last, plan, first=first)
            self._tell("train", step, last, {"images": len(rows)})
            if step == last:
                break
        # The mean over rows, not over batches; on the CPU, as not every device has float64.
        loss_sum = losses.cpu().double() @ torch.tensor(batches, dtype=torch.float64)
        seconds = time.perf_counter() - train_started

        # Before anything is kept or told: what is no number never gets further than here.
        where = f"{self._where}, behind step {last} of {last}"
        require_weights(learner.modules, where, plan, except_for=self.infinite)
        criterion.eval()
        metrics = self.evaluator.validate(model, where)
        # Signed, so that more is better: who decides by it needs to know no direction.
        monitored = self.measures.monitored.sign * metrics[plan.monitor.name]
        # The plateau rule looks at each epoch once, and its answer belongs to the state below.
        self.rate.epoch_end(monitored)
        progress.epoch += 1
        progress.images += images
        progress.train_seconds += seconds
        judge(progress, monitored, section)
        row = {
            "epoch": progress.epoch,
            "lr": lr,
            "train_loss": float(loss_sum) / images,
            **metrics,
            "images": images,
            "seconds": round(seconds, 2),
            "images_per_second": per_second(images, seconds),
            "best_epoch": progress.best_epoch,
            "selected_epoch": progress.selected_epoch,
        }
        progress.history.append(row)
        # Weights before the state that names them: killed between the two, the epoch is trained
        # again from the state before, whose own best weights are still there.
        keep_best(job, model, progress)
        progress.seconds = time.perf_counter() - self.started
        save_state(job, learner, self.rate, progress)
        # Told when it is safe: whoever listens may end the process.
        self._tell("epoch", 1, 1, {**row, "shown": self.shown})
        self.hook.toolkit_epoch_end(run=job.run, fold=job.fold, epoch=progress.epoch, metrics=row)
        return row

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
            "drawn": self.drawn,
        }
        mark_done(self.job, self.learner.model, progress, facts)
        return result

    def predict(self, where: str) -> dict[str, float]:
        """Out-of-fold and test predictions, on disk. Returns the scores."""
        mark(stage="predict", epoch=None)
        rows, device = self.job.test, self.learner.device
        test = None if rows is None else batches_of(self.job, rows, device)
        return self.evaluator.write(self.learner.model, test, where)

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
            "folds": self.plan.folds,
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
