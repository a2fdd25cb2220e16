"""Training throughput: how much of the pure compute limit the data path leaves.

The limit is the training step on one random batch in memory. The real thing is the same step on
the same model, fed from a warm cache through the `document` augmentation. The two alternate in
one process, in short rounds, because separate processes drift by a quarter on a shared machine.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.contracts import Facts, ignore
from toolkit.data.augment import as_callable
from toolkit.data.cache import Pack, open_pack
from toolkit.data.loader import Batches, Images, Normalize, worker_count
from toolkit.model.build import build_model
from toolkit.model.device import make_accelerator
from toolkit.model.layout import placed
from toolkit.plugin.host import load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan
from toolkit.train.memory import keep_freed_memory
from toolkit.train.optimizer import make_optimizer
from toolkit.train.schedule import LearningRate

FLOOR = 0.93
MODELS = ("resnet18", "efficientnet_b0")
PAGES, HEIGHT, WIDTH = 128, 800, 600
CLASSES = 17
WARM_UP = 2  # rounds that are not counted: allocator, kernels' choice of algorithm, file cache

RECIPE = """
[data]
use = "folder"
root = "pages"

[image]
size = 224

[augment.train]
use = "document"

[loss]
use = "focal"
alpha = 0.5

[train]
batch_size = 16
"""


@dataclass(frozen=True)
class Job:
    model: str
    rounds: int
    steps: int
    """Training steps of each kind in a round."""
    folder: Path
    """Recipe, pages and cache."""


@dataclass(frozen=True)
class Figures:
    """Seconds an image: one value a round, except `peak`."""

    model: str
    compute: np.ndarray
    real: np.ndarray
    augment: np.ndarray
    """Of `real`: waiting for the uint8 batch."""
    normalize: np.ndarray
    """Of `real`: from the uint8 batch to the model's input."""
    peak: float
    """Largest resident memory of the process, MB."""


