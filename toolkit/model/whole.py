"""Does a model look at the whole image? Some take a size and drop what their patches do not cover.

A value that is no number (NaN) makes every sum that it enters one, through convolutions, norms,
attention and pooling. So an edge of such pixels that leaves the logits finite is not looked at.
"""

from __future__ import annotations

from bisect import bisect_left

import torch
from torch import Tensor, nn


def unseen_edge(model: nn.Module, size: int) -> int:
    """Pixels at the right or lower edge of an image of `size` that no logit depends on.

    0 also for a model that looks at no pixel at all: no other size would help it. The model is in
    eval mode.
    """
    if _sees(model, size, 1) or not _sees(model, size, size):
        return 0
    return bisect_left(range(1, size + 1), True, key=lambda pixels: _sees(model, size, pixels))


def whole_sizes(model: nn.Module, size: int, unseen: int) -> list[int]:
    """Sizes near `size` that are looked at to the edge: the next below, and one above."""
    strides = [m.stride[0] for m in model.modules() if isinstance(m, nn.Conv2d)]
    below = size - unseen
    steps = [step for step in strides[:1] if step > unseen]
    return [s for s in (below, *(below + step for step in steps)) if _sees(model, s, 1)]


def begins_by_overlapping(model: nn.Module) -> bool:
    """Whether the first strided convolution looks at pixels twice, as a CNN's stem does, where
    patches stand side by side."""
    strided = (m for m in model.modules() if isinstance(m, nn.Conv2d) and m.stride[0] > 1)
    first = next(strided, None)
    return first is not None and first.kernel_size[0] > first.stride[0]


def _sees(model: nn.Module, size: int, pixels: int) -> bool:
    """Whether both the last columns and the last rows decide a logit."""
    images = torch.zeros(2, 3, size, size)
    images[0, :, :, size - pixels :] = torch.nan
    images[1, :, size - pixels :, :] = torch.nan
    try:
        with torch.inference_mode():
            logits: Tensor = model(images)
    # A model that was built for one size refuses another, and one that refuses such a pixel has
    # seen it; it took images of the recipe's size before.
    except (RuntimeError, ValueError, AssertionError):
        return True
    return not bool(logits.isfinite().all(dim=1).any())
