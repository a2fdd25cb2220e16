"""Train augmentations: repeatable, of the model's size, and geometry that can be checked."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from toolkit.builtin.augmentations import document, light, none
from toolkit.contracts import Augmentation, ImageSpec
from toolkit.data.images import to_input

Factory = Callable[..., Augmentation]

SIZE = 32
SPEC = ImageSpec(size=SIZE)
STILL: dict[str, float] = {"rotate": 0, "shift": 0, "brightness": 0, "contrast": 0}
still_light = partial(light, **STILL, zoom=0)
still_document = partial(
    document,
    **STILL,
    upright=1,
    flips=0,
    quarter_turns=False,
    zoom_out=0,
    zoom_in=0,
    shear=0,
    perspective=0,
    blur=0,
    noise=0,
)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def noise_image(height: int, width: int) -> np.ndarray:
    """Read-only, as the images of a pack are."""
    image = rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image.setflags(write=False)
    return image


def smooth_image(side: int) -> np.ndarray:
    """Without any symmetry, and smooth, so that one resampling more or less hardly shows."""
    y, x = np.mgrid[0:side, 0:side] / (side - 1)
    channels = [200 * x, 150 * y * y + 50 * x, 100 + 80 * x * y]
    return np.stack(channels, axis=2).round().astype(np.uint8)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference, levels."""
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("factory", [light, document])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (31, 17), (37, 37), (300, 200)])
def test_any_shape_comes_out_at_the_models_size(factory: Factory, shape: tuple[int, int]) -> None:
    augment, image = factory(SPEC), noise_image(*shape)
    before = image.copy()
    for seed in range(25):
        changed = augment(image, rng(seed))
        assert changed.shape == (SIZE, SIZE, 3)
        assert changed.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


def test_none_leaves_the_image_as_it_is() -> None:
    image = noise_image(31, 17)
    np.testing.assert_array_equal(none(SPEC)(image, rng(0)), image)


@pytest.mark.parametrize("factory", [light, document])
def test_the_seed_decides_the_image(factory: Factory) -> None:
    augment, image = factory(SPEC), noise_image(37, 37)
    for seed in range(10):
        first = augment(image, rng(seed))
        np.testing.assert_array_equal(augment(image, rng(seed)), first)
        np.testing.assert_array_equal(factory(SPEC)(image, rng(seed)), first)
        assert (augment(image, rng(seed + 100)) != first).any()


@pytest.mark.parametrize("factory", [none, light, document])
def test_a_loader_process_receives_the_same_augmentation(factory: Factory) -> None:
    augment, image = factory(SPEC), noise_image(37, 37)
    used = [augment(image, rng(seed)) for seed in range(20)]  # the noise tiles are drawn
    pickled = pickle.dumps(augment)
    assert len(pickled) < 2000  # and do not travel
    copy = pickle.loads(pickled)
    for seed, expected in enumerate(used):
        np.testing.assert_array_equal(copy(image, rng(seed)), expected)


@pytest.mark.parametrize("factory", [still_light, still_document])
def test_without_strength_only_the_size_changes(factory: Factory) -> None:
    image = smooth_image(SPEC.working_size)
    for seed in range(5):
        assert difference(factory(SPEC)(image, rng(seed)), to_input(image, SPEC)) < 0.5


def test_without_strength_an_image_of_the_models_size_does_not_change() -> None:
    image = noise_image(SIZE, SIZE)
    np.testing.assert_array_equal(still_light(SPEC)(image, rng(0)), image)
    np.testing.assert_array_equal(still_document(SPEC)(image, rng(0)), image)


def test_a_smaller_image_is_enlarged_to_its_longer_side() -> None:
    image = np.full((16, 8, 3), 255, dtype=np.uint8)
    changed = still_light(ImageSpec(SIZE, fill=7))(image, rng(0))
    # 16 x 8 becomes 32 x 16, in the middle: columns 8 to 23
    assert (changed[1:-1, 9:23] == 255).all()
    assert (changed[:, :7] == 7).all()
    assert (changed[:, 25:] == 7).all()


def test_both_flips_are_a_half_turn() -> None:
    image = noise_image(SIZE, SIZE)
    turned = still_document(SPEC, flips=1)(image, rng(0))
    assert difference(turned, image[::-1, ::-1]) < 0.01


def test_a_horizontal_flip_mirrors_left_and_right() -> None:
    image = noise_image(SIZE, SIZE)
    assert difference(still_light(SPEC, hflip=1)(image, rng(0)), image[:, ::-1]) < 0.01


