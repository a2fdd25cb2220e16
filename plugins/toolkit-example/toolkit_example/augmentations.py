"""An augmentation: `(image uint8 (H, W, 3), rng) -> uint8 (h, w, 3)`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from toolkit.contracts import Image, ImageSpec

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class InkFade:
    """At the top of the module, so that it travels to the loader's processes."""

    strength: float

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        import cv2

        height, width = image.shape[:2]
        patches = rng.uniform(0, self.strength, (4, 4)).astype("float32")
        fade = cv2.resize(patches, (width, height))[..., None]  # (H, W, 1), smooth
        faded: Image = (image + fade * (255 - image)).round().astype("uint8")
        return faded


def ink_fade(
    spec: ImageSpec,
    /,
    *,
    strength: Annotated[float, Field(gt=0, le=1, description="1 leaves white paper")] = 0.6,
) -> InkFade:
    """Ink pales towards white by a share that changes smoothly over the page."""
    return InkFade(strength)
