"""What lenses, sensors and files do to an image: blur, lost pixels, noise, compression.

Lengths are shares of the image's longer side, so that a page looks alike at any resolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from toolkit.contracts import Image


@dataclass(frozen=True)
class Motion:
    """The camera moved, or the sheet: pixels are smeared along a line."""

    length: float
    """Of the longest smear, as a share of the longer side."""
    each: float

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        chance, amount, direction = rng.random(3)
        length = self.length * amount * max(image.shape[:2])
        if chance >= self.each or length < 1:
            return image
        angle, reach = math.pi * direction, math.ceil(length / 2)
        kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
        for step in np.linspace(-length / 2, length / 2, 4 * reach + 1):
            x, y = reach + step * math.cos(angle), reach + step * math.sin(angle)
            left, top = math.floor(x), math.floor(y)
            for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
                share = (1 - abs(x - column)) * (1 - abs(y - row))
                if share > 0:
                    kernel[row, column] += share
        return _filtered(image, kernel)


@dataclass(frozen=True)
class Defocus:
    """A lens out of focus: a point becomes a disc."""

    radius: float
    """The largest, as a share of the longer side."""
    each: float

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        chance, amount = rng.random(2)
        radius = self.radius * amount * max(image.shape[:2])
        if chance >= self.each or radius < 0.5:
            return image
        reach = math.ceil(radius)
        steps = np.arange(-reach, reach + 1)
        # Pixels at the rim count by their share: radii between whole numbers differ.
        disc = np.clip(radius + 0.5 - np.hypot(*np.meshgrid(steps, steps)), 0, 1)
        return _filtered(image, disc.astype(np.float32))


@dataclass(frozen=True)
class Downscale:
    """Kept at fewer pixels, and enlarged again."""

    scale: float
    """The smallest."""
    each: float

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        chance, amount = rng.random(2)
        scale = self.scale**amount
        if chance >= self.each or scale >= 1:
            return image
        height, width = image.shape[:2]
        small = cv2.resize(
            image,
            (max(1, round(width * scale)), max(1, round(height * scale))),
            interpolation=cv2.INTER_AREA,
        )
        large = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(large, np.uint8)


@dataclass(frozen=True)
class Noise:
    """A sensor's: of every pixel its own, most of it in all channels alike."""

    sigma: float
    """The largest standard deviation, levels."""
    each: float

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        chance, amount = rng.random(2)
        sigma = self.sigma * amount
        if chance >= self.each or not sigma:
            return image
        shape = image.shape[:2]
        grey = rng.standard_normal(shape, np.float32) * np.float32(sigma)
        own = rng.standard_normal((*shape, 3), np.float32) * np.float32(sigma / 3)
        found = image.astype(np.float32) + grey[..., None] + own
        noisy: Image = np.clip(np.rint(found), 0, 255).astype(np.uint8)
        return noisy


@dataclass(frozen=True)
class Recompressed:
    """Saved as a JPEG once more."""

    quality: int
    """The lowest."""
    each: float

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        chance, amount = rng.random(2)
        quality = round(95 - (95 - self.quality) * amount)
        if chance >= self.each:
            return image
        blue_first = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        _, content = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, quality])
        back = cv2.imdecode(content, cv2.IMREAD_COLOR)
        return np.asarray(cv2.cvtColor(back, cv2.COLOR_BGR2RGB), np.uint8)


def _filtered(image: Image, kernel: npt.NDArray[np.float32]) -> Image:
    found = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8)
