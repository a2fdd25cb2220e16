"""Grounds with some life in them: tables, cloth, asphalt, light that falls off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from toolkit_synthdocs.dice import RGB, Rng, between, pick, whole

DESKS: tuple[RGB, ...] = (
    (150, 112, 78),
    (198, 168, 128),
    (96, 70, 52),
    (120, 122, 126),
    (58, 60, 66),
    (224, 222, 216),
    (240, 240, 240),
    (86, 100, 118),
    (140, 130, 110),
    (186, 190, 194),
)
KINDS = ("plain", "wood", "cloth", "speckle")


def surface(rng: Rng, size: tuple[int, int], kinds: Sequence[str] = KINDS) -> Image.Image:
    """A desk, seen from above."""
    width, height = size
    kind, tone = pick(rng, kinds), np.array(pick(rng, DESKS), np.int16)
    swing = whole(rng, 4, 26)
    if kind == "wood":
        shape = (whole(rng, 30, 80), whole(rng, 2, 5))
        field = noise(rng, shape if rng.random() < 0.5 else shape[::-1], size, swing)
    elif kind == "cloth":
        field = noise(rng, (height // 2, width // 2), size, swing // 2)
    elif kind == "speckle":
        field = noise(rng, (height // 4, width // 4), size, swing)
    else:
        field = noise(rng, (3, 3), size, swing)
    return Image.fromarray(np.clip(tone + field[..., None], 0, 255).astype(np.uint8))


def gradient(rng: Rng, size: tuple[int, int], first: RGB, second: RGB) -> Image.Image:
    """Four mixed corners, smoothly joined."""
    share = rng.random((2, 2, 1))
    tones = np.array(first) + (np.array(second) - np.array(first)) * share
    return Image.fromarray(tones.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def noise(
    rng: Rng, shape: tuple[int, int], size: tuple[int, int], swing: int
) -> npt.NDArray[np.int16]:
    """Random levels on a coarse grid of `shape`, smoothed to `size`: (H, W) in -swing..swing.

    Pillow resizes 8-bit images in whole numbers, so the result is the same on every processor.
    """
    rows, columns = max(2, shape[0]), max(2, shape[1])
    grid = Image.fromarray(rng.integers(0, 256, (rows, columns), dtype=np.uint8))
    smooth = np.asarray(grid.resize(size, Image.Resampling.BICUBIC), np.int16)
    return ((smooth - 128) * swing // 128).astype(np.int16)


def lit(rng: Rng, image: Image.Image) -> Image.Image:
    """The picture in some room's light: brighter here than there, a cast of colour, grain."""
    pixels = np.asarray(image, np.int32)
    strength = whole(rng, 0, 60)
    light = noise(rng, (whole(rng, 2, 4), whole(rng, 2, 4)), image.size, strength).astype(np.int32)
    level = round(between(rng, 205, 272))
    cast = rng.integers(-14, 15, 3)
    grain = rng.integers(0, 256, pixels.shape[:2], dtype=np.uint8).astype(np.int32) - 128
    pixels = pixels * (level + light[..., None] + cast) // 256
    pixels += (grain * whole(rng, 1, 14) // 128)[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