def main() -> int:
    options = arguments()
    models = options.model or list(MODELS)
    print(
        f"{os.cpu_count()} cores, {torch.get_num_threads()} torch threads, "
        f"{torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "benchmark.toml").write_text(RECIPE)
        draw_pages(folder / "pages")
        jobs = [Job(model, options.rounds, options.steps, folder) for model in models]
        # A fresh process for each model: its peak memory and its allocator are its own.
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            shares = [report(figures) for figures in pool.imap(measure, jobs, chunksize=1)]
    low = [model for model, share in zip(models, shares, strict=True) if share < FLOOR]
    if low:
        print(f"\nbelow {FLOOR} of the limit: {', '.join(low)}")
    return 1 if low and options.check else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", help=f"repeatable; {' and '.join(MODELS)}")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=3, help="steps of each kind in a round")
    parser.add_argument("--check", action="store_true", help=f"exit 1 below {FLOOR} of the limit")
    return parser.parse_args()


def draw_pages(folder: Path) -> None:
    """JPEG pages of words in lines, on paper of many shades; the same ones on every machine."""
    folder.mkdir()
    for number in range(PAGES):
        rng = np.random.default_rng(number)
        paper = rng.integers(200, 256, 3)
        page = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
        page[:] = paper
        size = rng.uniform(0.4, 0.9)
        for y in range(50, HEIGHT - 40, round(40 * size)):
            words = ("".join(map(chr, rng.integers(97, 123, n))) for n in rng.integers(2, 10, 12))
            line = " ".join(words)[: rng.integers(10, 70)]
            ink = rng.integers(0, 90, 3).tolist()
            cv2.putText(page, line, (40, y), cv2.FONT_HERSHEY_SIMPLEX, size, ink, 1, cv2.LINE_AA)
        page[:, WIDTH - 40 :] = paper
        cv2.imwrite(str(folder / f"{number:03d}.jpg"), page, [cv2.IMWRITE_JPEG_QUALITY, 90])


def measure(job: Job) -> Figures:
    """Alternate rounds of both kinds, each with as many steps."""
    backbone = {"backbone.use": job.model, "backbone.pretrained": False}
    plan = make_plan(load_recipe(job.folder / "benchmark.toml", backbone), load_host())
    labels = np.arange(PAGES) % CLASSES
    counts = tuple(int(n) for n in np.bincount(labels))
    facts = Facts(tuple(f"class {n}" for n in range(CLASSES)), counts, plan.image, plan.seed)
    training = Training(plan, facts, labels, open_pages(job.folder, plan))
    rounds = []
    for number in range(WARM_UP + job.rounds):
        # Who goes first alternates too: neither kind always finds the other's warm caches.
        if number % 2:
            real, compute = training.real_round(job.steps), training.compute_round(job.steps)
        else:
            compute, real = training.compute_round(job.steps), training.real_round(job.steps)
        rounds.append((compute, *real))
    compute, real, augment, normalize = np.array(rounds[WARM_UP:]).T
    return Figures(job.model, compute, real, augment, normalize, peak_megabytes())


def open_pages(folder: Path, plan: Plan) -> Pack:
    """The pack of the drawn pages; decoded by the first model's process, warm for the others."""
    pages = sorted((folder / "pages").iterdir())
    files = {hashlib.sha256(page.read_bytes()).hexdigest(): str(page) for page in pages}
    pack, faults = open_pack(files, plan.image, ignore, folder / "cache", processes=1)
    assert pack is not None, faults
    return pack


class Training:
    """A model in training, put together as `toolkit/train/fold.py` does it."""

    def __init__(self, plan: Plan, facts: Facts, labels: np.ndarray, pack: Pack) -> None:
        section = plan.train
        self.accelerator = make_accelerator(section.precision)
        self.device: torch.device = self.accelerator.device
        if self.device.type == "cpu":
            keep_freed_memory()
        torch.manual_seed(plan.seed)
        model, preprocess = build_model(plan.choice("backbone"), facts)
        model = placed(model, self.device, channels_last=section.channels_last)
        self.criterion = plan.choice("loss").build(facts).to(self.device)
        optimizer = make_optimizer(model, plan.optimizer)
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.model.train()
        self.optimizer.zero_grad()
        self.normalize = Normalize(preprocess, self.device, section.channels_last)
        self.targets = F.one_hot(torch.tensor(labels), CLASSES).float().to(self.device)

        augment = as_callable(plan.choice("augment", "train").build(plan.image))
        images = Images(pack, np.arange(PAGES), plan.image, augment, (plan.seed,))
        workers = worker_count(section.workers, self.device)
        self.batches = Batches(images, section.batch_size, workers, pin=self.device.type == "cuda")
        steps_per_epoch = len(self.batches.split(np.arange(PAGES)))
        self.rate = LearningRate(optimizer, plan.schedule, section.epochs, steps_per_epoch)
        self.feed = self.endless()
        self.in_memory = torch.randn(section.batch_size, 3, plan.image.size, plan.image.size)
        self.in_memory = self.in_memory.to(self.device)
        if section.channels_last:
            self.in_memory = self.in_memory.contiguous(memory_format=torch.channels_last)

    def endless(self) -> Iterator[tuple[np.ndarray, Tensor]]:
        epoch = 0
        while True:
            order = np.random.default_rng(epoch).permutation(PAGES)
            yield from self.batches.epoch(order, epoch)
            epoch += 1

    def compute_round(self, steps: int) -> float:
        """Seconds an image of the step alone."""
        targets = self.targets[: len(self.in_memory)]
        started = self.now()
        for _ in range(steps):
            self.step(self.in_memory, targets)
        return (self.now() - started) / (steps * len(self.in_memory))

    def real_round(self, steps: int) -> tuple[float, float, float]:
        """Seconds an image of data and step, and of it: of augmentation, of normalization."""
        augment = normalize = images = 0.0
        started = self.now()
        for _ in range(steps):
            begun = time.perf_counter()
            rows, pixels = next(self.feed)
            augmented = time.perf_counter()
            batch = self.normalize(pixels)
            normalize += time.perf_counter() - augmented
            augment += augmented - begun
            self.step(batch, self.targets[rows])
            images += len(rows)
        return (self.now() - started) / images, augment / images, normalize / images

    def step(self, batch: Tensor, targets: Tensor) -> None:
        """The step of the training loop, in its order."""
        with self.accelerator.autocast():
            logits = self.model(batch)
        loss = self.criterion(logits, targets)
        self.accelerator.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.rate.step()

    def now(self) -> float:
        """The time, when everything that was asked of the device is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def peak_megabytes() -> float:
    if sys.platform == "win32":
        return float("nan")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def report(figures: Figures) -> float:
    """Print a model's figures. Returns the share of the limit that the gate looks at."""
    compute, real = np.median(figures.compute), np.median(figures.real)
    low, high = np.quantile(figures.compute / figures.real, (0.25, 0.75))
    rows: dict[str, Any] = {
        "compute only": f"{1 / compute:.1f} images/s (fastest {1 / figures.compute.min():.1f})",
        "cache + document": f"{1 / real:.1f} images/s (fastest {1 / figures.real.min():.1f})",
        "share of the limit": (
            f"{compute / real:.3f} (half of the rounds {low:.3f}-{high:.3f}; "
            f"fastest against fastest {figures.compute.min() / figures.real.min():.3f})"
        ),
        "augment": f"{1000 * np.median(figures.augment):.2f} ms an image",
        "normalize": f"{1000 * np.median(figures.normalize):.2f} ms an image",
        "peak memory": f"{figures.peak:.0f} MB",
    }
    print(f"\n{figures.model}, {len(figures.compute)} rounds")
    for name, value in rows.items():
        print(f"  {name:<20}{value}")
    return float(compute / real)


if __name__ == "__main__":
    sys.exit(main())
