"""Draws which kinds a copy gets, and carries them out in the order in which they happen to a page:
it is placed, printed through, lit, photographed, and saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from toolkit.builtin.seventeen import geometry, pixels
from toolkit.contracts import Image, ImageSpec

PLACED: dict[str, Callable[[np.random.Generator, float], geometry.Matrix]] = {
    "turn": geometry.turn,
    "shift_scale": geometry.shift_and_scale,
    "quarter_turn": geometry.quarter_turn,
    "flip": geometry.flip,
    "perspective": geometry.perspective,
}
WARP = "warp"
PIXELS: dict[str, Callable[[Image, np.random.Generator, float], Image]] = {
    "page_mix": pixels.page_mix,
    "brightness_contrast": pixels.brightness_contrast,
    "gamma": pixels.gamma,
    "colour_jitter": pixels.colour_jitter,
    "greyscale": pixels.greyscale,
    "shadow": pixels.shadow,
    "motion_blur": pixels.motion_blur,
    "defocus": pixels.defocus,
    "gaussian_noise": pixels.gaussian_noise,
    "iso_noise": pixels.iso_noise,
    "downscale": pixels.downscale,
    "coarse_dropout": pixels.coarse_dropout,
    "jpeg": pixels.jpeg,
}
EXTRAS = ("shadow", "coarse_dropout")
KINDS = tuple(kind for kind in (*PLACED, WARP, *PIXELS) if kind not in EXTRAS)
"""The seventeen."""


@dataclass(frozen=True)
class Document17:
    """`(image, rng) -> image` of the same size."""

    spec: ImageSpec
    kinds: tuple[str, ...]
    least: int
    most: int
    strength: float
    extras: tuple[tuple[str, float], ...]
    """Kind and probability."""

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        count = int(rng.integers(self.least, self.most + 1))
        drawn = {self.kinds[k] for k in rng.choice(len(self.kinds), count, replace=False)}
        drawn |= {kind for kind, probability in self.extras if rng.random() < probability}
        fill = int((self.spec.fill, 255, 0)[rng.integers(3)])
        matrix = np.eye(3)
        for kind, of in PLACED.items():
            if kind in drawn:
                matrix = of(rng, self.strength) @ matrix
        if drawn & PLACED.keys():
            image = geometry.placed(image, matrix, fill)
        if WARP in drawn:
            image = geometry.bent(image, rng, self.strength, fill)
        for kind, change in PIXELS.items():
            if kind in drawn:
                image = change(image, rng, self.strength)
        return np.ascontiguousarray(image)
