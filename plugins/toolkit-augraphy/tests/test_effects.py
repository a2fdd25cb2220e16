"""Each effect: repeatable here and elsewhere, of the image's size, and without a trace."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import augraphy
import numba
import numpy as np
import pytest
from augraphy import augmentations
from augraphy.base.augmentation import Augmentation
from packaging.requirements import Requirement
from toolkit.contracts import Image

from toolkit_augraphy.effects import EFFECTS, MIN_SIDE, ORDER, Name
from toolkit_augraphy.library import apply

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SEEDS = range(4)
every_effect = pytest.mark.parametrize("name", ORDER)

# What another process draws: `{name: hash of its images}`.
ELSEWHERE = """
import json, sys
import numpy as np
from hashlib import sha256
from toolkit_augraphy.effects import ORDER
from toolkit_augraphy.library import apply

page = np.load(sys.argv[1])
draw = lambda name: sha256(b"".join(apply(name, page, seed).tobytes() for seed in range(4)))
print(json.dumps({name: draw(name).hexdigest() for name in reversed(ORDER)}))
"""


@every_effect
def test_the_seed_decides_the_pixels_whatever_was_drawn_before(name: Name, page: Image) -> None:
    first = [apply(name, page, seed) for seed in SEEDS]
    random.seed(99)
    np.random.seed(99)
    again = [apply(name, page, seed) for seed in reversed(SEEDS)]
    for a, b in zip(first, reversed(again), strict=True):
        np.testing.assert_array_equal(a, b)


@every_effect
def test_it_does_something_and_gives_an_image_of_the_same_size(name: Name, page: Image) -> None:
    drawn = [apply(name, page, seed) for seed in SEEDS]
    assert {(image.shape, image.dtype) for image in drawn} == {(page.shape, np.dtype(np.uint8))}
    assert any((image != page).any() for image in drawn)


@every_effect
def test_it_leaves_image_and_global_generators_as_they_were(name: Name, page: Image) -> None:
    before = page.copy()
    state, numpy_state = random.getstate(), np.random.get_state()
    apply(name, page, 0)
    np.testing.assert_array_equal(page, before)
    assert random.getstate() == state
    for now, was in zip(np.random.get_state(), numpy_state, strict=True):
        np.testing.assert_array_equal(now, was)


@every_effect
def test_it_can_be_drawn_on_blank_noisy_and_small_images(name: Name) -> None:
    rng = np.random.default_rng(0)
    for height, width in ((MIN_SIDE, MIN_SIDE), (MIN_SIDE, 90), (90, MIN_SIDE), (37, 53)):
        noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for image in (np.zeros_like(noise), np.full_like(noise, 255), noise):
            for seed in SEEDS:
                assert apply(name, image, seed).shape == image.shape


def test_generators_are_put_back_where_an_effect_fails(
    page: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(p: float) -> None:
        raise RuntimeError(f"after a draw: {random.random()} {np.random.rand()}")

    state = random.getstate()
    monkeypatch.setattr(augraphy, "Gamma", fail)
    with pytest.raises(RuntimeError, match="after a draw"):
        apply("gamma", page, 0)
    assert random.getstate() == state


def test_red_stays_red_and_blue_stays_blue() -> None:
    """augraphy has blue first; `ink_mottling` and `jpeg` change colours little."""
    red = np.tile(np.array([200, 20, 20], np.uint8), (64, 64, 1))
    for name in ("ink_mottling", "jpeg"):
        assert np.abs(apply(name, red, 0).mean((0, 1)) - red.mean((0, 1))).max() < 30


def test_a_setting_of_numba_is_put_back(page: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    apply("brightness", page, 0)
    assert numba.config.DISABLE_JIT == 1


def test_threads_do_not_draw_from_each_others_seeds(page: Image) -> None:
    draw = partial(apply, "subtle_noise", page)
    alone = [draw(seed) for seed in range(16)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(draw, range(16)))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_process_draws_the_same_and_leaves_nothing_in_its_folder(
    page: Image, tmp_path: Path
) -> None:
    """All effects, in the opposite order, with every warning an error and the network shut."""
    folder = tmp_path / "work"
    folder.mkdir()
    np.save(tmp_path / "page.npy", page)
    shut = "import socket; socket.socket.connect = socket.getaddrinfo = None\n"
    command = [sys.executable, "-W", "error", "-c", shut + ELSEWHERE, str(tmp_path / "page.npy")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    here = {
        name: sha256(b"".join(apply(name, page, seed).tobytes() for seed in SEEDS)).hexdigest()
        for name in ORDER
    }
    assert json.loads(done.stdout) == here
    assert list(folder.iterdir()) == []


def test_every_effect_of_augraphy_is_offered_or_left_out_for_a_reason() -> None:
    known = {effect.class_name for effect in EFFECTS.values()}
    _, _, left_out = README.partition("## Left out")
    there = {
        name
        for name, value in vars(augmentations).items()
        if isinstance(value, type) and issubclass(value, Augmentation)
    }
    assert not [name for name in there - known if f"`{name}`" not in left_out]
    assert known <= there


def test_all_that_augraphy_needs_is_installed_but_the_second_opencv() -> None:
    """`[effects]` and recipe-toolkit bring the rest of what `--no-deps` leaves out."""
    missing = set()
    for line in requires("augraphy") or []:
        wanted = Requirement(line)
        try:
            assert wanted.specifier.contains(version(wanted.name))
        except PackageNotFoundError:
            missing.add(wanted.name)
    assert missing <= {"opencv-python"}
