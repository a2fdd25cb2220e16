"""`augraphy.degrade`: how many effects an image gets, in which order, how strong."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from toolkit.contracts import Image, ImageSpec

from toolkit_augraphy import library
from toolkit_augraphy.degrade import Degrade, degrade
from toolkit_augraphy.effects import MIN_SIDE, ORDER, Name

SPEC = ImageSpec(size=64)


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Name, int]]:
    """The names and seeds that a call applies, in order; the image is not touched."""
    calls: list[tuple[Name, int]] = []

    def note(name: Name, image: Image, seed: int) -> Image:
        calls.append((name, seed))
        return image

    monkeypatch.setattr(library, "apply", note)
    return calls


def counts(augment: Degrade, applied: list[tuple[Name, int]], page: Image) -> set[int]:
    found = set()
    for seed in range(40):
        applied.clear()
        augment(page, np.random.default_rng(seed))
        names = [name for name, _ in applied]
        assert names == sorted(set(names), key=ORDER.index)
        found.add(len(names))
    return found


def test_an_image_gets_from_least_to_most_different_effects_in_order(
    applied: list[tuple[Name, int]], page: Image
) -> None:
    assert counts(degrade(SPEC), applied, page) == {1, 2, 3}
    assert counts(degrade(SPEC, least=2, most=4), applied, page) == {2, 3, 4}
    assert counts(degrade(SPEC, effects=["jpeg", "gamma"], most=9), applied, page) == {1, 2}


def test_only_listed_effects_are_drawn_each_with_a_seed_of_its_own(
    applied: list[tuple[Name, int]], page: Image
) -> None:
    augment = degrade(SPEC, effects=["jpeg", "faxify", "ink_bleed"], least=3)
    augment(page, np.random.default_rng(0))
    assert [name for name, _ in applied] == ["ink_bleed", "faxify", "jpeg"]
    assert len({seed for _, seed in applied}) == 3


def test_strength_mixes_the_image_with_its_degraded_self(page: Image) -> None:
    def drawn(strength: float) -> Image:
        augment = degrade(SPEC, effects=["noisy_lines"], strength=strength)
        return augment(page, np.random.default_rng(1))

    half = (page.astype(float) + drawn(1.0)) / 2
    assert np.abs(drawn(1.0).astype(int) - page).max() > 40
    assert np.abs(drawn(0.5) - half).max() <= 0.5


def test_a_weak_degradation_is_still_an_image(page: Image) -> None:
    mixed = degrade(SPEC, strength=0.3)(page, np.random.default_rng(0))
    assert mixed.dtype == np.uint8
    assert mixed.shape == page.shape


def test_an_image_too_small_for_effects_is_copied() -> None:
    image = np.zeros((MIN_SIDE - 1, 200, 3), np.uint8)
    same = degrade(SPEC)(image, np.random.default_rng(0))
    np.testing.assert_array_equal(same, image)
    assert same is not image


@pytest.mark.slow
def test_spawned_processes_draw_the_same_images(page: Image) -> None:
    augment = degrade(SPEC, most=4)
    here = [augment(page, np.random.default_rng(seed)) for seed in range(6)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        there = list(pool.map(augment, [page] * 6, map(np.random.default_rng, range(6))))
    for a, b in zip(here, there, strict=True):
        np.testing.assert_array_equal(a, b)
