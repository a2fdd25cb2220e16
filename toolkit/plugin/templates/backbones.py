"""Backbones: `(N, 3, S, S)` images to logits `(N, C)`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from toolkit.contracts import Facts
from toolkit.errors import UserError

if TYPE_CHECKING:
    from torch import nn


def tiny(
    facts: Facts,
    /,
    *,
    pretrained: Annotated[bool, Field(description="there are no such weights: false")] = False,
    width: Annotated[int, Field(ge=1, description="channels of the first layer")] = 32,
) -> nn.Module:
    """Four convolutions, each of which halves the side, and a linear head: a quick baseline."""
    from torch.nn import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, ReLU, Sequential

    if pretrained:
        raise UserError("backbone.pretrained: tiny has no pretrained weights; set it to false")
    layers: list[nn.Module] = []
    channels = [3, *(width * 2**step for step in range(4))]
    for before, after in pairwise(channels):
        convolution = Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        layers += [convolution, BatchNorm2d(after), ReLU()]
    head = Linear(channels[-1], len(facts.classes))
    return Sequential(*layers, AdaptiveAvgPool2d(1), Flatten(), head)
