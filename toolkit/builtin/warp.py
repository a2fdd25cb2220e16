"""The hot path of augmentation: one warp for all geometry, table look-ups for all tones.

At 224 pixels a rotation, an affine and a perspective cost 1.5-1.7 ms each when they are done one
after the other, and every step blurs the image again. Composed into one matrix they cost one
warp, and the image is resampled once, from the cache's larger working size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from toolkit.contracts import Image, ImageSpec

Matrix = npt.NDArray[np.float64]  # (3, 3), homogeneous

_NOISE_LEVELS = 8
_NOISE_MARGIN = 61  # pixels by which a noise tile may be shifted, so that tiles do not repeat


class Unchanged:
    """No augmentation."""

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        return image


@dataclass(frozen=True)
class Warp:
    """A random matrix from the working image to the model's input."""

    spec: ImageSpec
    rotate: float = 0.0
    upright: float = 0.0
    hflip: float = 0.0
    vflip: float = 0.0
    turns: bool = False
    zoom_out: float = 0.0
    zoom_in: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    perspective: float = 0.0
    any_fill: bool = False
    """Fill the outside with the padding's grey, or with black or white as scanners do."""

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        size = (self.spec.size, self.spec.size)
        matrix = self.matrix(image.shape[0], image.shape[1], rng)
        fill = (self._fill(rng),) * 3
        if matrix[2, 0] == 0 == matrix[2, 1]:
            warped = cv2.warpAffine(
                image, matrix[:2], size, flags=cv2.INTER_LINEAR, borderValue=fill
            )
        else:
            warped = cv2.warpPerspective(
                image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=fill
            )
        return np.asarray(warped, dtype=np.uint8)

    def matrix(self, height: int, width: int, rng: np.random.Generator) -> Matrix:
        """Source pixel to output pixel: centre, bend, flip, turn, scale, and centre again."""
        size = self.spec.size
        u = rng.uniform(-1, 1, 7)
        angle = 0.0 if rng.random() < self.upright else math.radians(self.rotate) * u[0]
        if self.turns:
            angle += math.pi / 2 * rng.integers(4)
        x_sign, y_sign = np.where(rng.random(2) < (self.hflip, self.vflip), -1.0, 1.0)
        # Zooms are drawn on the logarithmic scale, so that 2x and 1/2x are equally likely.
        low, high = math.log(1 - self.zoom_out), math.log(1 + self.zoom_in)
        zoom = math.exp(low + (high - low) * (u[1] + 1) / 2) * size / max(height, width)
        cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
        turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
        bend = np.array(
            [
                [x_sign, self.shear * u[2], 0],
                [self.shear * u[3], y_sign, 0],
                [self.perspective * u[4] / width, self.perspective * u[5] / height, 1.0],
            ]
        )
        middle = (size - 1) / 2
        dx, dy = self.shift * size * rng.uniform(-1, 1, 2)
        centred = _moved(-(width - 1) / 2, -(height - 1) / 2)
        placed: Matrix = _moved(middle + dx, middle + dy) @ turn @ bend @ centred
        return placed

    def _fill(self, rng: np.random.Generator) -> int:
        if not self.any_fill:
            return self.spec.fill
        return (self.spec.fill, self.spec.fill, 0, 255)[rng.integers(4)]


class Light:
    """Brightness and contrast by table, Gaussian blur, and Gaussian noise from ready tiles.

    Drawing 150,528 normal numbers an image costs more than all the rest together, so noise comes
    from a few tiles drawn once, at a random level, offset and flip.
    """

    def __init__(
        self,
        spec: ImageSpec,
        *,
        brightness: float,
        contrast: float,
        blur: float = 0.0,
        noise: float = 0.0,
        probability: float = 1.0,
    ) -> None:
        self.brightness, self.contrast = brightness, contrast
        self.blur = blur * spec.size / 224
        self.noise, self.probability = noise, probability
        self.side = spec.size + _NOISE_MARGIN
        self._tiles: list[npt.NDArray[np.int16]] = []

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        toned, blurred, noisy = rng.random(3) < self.probability
        if toned:
            image = cv2.LUT(image, self._table(rng))
        if blurred and self.blur > 0:
            sigma = self.blur * rng.uniform(0.3, 1)
            image = cv2.GaussianBlur(image, (0, 0), sigma)
        if noisy and self.noise > 0:
            image = self._noised(image, rng)
        return image

    def _table(self, rng: np.random.Generator) -> Image:
        gain = 1 + self.contrast * rng.uniform(-1, 1)
        offset = 255 * self.brightness * rng.uniform(-1, 1)
        levels = (np.arange(256) - 127.5) * gain + 127.5 + offset
        table: Image = np.clip(levels, 0, 255).astype(np.uint8)
        return table

    def _noised(self, image: Image, rng: np.random.Generator) -> Image:
        if not self._tiles:
            self._tiles = _noise_tiles(self.side, self.noise)
        height, width = image.shape[:2]
        if max(height, width) > self.side:  # an image that was not warped to the input size
            return np.clip(image + rng.normal(0, self.noise / 2, image.shape), 0, 255).astype(
                np.uint8
            )
        tile = self._tiles[rng.integers(_NOISE_LEVELS)]
        y, x = rng.integers(0, (self.side - height + 1, self.side - width + 1))
        tile = tile[y : y + height, x : x + width]
        if rng.random() < 0.5:
            tile = tile[::-1]
        return np.asarray(cv2.add(image, tile, dtype=cv2.CV_8U), dtype=np.uint8)

    def __getstate__(self) -> dict[str, object]:
        """Loader processes draw the tiles again (they are the same) rather than receive them."""
        return {**self.__dict__, "_tiles": []}


def _noise_tiles(side: int, largest: float) -> list[npt.NDArray[np.int16]]:
    """`(side, side, 3)` tiles of rising sigma, the same in every process."""
    rng = np.random.default_rng(0)
    unit = rng.standard_normal((side, side, 3), dtype=np.float32)
    sigmas = largest * (np.arange(_NOISE_LEVELS) + 1) / _NOISE_LEVELS
    return [np.rint(unit * sigma).astype(np.int16) for sigma in sigmas]


class WarpAndLight:
    """Geometry first, then tones at the model's size."""

    def __init__(self, warp: Warp, light: Light) -> None:
        self.warp, self.light = warp, light

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        return self.light(self.warp(image, rng), rng)


def _moved(x: float, y: float) -> Matrix:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
