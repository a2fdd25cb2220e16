"""Makes any registered augmentation callable: a plain function, or an albumentations transform."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.contracts import Augmentation, Image


def as_callable(augmentation: Any) -> Augmentation:
    """An augmentation as `(image, rng) -> image`. Albumentations transforms are seeded by us."""
    # An object can only be a transform of albumentations where that has been imported.
    albumentations = sys.modules.get("albumentations")
    if albumentations is None or not isinstance(
        augmentation, albumentations.BasicTransform | albumentations.BaseCompose
    ):
        plain: Augmentation = augmentation
        return plain
    if isinstance(augmentation, albumentations.BasicTransform):
        augmentation = albumentations.Compose([augmentation])
    return SeededTransform(augmentation)


@dataclass(frozen=True)
class SeededTransform:
    """An albumentations pipeline whose draws come from the host's generator."""

    transform: Any

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        self.transform.set_random_seed(int(rng.integers(2**31)))
        changed: Image = self.transform(image=np.ascontiguousarray(image))["image"]
        return changed
