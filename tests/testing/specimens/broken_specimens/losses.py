"""Losses: each breaks the check of its name, and that one alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class CrossEntropy(nn.Module):
    """A loss in order, or with another function of (logits, targets)."""

    def __init__(self, function=None) -> None:
        super().__init__()
        self.function = function or in_order

    def forward(self, logits, targets):
        return self.function(logits, targets)


def in_order(logits, targets):
    return F.cross_entropy(logits.float(), targets)


def rows_of(logits, targets):
    return F.cross_entropy(logits.float(), targets, reduction="none")


def factory(function):
    def build(facts, /):
        return CrossEntropy(function)

    build.__doc__ = function.__doc__
    return build


@factory
def finite_scalar(logits, targets):
    """A value a row."""
    return rows_of(logits, targets)


@factory
def gradients(logits, targets):
    """Detached from the model."""
    return in_order(logits.detach(), targets)


@factory
def falls_towards_the_target(logits, targets):
    """The sign is wrong."""
    return -in_order(logits, targets)


@factory
def batch_order(logits, targets):
    """Later rows weigh more."""
    return (
        rows_of(logits, targets) * torch.arange(1, len(logits) + 1, device=logits.device)
    ).mean()


@factory
def soft_targets(logits, targets):
    """Hard labels only."""
    return F.cross_entropy(logits.float(), targets.argmax(dim=1))


@factory
def batch_of_one(logits, targets):
    """The spread of one row is none."""
    rows = rows_of(logits, targets)
    return rows.mean() + ((rows - rows.mean()).square().sum() / (len(rows) - 1))


@factory
def large_logits(logits, targets):
    """The logarithm of a probability that has become 0."""
    return -(targets * logits.float().softmax(dim=1).log()).sum(dim=1).mean()


@factory
def bf16_autocast(logits, targets):
    """Needs logits and targets of one type."""
    true = torch.dot(targets.flatten(), logits.flatten())
    return logits.logsumexp(dim=1).mean() - true / len(logits)


@factory
def inputs_unmodified(logits, targets):
    """Smooths the caller's targets."""
    return in_order(logits, targets.clamp_(min=0.01))


class Stray(CrossEntropy):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.weights = torch.ones(classes)

    def forward(self, logits, targets):
        return in_order(logits, targets * self.weights)


def buffers_follow(facts, /):
    """Its weights are an attribute, and stay where they were made."""
    return Stray(len(facts.classes))


class Frozen(CrossEntropy):
    def __init__(self) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.tensor(1.0))

    def forward(self, logits, targets):
        return in_order(logits / self.temperature.detach(), targets)


def parameters_train(facts, /):
    """Its temperature is a parameter that no gradient reaches."""
    return Frozen()


class Forgetful(CrossEntropy):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, logits, targets):
        self.calls += 1
        return in_order(logits, targets) * (1 + 1 / self.calls)


def loss_state_resumes(facts, /):
    """It counts its calls in an attribute, which no state holds."""
    return Forgetful()
