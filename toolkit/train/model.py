"""Builds the backbone of a plan, and proves that it takes the recipe's images."""

from __future__ import annotations

import torch
from torch import nn

from toolkit.contracts import Facts, InputSpec, Preprocess
from toolkit.errors import PluginError, UserError
from toolkit.recipe.plan import Plan
from toolkit.train.device import make_accelerator
from toolkit.train.optimizer import make_optimizer


def build_model(plan: Plan, facts: Facts) -> tuple[nn.Module, Preprocess]:
    """The plan's backbone for `(N, 3, S, S)` images, and the preprocessing that it wants."""
    choice = plan.choice("backbone")
    model = choice.build(facts)
    if not isinstance(model, nn.Module):
        raise PluginError(f"backbone {choice.use}: returned {type(model).__name__}, no nn.Module")
    expects = getattr(model, "input_spec", InputSpec())
    return model, Preprocess(plan.image, expects.mean, expects.std)


def check_model(plan: Plan, facts: Facts) -> None:
    """Build the backbone once and pass an empty image through it, before any work is done.

    Finds missing weights, an impossible size, a wrong output shape, an optimizer or a precision
    that this machine does not have, in seconds.
    """
    make_accelerator(plan.train.precision)
    model, _ = build_model(plan, facts)
    make_optimizer(model, plan.optimizer)
    size, classes = plan.image.size, len(facts.classes)
    use = plan.choice("backbone").use
    with torch.inference_mode():
        try:
            shape = tuple(model.eval()(torch.zeros(1, 3, size, size)).shape)
        except (RuntimeError, ValueError, AssertionError) as error:
            raise UserError(
                f"backbone {use} does not take images of {size} pixels (image.size): {error}"
            ) from error
    if shape != (1, classes):
        raise PluginError(f"backbone {use}: gives {shape} for one image, expected (1, {classes})")
