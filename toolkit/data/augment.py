"""Makes any registered augmentation callable: a plain function, or an albumentations transform."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from toolkit.contracts import Augmentation, Image, ImageSpec
from toolkit.errors import PluginError, UserError
from toolkit.recipe.plan import Choice


def build_augmentation(choice: Choice, spec: ImageSpec) -> Augmentation:
    """What a recipe chose, callable, its every answer looked at."""
    return _Checked(as_callable(choice.build(spec)), choice)


@dataclass(frozen=True)
class _Checked:
    """An augmentation whose every image is looked at: one of floats would be stored as black."""

    augment: Augmentation
    choice: Choice

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        with self.choice.blamed("fails"):
            changed: object = self.augment(image, rng)
        if (
            isinstance(changed, np.ndarray)
            and changed.dtype == np.uint8
            and changed.ndim == 3
            and changed.shape[2] == 3
            and changed.size
        ):
            return changed
        raise PluginError(
            f"{self.choice.component}: gives {_said(changed)}, expected uint8 (height, width, 3); "
            f"normalization is the host's{self.choice.whose}"
        )


def _said(value: object) -> str:
    """What a value is, for an error: `float32 (8, 8, 3)`, or its type."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return type(value).__name__


def as_callable(augmentation: Any) -> Augmentation:
    """An augmentation as `(image, rng) -> image`. Albumentations transforms are seeded by us."""
    # An object can only be a transform of albumentations where that has been imported.
    albumentations = sys.modules.get("albumentations")
    if albumentations is None or not isinstance(
        augmentation, albumentations.BasicTransform | albumentations.BaseCompose
    ):
        plain: Augmentation = augmentation
        return plain
    _require_the_mit_one()
    if isinstance(augmentation, albumentations.BasicTransform):
        augmentation = albumentations.Compose([augmentation])
    return SeededTransform(augmentation)


def _require_the_mit_one() -> None:
    """AlbumentationsX installs the same module under another licence: say so."""
    with suppress(PackageNotFoundError):
        found = version("albumentationsx")
        raise UserError(
            f"AlbumentationsX {found} (AGPL) is installed in the place of albumentations (MIT); "
            "pip uninstall albumentationsx, then pip install albumentations==2.0.8"
        )


@dataclass(frozen=True)
class SeededTransform:
    """An albumentations pipeline whose draws come from the host's generator."""

    transform: Any

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Image:
        self.transform.set_random_seed(int(rng.integers(2**31)))
        changed: Image = self.transform(image=np.ascontiguousarray(image))["image"]
        return changed
