"""Colour of 16 bits, colour in floats and the rarer TIFFs are read by the rule of deep grey."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image as PIL

from toolkit.contracts import Event, ImageSpec, Levels, Table
from toolkit.data.check import Data, check_data
from toolkit.data.images import deep_values, image_size, is_deep_file, read_image
from toolkit.errors import DataError

SPEC = ImageSpec(size=16, fit="stretch")
WHITE = 65_535
# Values x 255/65535, to the nearest: 0, 257 -> 1, 25700 -> 100, 65535 -> 255.
COLOURS = np.array([[[0, 257, 25_700], [WHITE, 0, 0]], [[0, WHITE, 0], [0, 0, WHITE]]], np.uint16)
SEEN = [[[0, 1, 100], [255, 0, 0]], [[0, 255, 0], [0, 0, 255]]]
GREY = COLOURS[:, :, 2]


def chunk(kind: bytes, body: bytes) -> bytes:
    """Of a PNG: ISO 15948, 5.3."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(values: np.ndarray, colour: int) -> bytes:
    """A PNG of 16 bits: ISO 15948, 11.2. Colour types: 2 RGB, 4 grey with alpha, 6 RGBA."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def tiff(
    values: np.ndarray,
    colours: int,
    *,
    order: str = "<",
    planes: bool = False,
    extra: int | None = None,
    orientation: int = 1,
) -> bytes:
    """An uncompressed TIFF in one strip, or one a plane: TIFF 6.0, sections 2 and 8.

    Args:
        colours: 0 is grey whose white is zero, 1 grey, 2 RGB.
        extra: what the last sample is: 0 unknown, 2 transparency.
    """
    values = values[..., None] if values.ndim == 2 else values
    height, width, samples = values.shape
    data = values.transpose(2, 0, 1) if planes else values
    strips = samples if planes else 1
    body = data.astype(data.dtype.newbyteorder(order)).tobytes()
    number = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    length = len(body) // strips
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [values.dtype.itemsize * 8] * samples),
        259: ("H", [1]),
        262: ("H", [colours]),
        273: ("I", [length * k for k in range(strips)]),
        274: ("H", [orientation]),
        277: ("H", [samples]),
        278: ("I", [height]),
        279: ("I", [length] * strips),
        284: ("H", [2 if planes else 1]),
        339: ("H", [number] * samples),
    }
    if extra is not None:
        tags[338] = ("H", [extra])
    far = {tag: struct.calcsize(f"{order}{len(v)}{kind}") for tag, (kind, v) in tags.items()}
    at = 8 + 2 + 12 * len(tags) + 4
    start = at + sum(size for size in far.values() if size > 4)
    entries, blob = b"", b""
    for tag, (kind, found) in sorted(tags.items()):
        numbers = [start + n for n in found] if tag == 273 else found
        packed = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(packed) > 4:
            place, blob = struct.pack(f"{order}I", at + len(blob)), blob + packed
        else:
            place = packed.ljust(4, b"\0")
        entries += struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[kind], len(numbers)) + place
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}IH", 8, len(tags))
    return head + entries + struct.pack(f"{order}I", 0) + blob + body


def encoded(suffix: str, values: np.ndarray) -> bytes:
    """By OpenCV, without loss."""
    bgr = values[:, :, ::-1] if values.ndim == 3 else values
    options = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if suffix == ".jp2" else []
    done, content = cv2.imencode(suffix, np.ascontiguousarray(bgr), options)
    assert done
    return bytes(content)


Read = Callable[..., np.ndarray]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The pixels of a file with this content."""

    def pixels(content: bytes, spec: ImageSpec = SPEC) -> np.ndarray:
        file = tmp_path / "wide"
        file.write_bytes(content)
        return read_image(file, spec).image

    return pixels


@pytest.mark.parametrize(
    "content",
    [
        png(COLOURS, 2),
        tiff(COLOURS, 2),
        tiff(COLOURS, 2, order=">"),
        tiff(COLOURS, 2, planes=True),
        encoded(".tiff", COLOURS),  # compressed
        tiff((COLOURS / WHITE).astype(np.float32), 2),
        tiff((COLOURS / WHITE).astype(np.float64), 2, order=">"),
        encoded(".tiff", (COLOURS / WHITE).astype(np.float32)),
        tiff(COLOURS.astype(np.uint32), 2),
        tiff(np.dstack([COLOURS, GREY]), 2, extra=0),  # a fourth band that is no transparency
    ],
)
def test_colour_of_more_than_eight_bits_becomes_eight_to_the_nearest(
    read: Read, content: bytes
) -> None:
    assert read(content).tolist() == SEEN


