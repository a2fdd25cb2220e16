"""A backbone: images `(N, 3, S, S) -> logits (N, C)`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from toolkit.contracts import Facts

if TYPE_CHECKING:
    from torch import nn


def small(
    facts: Facts,
    /,
    *,
    pretrained: Annotated[Literal[False], Field(description="there are no weights")] = False,
    width: Annotated[int, Field(ge=1, description="channels of the first layer")] = 16,
) -> nn.Module:
    """Three convolutions that halve the side, and a linear head: it starts at random."""
    from torch.nn import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, ReLU, Sequential

    layers: list[nn.Module] = []
    for before, after in pairwise((3, width, 2 * width, 4 * width)):
        convolution = Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        layers += [convolution, BatchNorm2d(after), ReLU()]
    head = Linear(4 * width, len(facts.classes))
    return Sequential(*layers, AdaptiveAvgPool2d(1), Flatten(), head)
