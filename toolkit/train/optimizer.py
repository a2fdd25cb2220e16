"""Optimizers, through timm's factory."""

from __future__ import annotations

import inspect
from typing import Any

from timm.optim import create_optimizer_v2, get_optimizer_class
from torch import nn
from torch.optim import Optimizer

from toolkit.errors import UserError
from toolkit.recipe.sections import Optimizer as OptimizerSection


def make_optimizer(model: nn.Module, section: OptimizerSection) -> Optimizer:
    """The optimizer of a recipe; weight decay skips biases, norms and what the model exempts."""
    options: dict[str, Any] = {}
    if section.fused and _takes(section.use, "fused"):
        options["fused"] = True
    try:
        optimizer: Optimizer = create_optimizer_v2(
            model,
            opt=section.use,
            lr=section.lr,
            weight_decay=section.weight_decay,
            momentum=section.momentum,
            **options,
        )
    except (TypeError, ValueError, RuntimeError, ImportError, AssertionError) as error:
        raise UserError(f"optimizer.use: {section.use} cannot be made: {error}") from error
    return optimizer


def _takes(name: str, argument: str) -> bool:
    found = get_optimizer_class(name, bind_defaults=False)
    return argument in inspect.signature(found).parameters