@pytest.mark.parametrize(
    ("content", "depth"),
    [
        (png(COLOURS // 16, 2), (0.0, 4095.0)),
        (tiff(COLOURS // 16, 2), (0.0, 4095.0)),
        (encoded(".tiff", COLOURS // 16), (0.0, 4095.0)),
        (tiff(COLOURS.astype(np.float32) - 1000, 2), (-1000.0, 64_535.0)),
        (tiff(COLOURS.astype(np.int32) - 1000, 2), (-1000.0, 64_535.0)),
    ],
)
def test_a_stated_range_scales_colour(
    read: Read, content: bytes, depth: tuple[float, float]
) -> None:
    # 25700 // 16 = 1606, x 255/4095 = 100.006; 257 // 16 = 16 -> 0.996
    assert read(content, replace(SPEC, depth=depth)).tolist() == SEEN


def test_jpeg_2000_of_16_bits_keeps_its_white(read: Read) -> None:
    # Pillow shifts with rounding: 65535 becomes 256, and in a byte 0.
    large = np.kron(COLOURS, np.ones((16, 16, 1), np.uint16))
    found = read(encoded(".jp2", large))
    assert found[::16, ::16].tolist() == SEEN


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "values",
    [
        GREY,
        GREY.astype(np.uint32),
        GREY.astype(np.int32),
        (GREY / WHITE).astype(np.float32),
        (GREY / WHITE).astype(np.float64),
        (GREY / WHITE).astype(np.float16),
    ],
)
def test_grey_of_any_kind_of_number_becomes_eight_bits(
    read: Read, values: np.ndarray, order: str
) -> None:
    found = read(tiff(values, 1, order=order))
    assert found[:, :, 0].tolist() == [[100, 0], [0, 255]]
    assert (found == found[:, :, :1]).all()


def test_the_largest_values_of_32_bits_are_not_negative(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    file.write_bytes(tiff(np.array([[0, 2**32 - 1]], np.uint32), 1))
    found = deep_values(file, 100)
    assert found is not None
    assert found.tolist() == [[0, 2**32 - 1]]


def test_where_white_is_zero_the_values_are_turned_round(read: Read) -> None:
    found = read(
        tiff(np.array([[0, 4095], [2048, 9]], np.uint16), 0), replace(SPEC, depth=(0, 4095))
    )
    # 2048 x 255/4095 = 127.5 -> 128; 9 -> 0.56 -> 1
    assert found[:, :, 0].tolist() == [[255, 0], [127, 254]]


def test_transparency_of_16_bits_is_laid_on_white(read: Read) -> None:
    alpha = np.array([[WHITE, WHITE], [0, 32_896]], np.uint16)  # 32896 -> 128
    colours, grey = np.dstack([COLOURS, alpha]), np.dstack([GREY, alpha])
    for content in (png(colours, 6), tiff(colours, 2, extra=2)):
        # 0 x 128/255 + 255 x 127/255 = 127; 255 x 128/255 + 127 = 255
        assert read(content).tolist() == [SEEN[0], [[255, 255, 255], [127, 127, 255]]]
    for content in (png(grey, 4), tiff(grey, 1, extra=2)):
        assert read(content)[:, :, 0].tolist() == [[100, 0], [255, 255]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_wide_colour_comes_out_upright(read: Read, orientation: int) -> None:
    upright = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint16)
    exif = PIL.Exif()
    exif[274] = orientation
    buffer = io.BytesIO()
    PIL.fromarray(upright.astype(np.uint8)).save(buffer, "png", exif=exif)
    # The eight orientations as Pillow has them, of 8 bits.
    expected = read(buffer.getvalue())
    assert read(tiff(upright * 257, 2, orientation=orientation)).tolist() == expected.tolist()
    at = buffer.getvalue().index(b"eXIf") - 4
    exif_chunk = buffer.getvalue()[at : buffer.getvalue().index(b"IDAT") - 4]
    plain = png(upright * 257, 2)
    content = plain[:33] + exif_chunk + plain[33:]
    assert read(content).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tiff(np.dstack([GREY] * 5), 1, extra=0), "TIFF with 5 samples of 16 bits for each pixel"),
        (tiff(COLOURS, 2)[:-5], "is cut off: 19 of 24 bytes of pixels are there"),
    ],
)
def test_what_cannot_be_read_in_full_is_said_in_words(
    read: Read, tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(DataError) as error:
        read(content)
    assert str(error.value).startswith(str(tmp_path / "wide"))
    assert said in str(error.value)


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".jp2"])
def test_half_a_wide_file_is_a_fault_and_no_picture(read: Read, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, WHITE, (40, 40, 3)).astype(np.uint16)
    content = encoded(suffix, noise)
    with pytest.raises(DataError, match="wide: "):
        read(content[: len(content) // 2])


def test_broken_metadata_leaves_wide_colour_readable_and_quiet(
    read: Read, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = png(COLOURS, 2)
    body = b"profile\0\0no profile"
    chunk = (
        struct.pack(">I", len(body))
        + b"iCCP"
        + body
        + struct.pack(">I", zlib.crc32(b"iCCP" + body))
    )
    assert read(plain[:33] + chunk + plain[33:]).tolist() == SEEN
    assert capfd.readouterr().err == ""


def test_a_wide_file_above_the_bound_is_refused_by_its_header(tmp_path: Path) -> None:
    for name, content in (("a.png", png(COLOURS, 2)), ("a.tif", tiff(COLOURS, 2))):
        file = tmp_path / name
        file.write_bytes(content)
        assert is_deep_file(file)
        assert image_size(file) == (2, 2)
        for ask in (image_size, deep_values):
            with pytest.raises(DataError, match=r"has 2 x 2 pixels, above .*max_pixels = 3"):
                ask(file, 3)


def test_the_range_of_colour_is_found_over_the_training_files(tmp_path: Path) -> None:
    data, told = checked(tmp_path, 4095)
    assert data.image.depth == Levels((0, 4095))
    assert told == [
        "8 training images are of more than 8 bits a sample, or of floats; all of them were looked "
        "at and hold integers from 0 to 4095, of which 0 becomes black and 4095 white (image.depth "
        "= auto)"
    ]
    for row in data.train_rows:
        assert data.pack.images[row][0, 0].tolist() == [0, 0, 0]
        assert data.pack.images[row][0, -1].tolist() == [255, 255, 255]


def test_colour_that_comes_out_nearly_black_says_what_it_holds(tmp_path: Path) -> None:
    data, told = checked(tmp_path, 900, "full")
    assert data.image.depth == Levels()
    assert told[-1].startswith("warning: 8 images are nearly black where the model sees them (")
    assert told[-1].endswith(
        "0.png holds values from 0 to 900, of which 0 becomes black and 65535 white; to scale "
        "these: --set 'image.depth=[0, 900]'"
    )


def checked(folder: Path, high: int, depth: str = "auto") -> tuple[Data, list[str]]:
    """Eight images of colour up to `high`: black at the top left and white at the top right."""
    for k in range(8):
        noise = np.random.default_rng(k).integers(0, high, (18, 18, 3)).astype(np.uint16)
        noise[0, 0], noise[0, -1] = 0, high
        (folder / f"{k}.png").write_bytes(encoded(".png", noise))
    train = pd.DataFrame({"id": [str(k) for k in range(8)]})
    train["path"] = [str(folder / f"{k}.png") for k in range(8)]
    train["label"] = np.arange(8) % 2
    train["parent"] = train["group"] = train["id"]
    told: list[Event] = []
    table = Table(train, None, ("a", "b"))
    data = check_data(table, 2, replace(SPEC, depth=depth), folder / "cache", told.append)
    return data, [event.text for event in told if event.stage == "message"]


def test_a_large_jpeg_2000_is_read_at_a_smaller_scale(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:1:96j, 0:1:128j]
    smooth = (np.stack([rows, columns, 1 - rows], axis=2) * 255).astype(np.uint8)
    file = tmp_path / "a.jp2"
    PIL.fromarray(smooth).save(file)
    whole = read_image(file, SPEC).image
    half = read_image(file, replace(SPEC, max_pixels=96 * 128 - 1)).image
    assert (whole.shape, half.shape) == ((96, 128, 3), (48, 64, 3))
    assert np.abs(half.astype(int) - whole[::2, ::2]).max() < 12
    assert image_size(file, 100) == (128, 96)
    # The working size is 18: 48 x 64 and 24 x 32 pixels are enough, and 12 x 16 are not.
    assert read_image(file, replace(SPEC, max_pixels=24 * 32)).image.shape == (24, 32, 3)
    with pytest.raises(DataError, match=r"128 x 96 pixels, above .*max_pixels = 767"):
        read_image(file, replace(SPEC, max_pixels=24 * 32 - 1))
