"""Steps one after the other, each with a generator of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from toolkit.contracts import Image, ImageSpec

Step = Callable[[Image, np.random.Generator], Image]

_DETAIL = 4  # times the working size: what is finer is averaged away before the model sees it
_LARGEST = 8192  # pixels a side; OpenCV warps no image of 32,768 and more


@dataclass(frozen=True)
class Chain:
    """Degrades an image of any size, `(h, w, 3)` uint8. It keeps nothing between two calls."""

    spec: ImageSpec
    steps: tuple[Step, ...]

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        image = _bounded(image, min(_LARGEST, max(1024, _DETAIL * self.spec.working_size)))
        # A generator for each step, whether it needs it or not: what one step draws, or how strong
        # it is, changes no draw of the others. So a search for strengths compares like with like.
        for step, seed in zip(self.steps, rng.integers(2**63, size=len(self.steps)), strict=True):
            image = step(image, np.random.default_rng(seed))
        return np.ascontiguousarray(image)


def _bounded(image: Image, side: int) -> Image:
    """The image, or a smaller one where its longer side has more than so many pixels."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(image)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
