"""Any registered augmentation is callable, and albumentations draws from the host's generator."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest

from toolkit.data import augment as module
from toolkit.data.augment import SeededTransform, as_callable
from toolkit.errors import UserError


@pytest.fixture(scope="module")
def albumentations() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network when imported
        yield pytest.importorskip("albumentations")


@pytest.fixture
def image() -> np.ndarray:
    """Read-only, as the images of a pack are."""
    image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    image.setflags(write=False)
    return image


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_plain_function_stays_itself() -> None:
    def plain(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return image

    assert as_callable(plain) is plain


@pytest.mark.parametrize("kind", ["transform", "Compose", "OneOf", "Sequential"])
def test_the_generator_decides_what_a_transform_draws(
    albumentations: ModuleType, image: np.ndarray, kind: str
) -> None:
    noise = albumentations.GaussNoise(p=1)
    given = noise if kind == "transform" else getattr(albumentations, kind)([noise], p=1)
    augment = as_callable(given)
    before = image.copy()
    first, other, again = (augment(image, rng(seed)) for seed in (1, 2, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert first.dtype == np.uint8
    assert first.shape == image.shape
    np.testing.assert_array_equal(image, before)


def test_a_transform_draws_on_as_its_generator_does(
    albumentations: ModuleType, image: np.ndarray
) -> None:
    augment, generator = as_callable(albumentations.GaussNoise(p=1)), rng(1)
    assert (augment(image, generator) != augment(image, generator)).any()


def test_loader_processes_can_receive_a_transform(
    albumentations: ModuleType, image: np.ndarray
) -> None:
    augment = as_callable(albumentations.Rotate(p=1))
    assert isinstance(augment, SeededTransform)
    copy = pickle.loads(pickle.dumps(augment))
    np.testing.assert_array_equal(copy(image, rng(5)), augment(image, rng(5)))


def test_the_package_of_the_same_name_under_another_licence_is_refused(
    albumentations: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "version", {"albumentationsx": "2.1.0"}.__getitem__)
    with pytest.raises(UserError, match=r"AlbumentationsX 2\.1\.0 \(AGPL\) is installed"):
        as_callable(albumentations.Rotate(p=1))
