"""The modules behind the losses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FocalLoss(nn.Module):
    """`mean_n sum_c -t_c w_c (1 - p_c)^gamma log p_c`, on float32 whatever the logits are.

    Args:
        gamma: exponent of the modulating factor; 0 switches it off.
        weights: one weight a class, or None for none.
    """

    weights: Tensor | None

    def __init__(self, gamma: float, weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.gamma = gamma
        values = None if weights is None else torch.tensor(weights, dtype=torch.float32)
        self.register_buffer("weights", values)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Args: `logits` (N, C), `targets` (N, C) probabilities. Returns a scalar."""
        logits = logits.float()
        if self.gamma == 0 and self.weights is None:
            return F.cross_entropy(logits, targets)
        log_p = F.log_softmax(logits, dim=1)
        loss = -targets * log_p
        if self.gamma > 0:
            # p is the model's probability, not one of a weighted loss. 1 - p as -expm1(log p)
            # keeps its digits near p = 1; the clamp keeps the gradient finite for gamma < 1.
            loss = loss * (-torch.expm1(log_p)).clamp_min(1e-7) ** self.gamma
        if self.weights is not None:
            loss = loss * self.weights
        return loss.sum(dim=1).mean()
