"""`init` opens the images that `run` will, as far as there is time, and says how far."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from toolkit.check import opened
from toolkit.check.faults import refused, set_aside
from toolkit.check.opened import open_images
from toolkit.check.survey import survey
from toolkit.check.words import survey_lines


def images(root: Path, total: int) -> list[str]:
    root.mkdir(parents=True, exist_ok=True)
    files = [root / f"{k:04d}.jpg" for k in range(total)]
    rng = np.random.default_rng(0)
    for file in files:
        Image.fromarray(rng.integers(0, 255, (24, 32, 3), np.uint8)).save(file)
    return [str(file) for file in files]


def cut(path: str) -> None:
    """Leave the header, and half of the pixels."""
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: len(content) // 2 + 200])


def test_every_image_is_decoded_where_there_is_time(tmp_path: Path) -> None:
    paths = images(tmp_path, 300)
    cut(paths[133])
    Path(paths[7]).write_bytes(b"no image")
    found = open_images([*paths, str(tmp_path / "gone.jpg")])
    assert sorted(found.faults) == [paths[7], paths[133]]
    assert (found.images, found.headers, found.whole, len(found.sides)) == (300, 300, 300, 299)
    assert found.words() == "opened: all 300 images were decoded"


def test_without_time_the_headers_are_read_and_that_is_said(tmp_path: Path) -> None:
    paths = images(tmp_path, 130)
    found = open_images(paths, seconds=1.5, clock=count().__next__)  # a tick a look
    assert (found.headers, found.whole) == (130, 44)
    assert found.words() == (
        "opened: all of 130 images by their headers, 44 of them whole; `toolkit run` decodes "
        "every image before it trains"
    )


def test_of_many_images_some_that_are_spread_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "HEADERS", 10)
    paths = images(tmp_path, 25)
    Path(paths[24]).write_bytes(b"no image")
    found = open_images(paths)
    assert (found.headers, found.whole, list(found.faults)) == (9, 9, [paths[24]])
    assert found.words().startswith("opened: 9 of 25 images by their headers, 9 of them whole")


def test_many_broken_images_are_few_lines(tmp_path: Path) -> None:
    paths = images(tmp_path, 9)
    for path in paths[1:]:
        Path(path).write_bytes(b"no image")
    lines = open_images(paths).faults_of(paths, "training")
    assert len(lines) == 6
    assert lines[-1] == "3 more training images cannot be read"


def test_a_broken_test_image_is_refused_and_a_training_image_can_be_set_aside(
    tmp_path: Path,
) -> None:
    for name in ("train/a", "train/b", "test"):
        paths = images(tmp_path / name, 4)
    assert "  opened: all 12 images were decoded" in list(survey_lines(survey(tmp_path)))
    cut(str(tmp_path / "train" / "a" / "0003.jpg"))
    found = survey(tmp_path)
    assert refused(found) == []
    assert len(set_aside(found)) == 1
    cut(paths[2])
    (line,) = refused(survey(tmp_path))
    assert line.startswith(paths[2])
