"""Tries a model in training mode before any work: a head, a norm or a size that evaluation does
not mind shows here."""

from __future__ import annotations

import torch
from torch import nn

from toolkit.contracts import Facts
from toolkit.errors import UserError
from toolkit.model.generators import same_random_numbers
from toolkit.model.invariants import require_logits
from toolkit.recipe.plan import Plan


def check_training(plan: Plan, facts: Facts, model: nn.Module) -> None:
    """Pass two images of noise through a model that is thrown away, in training mode.

    Raises `UserError` where it does not take them, and `PluginError` where it gives no logits.
    """
    backbone, size = plan.choice("backbone"), plan.image.size
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    model.train()
    with same_random_numbers(), torch.no_grad():
        try:
            with backbone.blamed(f"its training mode fails on images of {size} pixels"):
                logits = model(images)
        except (RuntimeError, ValueError, AssertionError) as error:
            raise UserError(
                f"backbone {backbone.use} does not train on images of {size} pixels (image.size): "
                f"{error}"
            ) from error
    require_logits(backbone, logits, len(images), len(facts.classes), "in training")
