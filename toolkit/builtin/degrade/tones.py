"""What light and paper do to an image: exposure, contrast, casts, and a page that shows through."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from toolkit.contracts import Image


@dataclass(frozen=True)
class ShowThrough:
    """Page mix: the back of a thin sheet, or the next one, shows through.

    An image is degraded alone, so that its twin hangs on nothing else: the other page is this one,
    mirrored, upside down or both, and moved.
    """

    mix: float
    """The largest share of the other page."""
    each: float

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        chance, amount, down, across = rng.random(4)
        way = int(rng.integers(3))
        share = self.mix * amount
        if chance >= self.each or not share:
            return image
        other = cv2.flip(image, (1, 0, -1)[way])
        other = np.asarray(other, np.uint8).reshape(image.shape)
        height, width = image.shape[:2]
        other = np.roll(
            other, (round(height * (down - 0.5)), round(width * (across - 0.5))), (0, 1)
        )
        mixed = cv2.addWeighted(image, 1 - share, other, share, 0)
        return np.asarray(mixed, np.uint8)


@dataclass(frozen=True)
class Exposure:
    """Brightness and contrast of a scanner: levels are stretched around their middle and moved."""

    brightness: float
    """The largest move, as a share of the range."""
    contrast: float
    """The largest change, as a share."""
    each: float

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        brighter, sharper = rng.random(2) < self.each
        up, out = rng.uniform(-1, 1, 2)
        levels = np.arange(256, dtype=np.float64)
        if sharper:
            levels = 128 + (levels - 128) * (1 + self.contrast * out)
        if brighter:
            levels = levels + 255 * self.brightness * up
        return _mapped(image, [levels]) if brighter or sharper else image


@dataclass(frozen=True)
class Daylight:
    """What a camera makes of the light: stops, a cast of colour, and colours that are paler or
    stronger."""

    stops: float
    """The largest change of exposure, up or down, in stops: 1 is twice the light."""
    cast: float
    """The largest gain of a channel, as a share: warm, cold or green light."""
    saturation: float
    """The largest change, as a share."""
    each: float

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        exposed, tinted, paler = rng.random(3) < self.each
        stop, colour = rng.uniform(-1, 1, 2)
        gains = rng.uniform(-1, 1, 3)
        linear = (np.arange(256) / 255) ** 2.2  # a camera counts photons, a file keeps their root
        factors = np.ones(3)
        if exposed:
            factors = factors * 2 ** (self.stops * stop)
        if tinted:
            factors = factors * (1 + self.cast * gains)
        if exposed or tinted:
            image = _mapped(image, [255 * (linear * factor) ** (1 / 2.2) for factor in factors])
        if paler and self.saturation:
            grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
            kept = 1 + self.saturation * colour
            image = np.asarray(cv2.addWeighted(image, kept, grey, 1 - kept, 0), np.uint8)
        return image


def _mapped(image: Image, levels: list[npt.NDArray[np.float64]]) -> Image:
    """Every level in the place of the old one: one table, or one a channel."""
    table = np.clip(np.rint(np.stack(levels, axis=-1)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None] if len(levels) > 1 else table.ravel()), np.uint8)
