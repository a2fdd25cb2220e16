"""Backbones: each breaks the check of its name, and that one alone."""

from __future__ import annotations

import socket
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

from toolkit.contracts import InputSpec


class Tiny(nn.Module):
    """A backbone in order: a convolution, a norm, a head."""

    def __init__(self, facts, channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, 8, 3, 2, 1)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, len(facts.classes))

    def forward(self, images):
        return self.head(self.norm(self.stem(images)).relu().mean((2, 3)))


class OneTooMany(Tiny):
    def forward(self, images):
        return F.pad(super().forward(images), (0, 1))


def logits_shape(facts, /, *, pretrained: bool = True):
    """A background class that nobody asked for."""
    return OneTooMany(facts)


def input_spec(facts, /, *, pretrained: bool = True):
    """Mean and std on the scale of 0-255."""
    model = Tiny(facts)
    model.input_spec = InputSpec((123.7, 116.3, 103.5), (58.4, 57.1, 57.4))
    return model


def builds_without_network(facts, /, *, pretrained: bool = True):
    """Asks for news first, and does not say so where there is no network."""
    with suppress(OSError):
        socket.create_connection(("localhost", 1), timeout=0.1).close()
    return Tiny(facts)


def row_alone_equals_row_in_batch(facts, /, *, pretrained: bool = True):
    """Normalizes with the batch's statistics, always."""
    model = Tiny(facts)
    model.norm = nn.BatchNorm2d(8, track_running_stats=False)
    return model


def every_parameter_gets_a_gradient(facts, /, *, pretrained: bool = True):
    """Keeps a head that it does not use."""
    model = Tiny(facts)
    model.old_head = nn.Linear(8, 1000)
    return model


class HalfGrouped(Tiny):
    def layer_groups(self):
        return [["stem.weight", "stem.bias"], ["head.weight", "head.bias"]]


def layer_groups(facts, /, *, pretrained: bool = True):
    """Forgets the norm."""
    return HalfGrouped(facts)


class Projected(Tiny):
    def __init__(self, facts) -> None:
        super().__init__(facts)
        self.register_buffer("basis", torch.randn(3, 3, 1, 1), persistent=False)

    def forward(self, images):
        return super().forward(F.conv2d(images, self.basis))


def state_dict_round_trip(facts, /, *, pretrained: bool = True):
    """Draws a projection that its state dict does not hold."""
    return Projected(facts)


class Unshuffled(Tiny):
    def forward(self, images):
        return super().forward(F.pixel_unshuffle(images, 2))


def odd_sizes(facts, /, *, pretrained: bool = True):
    """Folds 2 x 2 pixels into channels, and leaves the explanation to torch."""
    return Unshuffled(facts, channels=12)
