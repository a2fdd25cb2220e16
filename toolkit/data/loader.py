"""Batches: rows of the pack, augmented, as uint8 arrays; and their normalization on the device."""

from __future__ import annotations

import math
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info

from toolkit.contracts import Augmentation, ImageSpec, Ints, Preprocess
from toolkit.data.images import to_input
from toolkit.data.offline import Joined
from toolkit.data.pack import Pack
from toolkit.errors import UserError
from toolkit.runs.children import without_main

Key = Sequence[int] | Ints
"""Epoch, row, and how often the epoch drew the row before (0, if left out): what decides an
augmented image, whoever computes it and when."""


@dataclass(frozen=True)
class Images(Dataset[Tensor]):
    """Rows of a pack at the model's size, augmented or not. Fetches whole batches."""

    pack: Pack | Joined
    rows: Ints
    """Row of the pack for each row of the table."""
    spec: ImageSpec
    augment: Augmentation | None = None
    seed: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Key) -> Tensor:
        return self.batch([key])[0]

    def __getitems__(self, keys: Sequence[Key] | Ints) -> Tensor | UserError:
        """A batch for the loader. What is told in a line comes as a value out of a loader process:
        raised there, torch would bury it in the text of a traceback."""
        try:
            return self.batch(keys)
        except UserError as error:
            if get_worker_info() is None:
                raise
            return error

    def batch(self, keys: Sequence[Key] | Ints) -> Tensor:
        """A batch `(B, S, S, 3)` uint8. The generator of an image depends on its key alone, so
        that neither the number of loader processes nor a resume changes a pixel."""
        packed, size = self.pack.images, self.spec.size
        batch = np.empty((len(keys), size, size, 3), dtype=np.uint8)
        for place, (epoch, row, *again) in enumerate(np.asarray(keys).tolist()):
            image = packed[self.rows[row]]
            if self.augment is not None:
                # A row's first draw has a key of its own length: no other draw shares it.
                drawn = [epoch, row, *again] if any(again) else [epoch, row]
                image = self.augment(image, np.random.default_rng([*self.seed, *drawn]))
            batch[place] = to_input(image, self.spec)
        return torch.from_numpy(batch)


class Batches:
    """Batches of rows, in an order that is given anew each epoch.

    With `workers = 0` images are made in this process, which on a CPU is the fastest: a loader
    process would compete with the training step for the same cores. Otherwise the processes
    (spawned) live as long as this object.
    """

    def __init__(
        self,
        images: Images,
        batch_size: int,
        workers: int,
        pin: bool,
        one_row_trains: Callable[[], bool] = lambda: True,
    ) -> None:
        """`one_row_trains` is asked where an epoch's cut would leave a batch with one row."""
        self.batch_size, self.one_row_trains = batch_size, one_row_trains
        self.keys = _Keys()
        self.started = False  # the processes, which live on
        options: dict[str, Any] = {}
        if workers:
            options = {
                "multiprocessing_context": "spawn",
                "worker_init_fn": _single_threaded,
                "persistent_workers": True,
            }
        self.loader: DataLoader[Tensor] = DataLoader(
            images,
            batch_sampler=self.keys,
            num_workers=workers,
            collate_fn=_whole,
            pin_memory=pin,
            # A generator of its own: the loader would draw from the one that dropout draws from,
            # once an epoch or once a fold, depending on the number of workers.
            generator=torch.Generator(),
            **options,
        )

    def split(self, order: Ints) -> list[Ints]:
        """The order cut into batches of nearly equal length: no row is dropped, and no
        short last batch upsets a batch norm. Where one row alone does not train, none is alone:
        its batch may be longer than the batch size by one. The cut depends on nothing else."""
        rows = len(order)
        batches = math.ceil(rows / self.batch_size)
        if rows // batches == 1 and not self.one_row_trains():
            batches = rows // 2
            if batches == 0:
                raise UserError(
                    "sampler.use: this epoch draws one row, and the backbone cannot train on one "
                    "image alone; choose another sampler or options that draw more"
                )
        return np.array_split(order, batches)

    def epoch(self, order: Ints, epoch: int) -> Iterator[tuple[Ints, Tensor]]:
        """The rows `(B,)` and the uint8 images `(B, S, S, 3)` of each batch of an epoch."""
        chunks = self.split(order)
        self.keys.begin(epoch, order, [len(chunk) for chunk in chunks])
        starts = self.loader.num_workers and not self.started
        with without_main(pickle.dumps(self.loader.dataset) if starts else b""):
            batches = iter(self.loader)
        self.started = True
        for chunk, batch in zip(chunks, batches, strict=True):
            if isinstance(batch, UserError):
                raise batch
            yield chunk, batch


