"""Test-time views: the eight symmetries of the square, computed from one decoded batch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "hflip": lambda x: x.flip(3),
    "vflip": lambda x: x.flip(2),
    "rot90": lambda x: torch.rot90(x, 1, (2, 3)),
    "rot180": lambda x: torch.rot90(x, 2, (2, 3)),
    "rot270": lambda x: torch.rot90(x, 3, (2, 3)),
    "transpose": lambda x: x.transpose(2, 3),
    "antitranspose": lambda x: x.transpose(2, 3).flip(2, 3),
}
"""Each takes and gives `(N, 3, S, S)`."""


def view_of(batch: Tensor, view: str) -> Tensor:
    """One view of a batch, in the memory format of the batch."""
    if view == "identity":
        return batch
    last = batch.is_contiguous(memory_format=torch.channels_last)
    memory_format = torch.channels_last if last else torch.contiguous_format
    return VIEWS[view](batch).contiguous(memory_format=memory_format)
