"""Data sets as people have them, from the table to the pixels: what the model is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PIL

from toolkit.builtin.sources import csv
from toolkit.contracts import Event, Image, ImageSpec
from toolkit.data.check import check_data
from toolkit.data.images import decode
from toolkit.data.table import read_table

SPEC = ImageSpec(size=42, fit="stretch", depth="auto")  # working size 48
RED = (255, 0, 0)

# What a camera that is held so stores of the upright picture (Exif 2.3, tag 274).
TURNS = (
    None,
    PIL.Transpose.FLIP_LEFT_RIGHT,
    PIL.Transpose.ROTATE_180,
    PIL.Transpose.FLIP_TOP_BOTTOM,
    PIL.Transpose.TRANSPOSE,
    PIL.Transpose.ROTATE_90,
    PIL.Transpose.TRANSVERSE,
    PIL.Transpose.ROTATE_270,
)


def noise(key: int) -> np.ndarray:
    """48 x 48 between 0.1 and 0.9, but 0 in the left half of its first row and 1 in the right."""
    values = np.random.default_rng(key).uniform(0.1, 0.9, (48, 48))
    values[0, :24], values[0, 24:] = 0, 1
    return values


def scaled(high: float, kind: type, low: float = 0, last: float | None = None) -> PIL.Image:
    values = noise(0) * (high - low) + low
    if last is not None:
        values[-1, -1] = last
    return PIL.fromarray(values.astype(kind))


def upright(key: int) -> PIL.Image:
    """60 x 30, red at the top left."""
    image = PIL.fromarray((np.random.default_rng(key).random((30, 60, 3)) * 99).astype(np.uint8))
    image.paste(RED, (0, 0, 16, 16))
    return image


Shown = Callable[..., list[Image]]


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    """The pixels of a table's images, decoded as the check of the data says."""

    def pixels(files: dict[str, Callable[[Path], None]], told: list[str]) -> list[Image]:
        (tmp_path / "train").mkdir()
        names = []
        for k, (name, save) in enumerate(files.items()):
            save(tmp_path / "train" / name)
            names.append(f"{name},{'ab'[k % 2]}")
        (tmp_path / "train.csv").write_text("\n".join(["id,label", *names]) + "\n")
        table = read_table(csv(root=str(tmp_path), id_column="id", target_column="label"))
        events: list[Event] = []
        data = check_data(table, 2, SPEC, tmp_path / "cache", events.append)
        told += [event.text for event in events if event.stage == "message"]
        assert data.pack.images.shape[1:] == (48, 48, 3)
        return [decode(path, data.image) for path in table.train["path"]]

    return pixels


def saving(image: PIL.Image, **options: object) -> Callable[[Path], None]:
    return lambda file: image.save(file, **options)


@pytest.mark.parametrize(
    ("image", "suffix"),
    [
        (scaled(65_535, np.uint16), "png"),  # gray_16_bit
        (scaled(4095, np.uint16), "png"),  # gray_12_bit
        (scaled(4095, np.int32), "tif"),  # gray_int32
        (scaled(1000, np.float32, low=-1000), "tif"),  # gray_float
        (scaled(1, np.float32, last=np.nan), "tif"),  # gray_nan
    ],
)
def test_deep_grey_runs_from_black_at_the_top_left_to_white_at_the_top_right(
    shown: Shown, image: PIL.Image, suffix: str
) -> None:
    told: list[str] = []
    files = {f"p{k:02d}.{suffix}": saving(image) for k in range(4)}
    for pixels in shown(files, told):
        assert pixels.shape == (48, 48, 3)
        assert pixels[0, 0].tolist() == [0, 0, 0]
        assert pixels[0, -1].tolist() == [255, 255, 255]
        # One NaN leaves the other pixels as they are.
        expected = np.round(noise(0) * 255)[..., None]
        assert np.abs(pixels - expected)[:, :-1].max() <= 1
    assert any("image.depth = auto" in line for line in told)
    assert any("NaN" in line for line in told) == bool(np.isnan(np.asarray(image)).any())


@pytest.mark.parametrize("suffix", ["jpg", "tif", "png"])
def test_the_eight_orientations_lie_with_their_red_at_the_top_left(
    shown: Shown, suffix: str
) -> None:
    files = {}
    for k, turn in enumerate(TURNS):
        exif = PIL.Exif()
        exif[274] = k + 1
        stored = upright(k) if turn is None else upright(k).transpose(turn)
        files[f"p{k}.{suffix}"] = saving(stored, exif=exif, quality=95)
    for k, pixels in enumerate(shown(files, [])):
        assert pixels.shape == (30, 60, 3)
        assert np.abs(pixels[2:12, 2:12].astype(int) - RED).max() < 30
        assert np.abs(pixels.astype(int) - np.asarray(upright(k))).mean() < 25


def test_a_garbage_exif_block_leaves_the_picture_as_it_is_stored(shown: Shown) -> None:
    garbage = b"garbage garbage"
    files = {
        "p0.png": saving(upright(0), exif=garbage),
        "p1.webp": saving(upright(1), exif=garbage, lossless=True),
        "p2.png": saving(upright(2)),
        "p3.webp": saving(upright(3), lossless=True),
    }
    for k, pixels in enumerate(shown(files, [])):
        np.testing.assert_array_equal(pixels, np.asarray(upright(k)))
