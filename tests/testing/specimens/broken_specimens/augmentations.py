"""Augmentations: each breaks the check of its name, and that one alone."""

from __future__ import annotations

import numpy as np


class Scaled:
    def __call__(self, image, rng):
        return image / np.float32(255)


def uint8_hwc(spec, /):
    """Normalizes already."""
    return Scaled()


class Counting:
    calls = 0

    def __call__(self, image, rng):
        self.calls += 1
        return np.roll(image, self.calls, axis=0)


def same_seed_same_image(spec, /):
    """What it does depends on how often it was called."""
    return Counting()


class Erase:
    def __call__(self, image, rng):
        image[:4, :4] = rng.integers(256)
        return image


def input_unmodified(spec, /):
    """Erases in the cache's image."""
    return Erase()


class Borrow:
    def __call__(self, image, rng):
        corner = image[0, 0].copy()
        image[0, 0] = 0
        darker = image // 2
        image[0, 0] = corner
        return darker


def read_only_input(spec, /):
    """Writes into the image, and takes it back."""
    return Borrow()


class Trim:
    def __call__(self, image, rng):
        return image[8:-8, 8:-8]


def tiny_and_odd_sizes(spec, /):
    """Trims more than there may be."""
    return Trim()


def picklable(spec, /):
    """A function inside a function."""
    return lambda image, rng: image[::-1]
