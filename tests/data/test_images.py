"""Every kind of image file becomes the same upright RGB array, and any shape a square."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PIL

from toolkit.contracts import ImageSpec
from toolkit.data.images import decode, to_input, to_working
from toolkit.errors import DataError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)

# Where row 0 and column 0 of the stored pixels belong in the upright image (Exif 2.3, tag 274),
# as what a camera does to the upright pixels before it stores them.
STORED = {
    1: lambda upright: upright,  # top, left
    2: lambda upright: upright[:, ::-1],  # top, right
    3: lambda upright: upright[::-1, ::-1],  # bottom, right
    4: lambda upright: upright[::-1],  # bottom, left
    5: lambda upright: upright.swapaxes(0, 1),  # left, top
    6: lambda upright: np.rot90(upright),  # right, top
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: lambda upright: np.rot90(upright, -1),  # left, bottom
}


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_orientation_comes_out_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    upright = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    exif = PIL.Exif()
    exif[274] = orientation
    file = tmp_path / f"page.{suffix}"
    PIL.fromarray(np.ascontiguousarray(STORED[orientation](upright))).save(file, exif=exif)
    np.testing.assert_array_equal(decode(file), upright)


def test_a_turned_jpeg_comes_out_upright(tmp_path: Path) -> None:
    upright = np.zeros((16, 32, 3), dtype=np.uint8)
    upright[:, :16] = 255  # the left half is white
    exif = PIL.Exif()
    exif[274] = 6
    file = tmp_path / "photo.jpg"
    PIL.fromarray(np.ascontiguousarray(np.rot90(upright))).save(file, exif=exif)
    decoded = decode(file).astype(int)
    assert decoded.shape == (16, 32, 3)
    assert np.abs(decoded - upright).max() < 8


def test_greyscale_becomes_three_equal_channels(tmp_path: Path) -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    PIL.fromarray(grey).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(decode(tmp_path / "grey.png"), np.stack([grey] * 3, axis=2))


def palette_image() -> PIL.Image:
    image = PIL.new("P", (3, 1))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.putdata([0, 1, 2])
    return image


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_a_palette_becomes_its_colours(tmp_path: Path, suffix: str) -> None:
    palette_image().save(tmp_path / f"p.{suffix}")
    assert decode(tmp_path / f"p.{suffix}").tolist() == [[list(RED), list(GREEN), list(BLUE)]]


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_the_transparent_colour_of_a_palette_becomes_white(tmp_path: Path, suffix: str) -> None:
    palette_image().save(tmp_path / f"p.{suffix}", transparency=1)
    assert decode(tmp_path / f"p.{suffix}").tolist() == [[list(RED), list(WHITE), list(BLUE)]]


def test_a_transparent_colour_of_an_rgb_file_becomes_white(tmp_path: Path) -> None:
    image = PIL.new("RGB", (2, 1), RED)
    image.putpixel((1, 0), GREEN)
    image.save(tmp_path / "rgb.png", transparency=GREEN)
    assert decode(tmp_path / "rgb.png").tolist() == [[list(RED), list(WHITE)]]


def test_alpha_is_laid_on_white(tmp_path: Path) -> None:
    image = PIL.new("RGBA", (3, 1))
    image.putdata([(0, 0, 0, 0), (255, 0, 0, 255), (100, 100, 100, 128)])
    image.save(tmp_path / "rgba.png")
    clear, opaque, half = decode(tmp_path / "rgba.png")[0].tolist()
    assert clear == [255, 255, 255]
    assert opaque == [255, 0, 0]
    # 100 x 128/255 + 255 x 127/255 = 50.2 + 127.0 = 177.2
    assert half == [177, 177, 177]


def test_grey_with_alpha_is_laid_on_white(tmp_path: Path) -> None:
    image = PIL.new("LA", (3, 1))
    image.putdata([(0, 0), (7, 255), (100, 128)])
    image.save(tmp_path / "la.png")
    assert decode(tmp_path / "la.png")[0, :, 0].tolist() == [255, 7, 177]


@pytest.mark.parametrize(("suffix", "tolerance"), [("jpg", 4), ("tif", 0)])
@pytest.mark.parametrize(
    ("ink", "colour"),
    [
        ((0, 0, 0, 0), WHITE),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 255, 255, 0), RED),
        ((0, 0, 0, 255), (0, 0, 0)),
    ],
)
def test_cmyk_inks_become_colours(
    tmp_path: Path,
    suffix: str,
    tolerance: int,
    ink: tuple[int, ...],
    colour: tuple[int, ...],
) -> None:
    file = tmp_path / f"cmyk.{suffix}"
    PIL.new("CMYK", (8, 8), ink).save(file)
    decoded = decode(file)
    assert decoded.shape == (8, 8, 3)
    assert np.abs(decoded.astype(int) - colour).max() <= tolerance


def test_sixteen_bits_of_grey_become_eight(tmp_path: Path) -> None:
    # value x 255/65535, to the nearest: 32768 -> 127.502 -> 128, 257 -> 1, 128 -> 0.498 -> 0
    levels = np.array([[0, 128, 257, 32768, 65535]], dtype=np.uint16)
    PIL.fromarray(levels).save(tmp_path / "deep.png")
    decoded = decode(tmp_path / "deep.png")
    assert decoded.shape == (1, 5, 3)
    for channel in range(3):
        assert decoded[0, :, channel].tolist() == [0, 0, 1, 128, 255]


def test_floats_up_to_one_become_levels(tmp_path: Path) -> None:
    levels = np.array([[0.0, 0.5, 1.0]], dtype=np.float32)
    PIL.fromarray(levels).save(tmp_path / "float.tif")
    assert decode(tmp_path / "float.tif")[0, :, 0].tolist() == [0, 128, 255]  # 127.5 goes up


def test_one_bit_becomes_black_and_white(tmp_path: Path) -> None:
    image = PIL.new("1", (2, 1))
    image.putdata([0, 255])
    image.save(tmp_path / "fax.tif", compression="group4")
    assert decode(tmp_path / "fax.tif").tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_the_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    frames = [PIL.new("RGB", (4, 4), colour) for colour in (RED, GREEN)]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    decoded = decode(tmp_path / "two.gif")
    assert decoded.shape == (4, 4, 3)
    assert (decoded == RED).all()


def test_a_truncated_jpeg_is_a_fault_that_names_the_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    file = tmp_path / "cut.jpg"
    PIL.fromarray(noise).save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DataError) as error:
        decode(file)
    assert str(error.value).startswith(f"{file}: cannot be read: ")
    assert "truncated" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"not a picture\n", b"\xff\xd8\xff\xe0"])
def test_a_file_that_is_no_image_is_a_fault_that_names_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "text.jpg"
    file.write_bytes(content)
    with pytest.raises(DataError) as error:
        decode(file)
    assert str(error.value) == f"{file}: is no image that can be read"


def test_a_missing_file_is_a_fault_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        decode(tmp_path / "gone.png")
    assert str(error.value) == f"{tmp_path / 'gone.png'}: there is no such file"


def plain(height: int, width: int, colour: tuple[int, int, int] = WHITE) -> np.ndarray:
    return np.full((height, width, 3), colour, dtype=np.uint8)


def test_letterbox_keeps_the_whole_image_and_fills_the_rest() -> None:
    spec = ImageSpec(size=80, fit="letterbox", fill=7)  # working size 80 x 1.15 = 92
    square = to_working(plain(40, 80), spec)
    assert square.shape == (92, 92, 3)
    # 80 wide becomes 92, 40 high becomes 46; (92 - 46) / 2 = 23 rows of padding on each side
    assert (square[23:69] == 255).all()
    assert (square[:23] == 7).all()
    assert (square[69:] == 7).all()


def test_a_letterbox_of_a_tall_image_is_padded_left_and_right() -> None:
    square = to_working(plain(80, 40), ImageSpec(size=80, fill=7))
    assert (square[:, 23:69] == 255).all()
    assert (square[:, :23] == 7).all()
    assert (square[:, 69:] == 7).all()


def test_stretch_fills_the_square_with_the_whole_image() -> None:
    image = plain(40, 80)
    image[:, :40] = 0
    square = to_working(image, ImageSpec(size=80, fit="stretch", fill=7))
    assert square.shape == (92, 92, 3)
    assert (square[:, :45] == 0).all()
    assert (square[:, 47:] == 255).all()


def test_crop_takes_the_central_square() -> None:
    image = plain(30, 90, RED)
    image[:, 30:60] = GREEN
    square = to_working(image, ImageSpec(size=80, fit="crop", fill=7))
    assert square.shape == (92, 92, 3)
    assert (square == GREEN).all()


@pytest.mark.parametrize("shape", [(1, 1000), (1000, 1)])
def test_a_line_of_pixels_keeps_at_least_one_row_in_a_letterbox(shape: tuple[int, int]) -> None:
    square = to_working(plain(*shape), ImageSpec(size=80))
    # 1 x 92/1000 = 0.09 rows, at least 1, at (92 - 1) // 2 = 45
    lit = np.argwhere(square[..., 0] == 255)
    assert len(lit) == 92
    assert set(lit[:, int(shape[0] > 1)].tolist()) == {45}


@pytest.mark.parametrize("fit", ["letterbox", "stretch", "crop"])
@pytest.mark.parametrize("interpolation", ["area", "linear", "cubic"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 1000), (1000, 1), (3, 5), (500, 300)])
def test_any_shape_becomes_the_working_square(
    shape: tuple[int, int], fit: str, interpolation: str
) -> None:
    spec = ImageSpec(size=24, fit=fit, fill=255, interpolation=interpolation)  # type: ignore[arg-type]
    square = to_working(plain(*shape), spec)
    assert square.shape == (28, 28, 3)
    assert square.dtype == np.uint8
    assert (square == 255).all()


def test_shrinking_averages_over_the_area() -> None:
    image = plain(56, 56)
    image[::2] = 0  # lines of 1 pixel: any filter that skips pixels makes stripes of them
    square = to_working(image, ImageSpec(size=24))
    assert square.min() >= 127
    assert square.max() <= 128


def test_the_input_is_the_working_image_at_the_models_size() -> None:
    spec = ImageSpec(size=80)
    working = plain(92, 92, BLUE)
    working[:46] = 0
    model_input = to_input(working, spec)
    assert model_input.shape == (80, 80, 3)
    assert (model_input[:39] == 0).all()
    assert (model_input[41:] == BLUE).all()


def test_an_image_that_has_the_models_size_is_left_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    np.testing.assert_array_equal(to_input(image, ImageSpec(size=16)), image)


def test_an_image_with_only_one_right_side_is_resized() -> None:
    assert to_input(plain(16, 9), ImageSpec(size=16)).shape == (16, 16, 3)
