"""Proves, before any work, that a plan's model takes the images of the recipe, to their edge."""

from __future__ import annotations

import torch
from torch import nn

from toolkit.contracts import Event, Facts, Notify, ignore
from toolkit.errors import PluginError, UserError
from toolkit.model.build import build_model
from toolkit.model.device import make_accelerator
from toolkit.model.layout import AROUND, harmful_convolutions
from toolkit.model.training_mode import check_training
from toolkit.model.whole import begins_by_overlapping, unseen_edge, whole_sizes
from toolkit.recipe.plan import Plan


def check_model(plan: Plan, facts: Facts, notify: Notify = ignore) -> nn.Module:
    """Build the backbone once and pass an empty image through it, before any work is done.

    Finds missing weights, an impossible size, a wrong output shape, or a precision that this
    machine does not have, in seconds.

    Args:
        notify: told of what is computed in another way than the recipe says.

    Returns the model, to try other things on.
    """
    device = make_accelerator(plan.train.precision).device
    model, _ = build_model(plan.choice("backbone"), facts)
    harmful = harmful_convolutions(model) if device.type == "cpu" else []
    for name, _ in harmful if plan.train.channels_last else []:
        notify(Event("message", f"backbone {plan.choice('backbone').use}: {name}: {AROUND}"))
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
    return model


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
