"""Optimizers, through timm's factory."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer

from toolkit.builtin.optimizers import make
from toolkit.errors import UserError, cause
from toolkit.recipe.sections import Optimizer as OptimizerSection


def make_optimizer(
    model: nn.Module, section: OptimizerSection, loss: nn.Module | None = None
) -> Optimizer:
    """The optimizer of a recipe; weight decay skips biases, norms and what the model exempts.

    Args:
        loss: its parameters are trained, too, without weight decay: a temperature or a margin is
            no weight, and 0 is no more likely than another value.
    """
    learnt = [] if loss is None else [p for p in loss.parameters() if p.requires_grad]
    try:
        optimizer = make(
            model,
            section.use,
            section.lr,
            section.weight_decay,
            section.momentum,
            fused=section.fused,
        )
        if learnt:
            optimizer.add_param_group({"params": learnt, "weight_decay": 0.0})
    except (TypeError, ValueError, RuntimeError, ImportError, AssertionError) as error:
        raise UserError(
            f"optimizer: {section.use} cannot be made with lr = {section.lr}, weight_decay = "
            f"{section.weight_decay}, momentum = {section.momentum}: {cause(error)}"
        ) from error
    return optimizer
