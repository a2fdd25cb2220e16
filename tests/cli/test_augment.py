"""`toolkit augment`: copies into the cache, and the sheet of what augmentations do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from toolkit.cli import run_command

OFFLINE = ["--set", "augment.offline.use=document17", "--set", "augment.offline.copies=2"]


def test_copies_are_drawn_once_and_found_again(
    tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["augment", str(tiny_recipe), *OFFLINE]) == 0
    first = capsys.readouterr()
    assert first.out.startswith("tiny: 48 copies of 24 of 24 originals (")
    assert "decoded 48 images" in first.err
    assert run_command(["augment", str(tiny_recipe), *OFFLINE]) == 0
    again = capsys.readouterr()
    assert again.out.partition("), in")[2] == first.out.partition("), in")[2]
    assert "decoded" not in again.err


def test_a_preview_shows_each_augmentation_of_the_recipe(
    tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "look.png"
    assert run_command(["augment", str(tiny_recipe), *OFFLINE, "--preview", str(file)]) == 0
    assert capsys.readouterr().out.startswith(
        f"{file}: augment.offline: document17, augment.train: document"
    )
    with Image.open(file) as sheet:
        assert sheet.format == "PNG"
        pixels = np.asarray(sheet)
    # Two parts of six rows, eight images wide, and no two images of a row are the same.
    assert pixels.shape == (2 * (18 + 6 * 148 + 4), 8 * 148 + 4, 3)
    row = [pixels[18:162, 4 + k * 148 : 148 + k * 148].tobytes() for k in range(8)]
    assert len(set(row)) == 8


def test_what_cannot_be_drawn_or_written_is_said(
    tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["augment", str(tiny_recipe)]) == 2
    assert "has no [augment.offline], so that there are no copies" in capsys.readouterr().err
    for file in ("look.jpg", "nowhere/look.png"):
        asked = ["augment", str(tiny_recipe), "--preview", str(tmp_path / file)]
        assert run_command(asked) == 2
    told = capsys.readouterr().err
    assert "the contact sheet is a PNG; name it so" in told
    assert "there is no such folder" in told
