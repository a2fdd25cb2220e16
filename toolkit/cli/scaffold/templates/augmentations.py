"""Augmentations: `(image uint8 (H, W, 3), rng) -> uint8 (h, w, 3)`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from toolkit.contracts import Image, ImageSpec

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Erase:
    share: float

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        height, width = image.shape[:2]
        high, wide = (max(1, round(side * self.share)) for side in (height, width))
        y, x = rng.integers(height - high + 1), rng.integers(width - wide + 1)
        erased: Image = image.copy()  # the image itself belongs to the cache
        erased[y : y + high, x : x + wide] = rng.integers(256)
        return erased


def erase(
    spec: ImageSpec,
    /,
    *,
    share: Annotated[float, Field(gt=0, lt=1, description="side, as a share of the image")] = 0.25,
) -> Erase:
    """Cutout: a rectangle of one grey level, anywhere (DeVries 2017, arXiv:1708.04552)."""
    return Erase(share)
