"""Sizes and shapes of the images against what a recipe makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.check.measure import column
from toolkit.contracts import Floats, ImageSpec

_MOST = 0.5  # share of the images
_WASTE = 0.4
_CUT = 0.3
_STEP = 32  # pixels, between sizes that models like


@dataclass(frozen=True)
class Sizes:
    """Width and height of the images, pixels, and what the recipe's square does to them."""

    widths: tuple[float, float, float]
    """Smallest, median, largest."""
    heights: tuple[float, float, float]
    enlarged: float
    """Share of the images that are smaller than the model's input."""
    padding: float
    """Mean share of the input that a letterbox leaves empty."""
    cut: float
    """Mean share of an image that a centre crop leaves out."""
    fitting: int
    """A size that half of the images fill."""


def sizes_of(features: Floats, spec: ImageSpec) -> Sizes:
    """Of images with these features `(n, F)`, n at least 1."""
    size, aspect = (column(features, name).astype(np.float64) for name in ("size", "aspect"))
    width, height = 2 ** (size + aspect / 2), 2 ** (size - aspect / 2)
    longest, shortest = np.maximum(width, height), np.minimum(width, height)
    filled = shortest if spec.fit == "crop" else longest
    side = float(np.median(filled))
    return Sizes(
        _three(width),
        _three(height),
        float((filled < 0.99 * spec.size).mean()),
        float((1 - shortest / longest).mean()),
        float((1 - shortest / longest).mean()),
        max(_STEP, int(side // _STEP) * _STEP),
    )


def _three(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    return float(values.min()), float(np.median(values)), float(values.max())


def size_lines(sizes: Sizes | None, spec: ImageSpec) -> Iterator[str]:
    """What the recipe's square costs."""
    if sizes is None:
        return
    if sizes.enlarged > _MOST:
        yield (
            f"image.size = {spec.size} is larger than {sizes.enlarged:.0%} of the images: "
            f"enlarging costs time and shows nothing new; {sizes.fitting} is what half of them fill"
        )
    if spec.fit == "letterbox" and sizes.padding > _WASTE:
        yield (
            f'image.fit = "letterbox" leaves {sizes.padding:.0%} of the input empty, the images '
            'are long; "stretch" uses it all, where shapes matter little'
        )
    if spec.fit == "crop" and sizes.cut > _CUT:
        yield (
            f'image.fit = "crop" leaves out {sizes.cut:.0%} of each image; "letterbox" shows it '
            "whole"
        )
    if spec.fit == "stretch" and sizes.padding > _WASTE:
        yield (
            'image.fit = "stretch" squeezes images whose sides are 1 to '
            f'{1 / (1 - sizes.padding):.1f}; "letterbox" keeps their shape'
        )
