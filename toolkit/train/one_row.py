"""Some models cannot train on one row: a batch norm behind the pooling sees one value a channel.

It is found by trying, in training mode at the recipe's size, with a model that is thrown away: no
running statistic and no generator of the one that trains is touched. Only a recipe whose batches
could have one row asks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from toolkit.contracts import Facts
from toolkit.errors import UserError
from toolkit.model.build import build_model
from toolkit.model.generators import same_random_numbers
from toolkit.recipe.plan import Plan


def trains_on_one_row(plan: Plan, facts: Facts) -> bool:
    """Whether a batch of one row passes the plan's backbone and loss in training mode."""
    with same_random_numbers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the spread of one value: that is what is asked
        model, _ = build_model(plan.choice("backbone"), facts)
        criterion: Callable[[Tensor, Tensor], Tensor] = plan.choice("loss").build(facts)
        try:
            value = _loss_of_one_row(model, criterion, plan.image.size, len(facts.classes))
        except Exception:  # noqa: BLE001 - norms raise ValueError, a third party's layer anything
            return False
    return bool(torch.isfinite(value).all())  # the spread of one value is NaN


def _loss_of_one_row(
    model: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], size: int, classes: int
) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, 3, size, size, generator=generator)
    with torch.no_grad():
        return criterion(model.train()(image).float(), torch.eye(classes)[:1])


def require_batches(plan: Plan, fewest_rows: int, one_row_trains: Callable[[], bool]) -> None:
    """Refuse, before anything trains, what no cut can help: batches of one row that the recipe
    asks for, or an epoch of one row.

    Args:
        fewest_rows: training rows of the smallest fold.
        one_row_trains: asked only where it matters.
    """
    train = plan.train
    if (train.batch_size > 1 and fewest_rows > 1) or one_row_trains():
        return
    size, backbone, loss = plan.image.size, plan.choice("backbone").use, plan.choice("loss").use
    why = (
        f"one image alone does not pass backbone {backbone} and loss {loss} in training mode at "
        f"image.size = {size}: a norm over the batch sees a single value"
    )
    if fewest_rows == 1:
        key = (
            f"split.given = {plan.split.given}"
            if plan.split.given
            else f"split.folds = {plan.folds}"
        )
        raise UserError(
            f"{key}: a fold has one training row, and {why}; add "
            "images or copies (augment.offline), or choose another backbone"
        )
    half = f" and train.accumulate = {train.accumulate // 2}" if train.accumulate > 1 else ""
    raise UserError(f"train.batch_size = 1: {why}; set train.batch_size = 2{half}")
