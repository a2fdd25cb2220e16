"""Random choices as a drawing function says them; all of them take the image's own generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Rng = np.random.Generator
RGB = tuple[int, int, int]
Item = TypeVar("Item")


def pick(rng: Rng, items: Sequence[Item]) -> Item:
    return items[int(rng.integers(len(items)))]


def between(rng: Rng, low: float, high: float) -> float:
    return low + (high - low) * float(rng.random())


def whole(rng: Rng, low: int, high: int) -> int:
    """A whole number, both ends included."""
    return int(rng.integers(low, high + 1))


def chance(rng: Rng, probability: float) -> bool:
    return float(rng.random()) < probability


def shuffled(rng: Rng, items: Sequence[Item]) -> list[Item]:
    return [items[int(i)] for i in rng.permutation(len(items))]


def blend(first: RGB, second: RGB, share: float) -> RGB:
    """A colour on the way from the first to the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
