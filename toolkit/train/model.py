"""Builds the backbone of a plan, and proves that it takes the recipe's images."""

from __future__ import annotations

import math
from numbers import Real

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from toolkit.contracts import Event, Facts, InputSpec, Notify, Preprocess, ignore
from toolkit.errors import PluginError, UserError, listed
from toolkit.recipe.plan import Choice, Plan
from toolkit.train.device import make_accelerator
from toolkit.train.layout import AROUND, harmful_convolutions
from toolkit.train.optimizer import make_optimizer
from toolkit.train.training_mode import check_training
from toolkit.train.whole import begins_by_overlapping, unseen_edge, whole_sizes


def build_model(plan: Plan, facts: Facts) -> tuple[nn.Module, Preprocess]:
    """The plan's backbone for `(N, 3, S, S)` images, and the preprocessing that it wants."""
    choice = plan.choice("backbone")
    model = choice.build(facts)
    if not isinstance(model, nn.Module):
        raise PluginError(
            f"backbone {choice.use}: returned {type(model).__name__}, no nn.Module{choice.whose}"
        )
    _require_parameters(choice, model)
    with choice.blamed("its input_spec fails"):
        expects = getattr(model, "input_spec", InputSpec())
    if not isinstance(expects, InputSpec):
        raise PluginError(
            f"backbone {choice.use}: its input_spec is a {type(expects).__name__}, expected "
            f"toolkit.contracts.InputSpec{choice.whose}"
        )
    if not (_three_numbers(expects.mean) and _three_numbers(expects.std) and min(expects.std) > 0):
        raise PluginError(
            f"backbone {choice.use}: its input_spec has mean {expects.mean} and std {expects.std}, "
            f"expected three finite numbers each, and std above 0{choice.whose}"
        )
    return model, Preprocess(facts.image, expects.mean, expects.std)


def _three_numbers(values: object) -> bool:
    return (
        isinstance(values, tuple | list)
        and len(values) == 3
        and all(isinstance(value, Real) and math.isfinite(value) for value in values)
    )


def _require_parameters(choice: Choice, model: nn.Module) -> None:
    """Raise where there is nothing to train, or nothing yet."""
    lazy = [name for name, p in model.named_parameters() if isinstance(p, UninitializedParameter)]
    if lazy:
        raise PluginError(
            f"backbone {choice.use}: {listed(lazy)} have no shape yet; write the sizes of its lazy "
            f"layers, or call it once in its factory{choice.whose}"
        )
    if not any(p.requires_grad for p in model.parameters()):
        raise PluginError(f"backbone {choice.use}: has no parameter to train{choice.whose}")


def check_model(plan: Plan, facts: Facts, notify: Notify = ignore) -> None:
    """Build the backbone once and pass an empty image through it, before any work is done.

    Finds missing weights, an impossible size, a wrong output shape, an optimizer or a precision
    that this machine does not have, in seconds.

    Args:
        notify: told of what is computed in another way than the recipe says.
    """
    device = make_accelerator(plan.train.precision).device
    model, _ = build_model(plan, facts)
    harmful = harmful_convolutions(model) if device.type == "cpu" else []
    for name, _ in harmful if plan.train.channels_last else []:
        notify(Event("message", f"backbone {plan.choice('backbone').use}: {name}: {AROUND}"))
    make_optimizer(model, plan.optimizer)
    size, classes = plan.image.size, len(facts.classes)
    choice = plan.choice("backbone")
    use = choice.use
    with torch.inference_mode():
        try:
            with choice.blamed(f"fails at its first call, on an image of {size} pixels"):
                logits = model.eval()(torch.zeros(1, 3, size, size))
        except (RuntimeError, ValueError, AssertionError) as error:
            raise UserError(
                f"backbone {use} does not take images of {size} pixels (image.size): {error}"
            ) from error
    if not isinstance(logits, torch.Tensor):
        raise PluginError(
            f"backbone {use}: gives a {type(logits).__name__}, expected a tensor{choice.whose}"
        )
    shape = tuple(logits.shape)
    if shape != (1, classes):
        raise PluginError(
            f"backbone {use}: gives {shape} for one image, expected (1, {classes}){choice.whose}"
        )
    _require_whole_images(model, use, size, notify)
    check_training(plan, facts, model)


def _require_whole_images(model: nn.Module, use: str, size: int, notify: Notify) -> None:
    """Raise where the model drops an edge of the image that its patches do not cover. The one pixel
    that a strided convolution without padding leaves out is said, and trains."""
    unseen = unseen_edge(model, size)
    if not unseen:
        return
    near = " and ".join(str(s) for s in whole_sizes(model, size, unseen))
    text = (
        f"image.size: {use} does not look at the right and lower {unseen} px of images of "
        f"{size} px; sizes near it that it uses whole: {near}"
    )
    if unseen > 1 or not begins_by_overlapping(model):
        raise UserError(text)
    notify(Event("message", text))
