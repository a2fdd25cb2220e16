"""Metrics: how good probabilities `(n, C)` are, held against true labels `(n,)`, as one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from toolkit.contracts import Facts, Floats, Ints


@dataclass(frozen=True)
class Cost:
    far: float
    name: str = "mean cost"
    higher_is_better: bool = False
    bounds: tuple[float | None, float | None] = (0.0, None)

    def __call__(self, truth: Ints, probabilities: Floats, /) -> float:
        import numpy as np

        apart = np.abs(probabilities.argmax(axis=1) - truth)
        return float(np.where(apart > 1, self.far, apart).mean())


def cost(
    facts: Facts,
    /,
    *,
    far: Annotated[float, Field(ge=1, description="of a class that is no neighbour")] = 3.0,
) -> Cost:
    """Mean cost of a row where classes have an order: 1 for a neighbour, `far` for any other."""
    return Cost(far)
