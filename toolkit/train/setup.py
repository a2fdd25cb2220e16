"""What a fold trains with and on, built from its plan: the learner, the batches, the order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from toolkit.contracts import Ints, Preprocess
from toolkit.data.augment import build_augmentation
from toolkit.data.loader import Batches, Images, worker_count
from toolkit.data.offline import Joined
from toolkit.data.pack import Pack
from toolkit.model.build import build_model
from toolkit.model.device import make_accelerator
from toolkit.model.layout import placed
from toolkit.recipe.scores import CLEAN
from toolkit.train.job import FoldJob, Rows
from toolkit.train.optimizer import make_optimizer
from toolkit.train.order import epoch_rows
from toolkit.train.state import require_state

# What a random stream is for; each gets its own, so that none shifts another.
_ORDER, _AUGMENT, _WEIGHTS = 1, 2, 3


@dataclass(frozen=True)
class Learner:
    """What learns, on its device."""

    accelerator: Any
    model: nn.Module
    criterion: nn.Module
    optimizer: Any
    """As the accelerator prepared it."""
    preprocess: Preprocess
    """What the model wants its images to be."""

    @property
    def device(self) -> torch.device:
        device: torch.device = self.accelerator.device
        return device

    @property
    def modules(self) -> dict[str, nn.Module]:
        return {"backbone": self.model, "loss": self.criterion}


def build_learner(job: FoldJob) -> Learner:
    """Fresh weights, the loss, and the optimizer of both; the weights depend on nothing but the
    run's seed and the fold."""
    plan, train = job.plan, job.plan.train
    accelerator = make_accelerator(train.precision)
    device: torch.device = accelerator.device
    torch.manual_seed(_seed(job, _WEIGHTS))
    model, preprocess = build_model(plan.choice("backbone"), job.facts)
    model = placed(model, device, channels_last=train.channels_last)
    criterion: nn.Module = plan.choice("loss").build(job.facts).to(device)
    loss = plan.choice("loss")
    require_state(loss.component, criterion, loss.whose)
    optimizer = make_optimizer(model, plan.optimizer, criterion)
    # The model itself stays as it is: prepared, it would compute in reduced precision wherever
    # it is called, also where it predicts.
    return Learner(accelerator, model, criterion, accelerator.prepare(optimizer), preprocess)


def batches_of(
    job: FoldJob, rows: Rows, device: torch.device, *, augmented: bool = False
) -> Batches:
    """The batches of a fold's rows; of training rows, `augmented`."""
    return _batches(job, job.pack, rows.packed, device, augmented=augmented)


def variants_of(job: FoldJob, device: torch.device) -> dict[str, Batches]:
    """The batches of a fold's validation rows, by variant: as they are, and of their twins."""
    found = {CLEAN: batches_of(job, job.validation, device)}
    if job.twins is not None:
        for name, packed in zip(job.twins.variants, job.twins.rows.T, strict=True):
            found[name] = _batches(job, job.twins.pack, packed, device)
    return found


def _batches(
    job: FoldJob,
    pack: Pack | Joined,
    packed: Ints,
    device: torch.device,
    *,
    augmented: bool = False,
) -> Batches:
    plan, train = job.plan, job.plan.train
    augment = build_augmentation(plan.choice("augment", "train"), plan.image) if augmented else None
    seed = (plan.seed, job.fold, _AUGMENT)
    images = Images(pack, packed, plan.image, augment, seed)
    workers = worker_count(train.workers, device) if augmented else 0
    # Predictions are made in evaluation mode, where one row is as good as any number.
    alone = {"one_row_trains": job.one_row_trains} if augmented else {}
    return Batches(images, train.batch_size, workers, pin=device.type == "cuda", **alone)


def order_of(job: FoldJob, sampler: Any, epoch: int) -> Ints:
    """The rows of an epoch; the same ones whenever it is asked."""
    rng = np.random.default_rng((job.plan.seed, job.fold, _ORDER, epoch))
    return epoch_rows(job.plan.choice("sampler"), sampler, rng, len(job.train.labels))


def _seed(job: FoldJob, purpose: int) -> int:
    """A seed for torch, from the run's seed, the fold and what it is for."""
    entropy = np.random.SeedSequence((job.plan.seed, job.fold, purpose))
    return int(entropy.generate_state(1, np.uint32)[0])
