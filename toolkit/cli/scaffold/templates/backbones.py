"""Backbones: `(N, 3, S, S)` images to logits `(N, C)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from toolkit.contracts import Facts

if TYPE_CHECKING:
    from torch import nn


def tiny(
    facts: Facts,
    /,
    *,
    pretrained: Annotated[Literal[False], Field(description="there are no weights")] = False,
    width: Annotated[int, Field(ge=1, description="channels")] = 16,
) -> nn.Module:
    """Two convolutions and a linear head, for a first try."""
    from torch import nn

    return nn.Sequential(
        *(nn.Conv2d(3, width, 5, stride=4), nn.BatchNorm2d(width), nn.ReLU()),
        *(nn.Conv2d(width, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, len(facts.classes))),
    )
