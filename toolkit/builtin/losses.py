"""Losses. Targets are probabilities `(N, C)`, so smoothing and mixing need no special case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from toolkit.contracts import Facts, PerClass, SearchRange
from toolkit.errors import UserError

if TYPE_CHECKING:
    from torch import nn

Alpha = Literal["none"] | Annotated[float, Field(ge=0, le=1)] | list[float]


def cross_entropy(facts: Facts, /) -> nn.Module:
    """Softmax cross-entropy, `-sum(t * log p)`, averaged over the batch."""
    from toolkit.builtin.loss_modules import FocalLoss

    return FocalLoss(gamma=0.0)


def focal(
    facts: Facts,
    /,
    *,
    gamma: Annotated[
        float,
        SearchRange(0.0, 5.0),
        Field(ge=0, description="focus on hard images; 0 is none"),
    ] = 2.0,
    alpha: Annotated[
        Alpha,
        PerClass(class_weights, {"none": 0.0}),
        SearchRange(0.0, 1.0, by_default=True),
        Field(description='"none", a strength 0-1 (weight ~ count ** -alpha), or a weight a class'),
    ] = "none",
) -> nn.Module:
    """Focal loss, `-w (1 - p)^gamma log p` (Lin et al. 2017, arXiv:1708.02002, eq. 5).

    A float alpha gives class weights proportional to `count ** -alpha`, scaled so that they
    average 1 over the training rows: a plain factor would be invisible to Adam, class-dependent
    weights are not. With `gamma = 0, alpha = "none"` it is cross-entropy exactly.
    """
    from toolkit.builtin.loss_modules import FocalLoss

    return FocalLoss(gamma, class_weights(alpha, facts))


def class_weights(alpha: Alpha, facts: Facts) -> list[float] | None:
    """The weight of each class that an alpha stands for; None where it is "none"."""
    if alpha == "none":
        return None
    if isinstance(alpha, list):
        if len(alpha) != len(facts.classes) or min(alpha) < 0:
            raise UserError(
                f"loss.alpha: expected {len(facts.classes)} weights of at least 0, one a class, "
                f"found {alpha}"
            )
        return alpha
    return normalized([_power(n, -float(alpha)) for n in facts.counts], facts)


def class_balanced(
    facts: Facts,
    /,
    *,
    beta: Annotated[float, Field(ge=0, lt=1, description="0 no weights; to 1: by count")] = 0.999,
    gamma: Annotated[
        float, SearchRange(0.0, 5.0), Field(ge=0, description="focal factor; 0 is none")
    ] = 0.0,
) -> nn.Module:
    """Class-balanced loss, weight `(1 - beta) / (1 - beta ** count)` (Cui et al. 2019,
    arXiv:1901.05555, eq. 2), scaled so that the weights average 1 over the training rows."""
    from toolkit.builtin.loss_modules import FocalLoss

    weights = [(1 - beta) / (1 - beta**n) if n else 0.0 for n in facts.counts]
    return FocalLoss(gamma, normalized(weights, facts))


def normalized(weights: list[float], facts: Facts) -> list[float]:
    """Class weights scaled to average 1 over the training rows."""
    total = sum(weight * count for weight, count in zip(weights, facts.counts, strict=True))
    return [weight * sum(facts.counts) / total for weight in weights]


def _power(count: int, exponent: float) -> float:
    """`count ** exponent`; a class without training rows is never a target, so its weight is 0."""
    return float(count) ** exponent if count else 0.0
