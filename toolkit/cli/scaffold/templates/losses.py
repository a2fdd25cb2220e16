"""Losses. Targets are probabilities `(N, C)`: smoothing and mixing need no special case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from toolkit.contracts import Facts

if TYPE_CHECKING:
    from torch import Tensor, nn


def poly(
    facts: Facts,
    /,
    *,
    epsilon: Annotated[float, Field(ge=0, description="weight of the term 1 - p")] = 1.0,
) -> nn.Module:
    """Poly-1 loss, cross-entropy plus epsilon * (1 - p) (Leng et al. 2022, arXiv:2204.12511)."""
    from torch.nn import Module, functional

    class Poly(Module):
        def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
            logits = logits.float()  # bfloat16 under autocast
            p = (logits.softmax(dim=1) * targets).sum(dim=1)
            return functional.cross_entropy(logits, targets) + epsilon * (1 - p).mean()

    return Poly()
