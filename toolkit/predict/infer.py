"""Runs a model over images, view by view, from batches that are decoded once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor, nn

from toolkit.contracts import Floats
from toolkit.data.loader import Batches, Normalize
from toolkit.predict.views import view_of


def predict_views(
    model: nn.Module,
    batches: Batches,
    count: int,
    normalize: Normalize,
    views: Sequence[str],
    forward: Callable[[], AbstractContextManager[object]],
    on_images: Callable[[int], None],
    checked: Callable[[Tensor, int], Tensor] = lambda logits, rows: logits,
) -> dict[str, Floats]:
    """Probabilities `(n, C)` of rows 0 to `count - 1`, for each view.

    A row with a logit that is no number is NaN throughout: softmax would make a confident answer
    of most of them.

    Args:
        forward: held around every call of the model: decides its precision, blames its faults.
        on_images: told the number of images after each batch.
        checked: gives the logits of so many images as they are, or raises where they are none.
    """
    parts: dict[str, list[Floats]] = {view: [] for view in views}
    model.eval()
    with torch.inference_mode():
        for rows, images in batches.epoch(np.arange(count), epoch=0):
            batch = normalize(images)
            for view in views:
                seen = view_of(batch, view)
                if len(views) > 1 and seen.data_ptr() == batch.data_ptr():
                    seen = seen.clone()  # a model may change its input, and others come behind
                with forward():
                    logits: Tensor = model(seen)
                logits = checked(logits, len(rows)).float()
                numbers = logits.isfinite().all(dim=1, keepdim=True)
                probabilities = logits.softmax(dim=1).where(numbers, math.nan)
                parts[view].append(probabilities.cpu().numpy())
            on_images(len(rows))
    return {view: np.concatenate(chunks) for view, chunks in parts.items()}


def mean_view(by_view: dict[str, Floats]) -> Floats:
    """The TTA average `(n, C)`; with one view, that view itself, to the last bit."""
    stacked = np.stack(list(by_view.values()))
    if len(stacked) == 1:
        only: Floats = stacked[0]
        return only
    mean: Floats = stacked.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
