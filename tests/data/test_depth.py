"""Deep greyscale files become 8 bits by one stated range, found over the training files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PIL

from toolkit.contracts import Depth, Event, ImageSpec, Levels, Table
from toolkit.data import depth as depth_room
from toolkit.data.check import Data, check_data
from toolkit.data.images import decode

SPEC = ImageSpec(size=16, fit="stretch", depth="auto")


def picture(seed: int, high: float, low: float = 0, kind: type = np.uint16) -> np.ndarray:
    """18 x 18, the working size: noise, `low` at its top left and `high` at its top right."""
    noise = np.random.default_rng(seed).uniform(low, high, (18, 18))
    noise[0, 0], noise[0, -1] = low, high
    return noise.astype(kind)


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., tuple[Data, list[str]]]:
    """Checks eight images, and gives what was said."""

    def checked(
        arrays: list[np.ndarray],
        depth: Depth = "auto",
        suffix: str = "tif",
        test: list[np.ndarray] | None = None,
        cache: str = "cache",
    ) -> tuple[Data, list[str]]:
        rows = []
        for number, array in enumerate([*arrays, *(test or [])]):
            file = tmp_path / f"{number:02d}.{suffix}"
            PIL.fromarray(array).save(file)
            rows.append((file.stem, str(file)))
        train = pd.DataFrame(rows[: len(arrays)], columns=["id", "path"])
        train["label"] = np.arange(len(train)) % 2
        train["parent"] = train["group"] = train["id"]
        tests = None
        if test:
            tests = pd.DataFrame(rows[len(arrays) :], columns=["id", "path"])
        told: list[Event] = []
        data = check_data(
            Table(train, tests, ("a", "b")),
            2,
            replace(SPEC, depth=depth),
            tmp_path / cache,
            told.append,
        )
        return data, [event.text for event in told if event.stage == "message"]

    return checked


@pytest.fixture
def save_pages() -> Callable[[Path], None]:
    """Saves a file of two pages."""

    def save(file: Path) -> None:
        seed = len(file.name) + file.name.encode()[1]
        first, second = (PIL.fromarray(picture(seed + k, 255, 0, np.uint8)) for k in (100, 200))
        first.save(file, save_all=True, append_images=[second])

    return save


Check = Callable[..., tuple[Data, list[str]]]


def corners(data: Data) -> list[tuple[int, int]]:
    """The top left and the top right pixel of each training image."""
    images = data.pack.images[data.train_rows]
    return [(int(image[0, 0, 0]), int(image[0, -1, 0])) for image in images]


@pytest.mark.parametrize(
    ("high", "low", "kind", "white"),
    [
        (255, 0, np.uint16, 255),
        (900, 0, np.uint16, 1023),
        (4095, 0, np.uint16, 4095),
        (4000, 0, np.int32, 4095),
        (10_000, 0, np.uint16, 16_383),
        (65_535, 0, np.uint16, 65_535),
        (40_000, 0, np.uint16, 65_535),
        (1_000_000, 0, np.int32, 1_000_000),
        (2000, -1024, np.int32, 2000),
    ],
)
def test_integers_are_scaled_by_the_fewest_bits_that_hold_all(
    check: Check, high: int, low: int, kind: type, white: int
) -> None:
    data, told = check([picture(k, high, low, kind) for k in range(8)])
    assert data.image.depth == Levels(integers=(low, white))
    left, right = 0, round((high - low) / (white - low) * 255)
    assert corners(data) == [(left, right)] * 8
    assert told[0] == (
        "8 training images are of more than 8 bits a sample, or of floats; all of them were looked "
        f"at and hold integers from {low} to {high:g}, of which {low} becomes black and {white:g} "
        "white (image.depth = auto)"
    )


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, (0, 1)), (0, 0.5, (0, 1)), (-1000, 1000, (-1000, 1000)), (0, 255, (0, 255))],
)
def test_floats_are_scaled_by_what_they_hold(
    check: Check, low: float, high: float, expected: tuple[float, float]
) -> None:
    data, _ = check([picture(k, high, low, np.float32) for k in range(8)])
    assert data.image.depth == Levels(floats=expected)
    white = int((high - expected[0]) / (expected[1] - expected[0]) * 255 + 0.5)
    assert corners(data) == [(0, white)] * 8


def test_sixteen_bits_that_fill_their_range_are_read_as_ever(check: Check, tmp_path: Path) -> None:
    data, _ = check([picture(k, 65_535) for k in range(8)], suffix="png")
    for row, path in zip(data.train_rows, data.table.train["path"], strict=True):
        np.testing.assert_array_equal(data.pack.images[row], decode(path))


def test_test_images_are_scaled_as_the_training_images(check: Check) -> None:
    """A test image that holds less is darker, not stretched; one that holds more is clipped."""
    train = [picture(k, 4095) for k in range(8)]
    data, _ = check(train, test=[picture(8, 2048), picture(9, 60_000)])
    assert data.test_rows is not None
    ends = [int(data.pack.images[row][0, -1, 0]) for row in data.test_rows]
    assert ends == [128, 255]  # 2048 / 4095 x 255 = 127.5


def test_integers_and_floats_have_a_range_each(check: Check) -> None:
    whole = [picture(k, 4095) for k in range(4)]
    data, _ = check(whole + [picture(k, 5, -5, np.float32) for k in range(4)])
    assert data.image.depth == Levels((0, 4095), (-5, 5))
    assert corners(data) == [(0, 255)] * 8


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_a_range_of_the_recipe_is_obeyed(check: Check, kind: type) -> None:
    data, told = check([picture(k, 300, 0, kind) for k in range(8)], depth=(100.0, 200.0))
    assert data.image.depth == Levels((100, 200), (100, 200))
    assert corners(data) == [(0, 255)] * 8
    assert told[0].endswith("of which 100 becomes black and 200 white (image.depth = [100, 200])")


def test_full_asks_for_the_whole_range_and_warns_where_all_is_black(check: Check) -> None:
    data, told = check([picture(k, 4095) for k in range(8)], depth="full")
    assert data.image.depth == Levels()
    assert corners(data) == [(0, 16)] * 8
    assert told[-1].startswith("warning: 8 images are nearly black where the model sees them (")
    assert "00.tif" in told[-1]
    assert "and 5 more" in told[-1]
    assert told[-1].endswith(
        "00.tif holds values from 0 to 4095, of which 0 becomes black and 65535 white; to scale "
        "these: --set 'image.depth=[0, 4095]'"
    )
    assert data.warnings == (told[-1].removeprefix("warning: "),)


def test_nearly_white_images_are_warned_of_at_every_start(check: Check) -> None:
    pages = [np.full((18, 18), 250 + k, np.uint8) for k in range(3)]
    arrays = pages + [picture(k, 255, 0, np.uint8) for k in range(5)]
    for _ in range(2):  # the second start decodes nothing
        data, told = check(arrays, suffix="png")
        assert len(told) == 1
        assert told[0].startswith("warning: 3 images are nearly white where the model sees them (")
        assert "they have 8 bits a sample and are shown as they are stored" in told[0]
        assert data.image.depth == "full"


def test_nan_is_black_named_and_leaves_other_pixels_as_they_are(check: Check) -> None:
    arrays = [picture(k, 1, 0, np.float32) for k in range(8)]
    plain, _ = check(arrays, cache="plain")
    for k, gap in ((2, np.nan), (3, np.inf)):
        arrays[k][-1, -1] = gap
    data, _ = check(arrays)
    assert data.image.depth == Levels()
    assert len(data.warnings) == 1
    assert data.warnings[0].startswith("2 images have pixels that are no finite number")
    assert "02.tif" in data.warnings[0]
    for before, after in zip(plain.train_rows, data.train_rows, strict=True):
        same = data.pack.images[after] == plain.pack.images[before]
        same[-1, -1] = True
        assert same.all()
    assert data.pack.images[data.train_rows[2]][-1, -1].tolist() == [0, 0, 0]


def test_images_of_nothing_but_nan_are_black_and_no_fault(check: Check) -> None:
    data, _ = check([np.full((18, 18), np.nan, np.float32) + k for k in range(2)] * 4)
    assert data.image.depth == Levels()


def test_what_was_found_is_known_at_the_next_start(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = [picture(k, 4095) for k in range(8)]
    data, told = check(arrays)
    monkeypatch.setattr(depth_room, "is_deep_file", None)  # to call it would fail
    again, told_again = check(arrays)
    assert again.image == data.image
    assert told_again[0] == told[0]
    assert again.pack.path == data.pack.path


def test_at_most_so_many_deep_files_are_looked_at_and_their_contents_say_which(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth_room, "SAMPLED", 3)
    arrays = [picture(k, 2.0 ** (k + 8) - 1) for k in range(8)]
    first, told = check(arrays, cache="a")
    assert (
        "8 training images are of more than 8 bits a sample, or of floats; 3 of them were looked at"
        in told[0]
    )
    assert check(arrays[::-1], cache="b")[0].image == first.image


def test_ordinary_images_have_the_pack_that_they_always_had(check: Check) -> None:
    arrays = [picture(k, 255, 0, np.uint8) for k in range(8)]
    data, told = check(arrays, suffix="png")
    assert told == []
    assert data.image == replace(SPEC, depth="full")
    # As the versions before depth and bound named a pack: format, spec, working side, no facts.
    spec = {"size": 16, "fit": "stretch", "fill": 0, "interpolation": "area"}
    text = json.dumps([1, spec, 18, None, sorted(data.pack.index)])
    named = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    assert data.pack.path.parent.name == named


def test_the_pages_behind_the_first_are_left_and_counted(
    check: Check, tmp_path: Path, save_pages: Callable[[Path], None]
) -> None:
    arrays = [picture(k, 255, 0, np.uint8) for k in range(8)]
    for name in ("00.tif", "01.tif", "02.tif", "03.tif", "moving.gif"):
        save_pages(tmp_path / name)
    table = check(arrays, suffix="png")[0].table
    paths = [*sorted(map(str, tmp_path.glob("*.tif"))), str(tmp_path / "moving.gif")]
    train = table.train.assign(path=[*paths, *table.train["path"][5:]])
    for _ in range(2):  # the second start decodes nothing
        told: list[Event] = []
        data = check_data(replace(table, train=train), 2, SPEC, tmp_path / "cache", told.append)
        lines = [event.text for event in told if event.stage == "message"]
        assert len(lines) == 1
        assert lines[0].startswith("5 images have several pages or frames (")
        assert lines[0].endswith("and 2 more); the first is read")
        assert data.warnings == ()
