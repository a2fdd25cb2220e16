"""Twins are drawn from the files, once, and depend on nothing but the image, the seed and how."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.builtin.sources import csv
from toolkit.contracts import Image, ImageSpec, Table
from toolkit.contracts import ignore as silent
from toolkit.data.check import Data, check_data
from toolkit.data.images import decode, to_working
from toolkit.data.table import read_table
from toolkit.data.twins import Twins, draw_twins
from toolkit.errors import DataError
from toolkit.plugin.registry import Entry
from toolkit.recipe.plan import Choice

SPEC = ImageSpec(32, fill=128)


@pytest.fixture
def data(documents: Path, tmp_path: Path) -> Data:
    table = read_table(csv(root=str(documents)), silent)
    return check_data(table, 2, SPEC, tmp_path / "cache", silent)


def choice(factory: str = "toolkit.builtin.degrade.scanned:scanned", **options: Any) -> Choice:
    entry = Entry("augmentation", "scanned", factory, "", "toolkit", "recipe-toolkit", "1.0")
    return Choice("scanned", entry, options)


def drawn(data: Data, tmp_path: Path, *, count: int = 1, seed: int = 3, **options: Any) -> Twins:
    chosen = choice(**options)
    return draw_twins(chosen, count, seed, data.table, SPEC, tmp_path / "cache", silent)


def images(twins: Twins, number: int = 0) -> np.ndarray:
    return np.asarray(twins.pack.images[twins.rows[:, number]])


def seen_whole(spec: ImageSpec, /) -> Callable[..., Image]:
    """Gives the image's own size as a colour, and no image of it."""

    def look(image: Image, rng: np.random.Generator, /) -> Image:
        height, width = image.shape[:2]
        return np.full((8, 8, 3), (height, width, rng.integers(256)), np.uint8)

    return look


def nothing(spec: ImageSpec, /) -> Callable[..., Image]:
    return lambda image, rng: np.empty((0, 0, 3), np.uint8)


def test_a_twin_is_drawn_from_the_file_at_its_own_size(data: Data, tmp_path: Path) -> None:
    twins = drawn(data, tmp_path, factory=f"{__name__}:seen_whole")
    middle = images(twins)[:, 18, 18]
    for row, path in enumerate(data.table.train["path"]):
        assert tuple(middle[row, :2]) == decode(path).shape[:2]
    assert len(set(middle[:, 2].tolist())) > 12  # each draws for itself


def test_a_twin_depends_on_image_seed_number_and_strengths_alone(
    data: Data, tmp_path: Path
) -> None:
    twins = drawn(data, tmp_path, count=2)
    assert twins.rows.shape == (24, 2)
    first, second = images(twins), images(twins, 1)
    assert (first != second).any(axis=(1, 2, 3)).mean() > 0.9
    # Another count, other rows, another cache: the same twins.
    some = replace(data.table, train=data.table.train.iloc[5:9].reset_index(drop=True))
    few = draw_twins(choice(), 1, 3, some, SPEC, tmp_path / "elsewhere", silent)
    np.testing.assert_array_equal(images(few), first[5:9])
    for other in (drawn(data, tmp_path, seed=4), drawn(data, tmp_path, noise=90.0, each=0.9)):
        assert (images(other) != first).any(axis=(1, 2, 3)).mean() > 0.5


def test_processes_draw_the_twins_that_one_process_draws(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.data.fill._WORTH_A_POOL", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    parallel = drawn(data, tmp_path)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    alone = draw_twins(choice(), 1, 3, data.table, SPEC, tmp_path / "alone", silent)
    assert alone.pack.path != parallel.pack.path
    assert alone.pack.path.read_bytes() == parallel.pack.path.read_bytes()
    assert alone.digest == parallel.digest


def test_the_digest_tells_how_and_of_what_twins_are_drawn(data: Data, tmp_path: Path) -> None:
    some = replace(data.table, train=data.table.train.iloc[:12].reset_index(drop=True))
    found = {
        twins.digest
        for twins in (
            drawn(data, tmp_path),
            drawn(data, tmp_path, seed=4),
            drawn(data, tmp_path, count=2),
            drawn(data, tmp_path, noise=1.0),
            draw_twins(choice(), 1, 3, some, SPEC, tmp_path / "cache", silent),
        )
    }
    assert len(found) == 5
    assert drawn(data, tmp_path).digest in found


def test_twins_are_found_again_and_nothing_is_decoded(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = drawn(data, tmp_path)
    monkeypatch.setattr("toolkit.data.twins.read_image", lambda *args: pytest.fail("decoded"))
    assert drawn(data, tmp_path).pack.path == before.pack.path


def test_copies_that_come_with_the_data_have_no_twins(data: Data, tmp_path: Path) -> None:
    train = data.table.train.copy()
    train.loc[1, "parent"] = train.loc[0, "id"]
    table: Table = replace(data.table, train=train)
    twins = draw_twins(choice(), 1, 3, table, SPEC, tmp_path / "cache", silent)
    assert (twins.rows[:, 0] >= 0).tolist() == [row != 1 for row in range(24)]


def test_without_strengths_a_twin_is_the_image(data: Data, tmp_path: Path) -> None:
    off = {"turned": 0.0, "quarter_turns": 0.0, "flips": 0.0, "each": 0.0}
    twins = drawn(data, tmp_path, **off)
    for row, path in enumerate(data.table.train["path"]):
        np.testing.assert_array_equal(images(twins)[row], to_working(decode(path), SPEC))


def test_a_file_that_went_since_is_an_error_that_names_it(data: Data, tmp_path: Path) -> None:
    train = data.table.train.copy()
    train.loc[3, "path"] = str(tmp_path / "gone.png")
    table = replace(data.table, train=train)
    with pytest.raises(DataError, match=r"gone\.png: there is no such file"):
        draw_twins(choice(), 1, 3, table, SPEC, tmp_path / "cache", silent)


def test_a_component_that_gives_no_image_is_blamed(data: Data, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="scanned: gives uint8 \\(0, 0, 3\\), expected"):
        drawn(data, tmp_path, factory=f"{__name__}:nothing")