def earlier_draws(order: Ints) -> Ints:
    """How often each row of an epoch `(n,)` was drawn before in it: a sampler may draw a row
    twice, and two draws should differ."""
    places = np.argsort(order, kind="stable")  # draws of one row side by side, in their order
    new = np.flatnonzero(np.diff(order[places], prepend=-1))
    counts = np.diff(new, append=len(order))
    before = np.empty_like(order)
    before[places] = np.arange(len(order)) - np.repeat(new, counts)
    return before


class _Keys(Sampler[Any]):
    """The keys of the current epoch's batches, each `(B, 3)`: no Python object a row."""

    def __init__(self) -> None:
        self.keys = np.empty((0, 3), dtype=np.int64)
        self.lengths: list[int] = []

    def begin(self, epoch: int, order: Ints, lengths: list[int]) -> None:
        epochs = np.full_like(order, epoch)
        self.keys = np.stack([epochs, order, earlier_draws(order)], axis=1)
        self.lengths = lengths

    def __iter__(self) -> Iterator[Ints]:
        start = 0
        for length in self.lengths:
            yield self.keys[start : start + length]
            start += length

    def __len__(self) -> int:
        return len(self.lengths)


def _whole(batch: Any) -> Any:
    return batch


def _single_threaded(worker: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def worker_count(asked: str | int, device: torch.device) -> int:
    """Loader processes: as asked, or none on a CPU and up to 8 beside a GPU."""
    if isinstance(asked, int):
        return asked
    return 0 if device.type == "cpu" else min(8, max(1, (os.cpu_count() or 2) - 1))


class Normalize:
    """uint8 NHWC batches to normalized float32 NCHW tensors in channels_last memory.

    The work is done on the device, on the whole batch, into one buffer that is used again: the
    result is valid until the next call.
    """

    def __init__(self, preprocess: Preprocess, device: torch.device, channels_last: bool) -> None:
        scale = torch.tensor(preprocess.std, device=device) * 255
        self.scale = 1 / scale  # (3,)
        self.shift = -torch.tensor(preprocess.mean, device=device) * 255 / scale
        self.device, self.channels_last = device, channels_last
        self.buffer = torch.empty(0, device=device)
        self.scale_row, self.shift_row = self.scale, self.shift

    def __call__(self, images: Tensor) -> Tensor:
        """Args: `images` (B, S, S, 3) uint8. Returns (B, 3, S, S) float32."""
        images = images.to(self.device, non_blocking=True)
        if self.buffer.shape != images.shape:
            # Training goes on with the buffer that a prediction made: it must be a normal tensor.
            with torch.inference_mode(False):
                self.buffer = torch.empty(images.shape, dtype=torch.float32, device=self.device)
                self.scale_row = self.scale.repeat(images.shape[2])
                self.shift_row = self.shift.repeat(images.shape[2])
        self.buffer.copy_(images)
        # Whole image rows (S * 3) of factors: over 3 values alone the loop does not vectorize, and
        # takes twice as long for the same bits.
        rows = self.buffer.flatten(2)
        torch.addcmul(self.shift_row, rows, self.scale_row, out=rows)
        batch = self.buffer.permute(0, 3, 1, 2)
        return batch if self.channels_last else batch.contiguous()