def test_quarter_turns_are_the_four_rotations() -> None:
    image = noise_image(SIZE, SIZE)
    turns = [np.rot90(image, k) for k in range(4)]
    augment = still_document(SPEC, quarter_turns=True)
    seen = set()
    for seed in range(30):
        changed = augment(image, rng(seed))
        distances = [difference(changed, turn) for turn in turns]
        assert min(distances) < 0.01
        seen.add(int(np.argmin(distances)))
    assert seen == {0, 1, 2, 3}


def test_a_rotation_keeps_the_centre_and_turns_the_rest() -> None:
    side = 33  # odd, so that one pixel is the centre
    image = np.zeros((side, side, 3), dtype=np.uint8)
    image[14:19, 14:19] = 200
    image[2:7, 14:19] = 100  # a mark above it
    augment = still_document(ImageSpec(side), upright=0, rotate=180, light=0)
    ends = []
    for seed in range(20):
        changed = augment(image, rng(seed))
        assert changed[16, 16].tolist() == [200, 200, 200]
        y, x = np.argwhere((changed[..., 0] > 60) & (changed[..., 0] < 140)).mean(axis=0)
        ends.append((y < 16, x < 16))
    assert len(set(ends)) == 4  # it goes to all sides


def test_a_zoom_out_shows_the_fill_and_a_zoom_in_does_not() -> None:
    white = np.full((37, 37, 3), 255, dtype=np.uint8)
    spec = ImageSpec(SIZE, fill=9)
    corners = set()
    for seed in range(30):
        out = still_light(spec, zoom=0.5)(white, rng(seed))
        corners.add(int(out[0, 0, 0]))
        inside = still_document(spec, zoom_in=0.5)(white, rng(seed))
        assert (inside[1:-1, 1:-1] == 255).all()
    assert {9, 255} <= corners  # zoomed out, and zoomed in


def test_documents_are_filled_as_scanners_do() -> None:
    grey = np.full((37, 37, 3), 128, dtype=np.uint8)
    augment = still_document(ImageSpec(SIZE, fill=9), upright=0, rotate=180)
    corners = [int(augment(grey, rng(seed))[0, 0, 0]) for seed in range(60)]
    assert {0, 9, 255} <= set(corners)
    assert corners.count(9) > corners.count(0)  # 2 of 4, and 1 of 4


def test_a_shift_is_at_most_its_share_of_the_side() -> None:
    image = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
    image[15:17, 15:17] = 255
    centres = []
    for seed in range(40):
        changed = still_light(SPEC, shift=0.25)(image, rng(seed))[..., 0].astype(float)
        y, x = np.mgrid[0:SIZE, 0:SIZE]
        centres.append(((y * changed).sum(), (x * changed).sum()) / changed.sum() - 15.5)
    assert np.abs(centres).max() < 0.25 * SIZE + 0.5
    assert np.abs(centres).max() > 0.15 * SIZE


def test_brightness_and_contrast_stay_within_their_strength() -> None:
    grey = np.full((SIZE, SIZE, 3), 100, dtype=np.uint8)
    bright = [
        int(still_light(SPEC, brightness=0.2)(grey, rng(seed))[5, 5, 0]) for seed in range(60)
    ]
    # 100 +- 0.2 x 255 = 49 to 151
    assert min(bright) >= 48
    assert max(bright) <= 151
    assert max(bright) - min(bright) > 60
    contrast = [
        int(still_light(SPEC, contrast=0.2)(grey, rng(seed))[5, 5, 0]) for seed in range(60)
    ]
    # 127.5 - 27.5 x (0.8 to 1.2) = 94.5 to 105.5
    assert min(contrast) >= 94
    assert max(contrast) <= 105
    assert max(contrast) - min(contrast) > 6


def test_blur_smooths_and_noise_roughens() -> None:
    sharp = np.zeros((224, 224, 3), dtype=np.uint8)
    sharp[:, 112:] = 200
    spec = ImageSpec(224)
    plain = still_document(spec)(sharp, rng(0)).astype(int)
    blurred = still_document(spec, blur=3, light=1)(sharp, rng(0)).astype(int)
    noisy = still_document(spec, noise=40, light=1)(sharp, rng(0)).astype(int)
    assert np.abs(np.diff(plain, axis=1)).max() == 200
    assert np.abs(np.diff(blurred, axis=1)).max() < 150
    assert (np.abs(np.diff(blurred, axis=1))[5, 105:118, 0] > 0).sum() > 2
    flat = noisy[20:200, 130:210].astype(float)
    assert 2 < flat.std() < 45
    assert abs(flat.mean() - 200) < 3


def test_a_light_probability_of_zero_leaves_the_tones_alone() -> None:
    image = noise_image(SIZE, SIZE)
    augment = still_document(SPEC, brightness=0.5, contrast=0.5, blur=3, noise=50, light=0)
    for seed in range(10):
        np.testing.assert_array_equal(augment(image, rng(seed)), image)
