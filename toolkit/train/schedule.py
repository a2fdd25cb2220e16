"""Learning rate by step: linear warm-up in front of a cosine, a plateau rule, or a constant."""

from __future__ import annotations

import math
from typing import Any

from torch.optim import Optimizer

from toolkit.recipe.sections import Constant, Cosine, Plateau, Schedule


class LearningRate:
    """Sets the rate of every parameter group, as a factor of the rate that it began with.

    One rule covers the three schedules, warms up by step in each, and has a state of four
    numbers. The plateau rule maximizes: it is told the monitor signed, so that a rise is good.
    """

    def __init__(
        self, optimizer: Optimizer, schedule: Schedule, epochs: int, steps_per_epoch: int
    ) -> None:
        self.optimizer, self.schedule = optimizer, schedule
        self.bases = [group["lr"] for group in optimizer.param_groups]
        self.warmup_steps = schedule.warmup_epochs * steps_per_epoch
        self.total_steps = epochs * steps_per_epoch
        self.step_number = 0
        self.scale, self.best, self.stale = 1.0, -math.inf, 0
        self._apply()

    def step(self) -> None:
        """After each optimizer step."""
        self.step_number += 1
        self._apply()

    def epoch_end(self, metric: float) -> None:
        """After each validation; `metric` is the monitor, signed so that more is better."""
        if not isinstance(self.schedule, Plateau):
            return
        if metric > self.best:
            self.best, self.stale = metric, 0
        elif self.step_number >= self.warmup_steps:
            self.stale += 1
        if self.stale > self.schedule.patience:
            self.scale = max(self.scale * self.schedule.factor, self.schedule.min_scale)
            self.stale = 0
        self._apply()

    @property
    def factor(self) -> float:
        """What the base rate is multiplied by at this step."""
        if self.step_number < self.warmup_steps:
            # The first step already moves: (n + 1) / warm-up, as a rate of 0 would waste a batch.
            return min(1.0, (self.step_number + 1) / self.warmup_steps)
        match self.schedule:
            case Cosine(min_scale=low):
                span = max(1.0, self.total_steps - self.warmup_steps)
                part = min(1.0, (self.step_number - self.warmup_steps) / span)
                return low + (1 - low) * (1 + math.cos(math.pi * part)) / 2
            case Plateau():
                return self.scale
            case Constant():
                return 1.0

    @property
    def rate(self) -> float:
        """The first group's current rate."""
        return float(self.optimizer.param_groups[0]["lr"])

    def _apply(self) -> None:
        for group, base in zip(self.optimizer.param_groups, self.bases, strict=True):
            group["lr"] = base * self.factor

    def state_dict(self) -> dict[str, Any]:
        return {
            "step": self.step_number,
            "scale": self.scale,
            "best": self.best,
            "stale": self.stale,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step_number, self.scale = state["step"], state["scale"]
        self.best, self.stale = state["best"], state["stale"]
        self._apply()
