"""What stands beside the pixels in a file never keeps them from being read."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PIL

from toolkit.data.images import decode
from toolkit.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
GARBAGE = b"garbage garbage"


def saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    PIL.fromarray(PIXELS).save(file, kind, **options)
    return file.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def in_jpeg(*segments: bytes) -> bytes:
    plain = saved("JPEG")
    return plain[:2] + b"".join(segments) + plain[2:]


def in_png(*chunks: bytes) -> bytes:
    plain = saved("PNG")
    return plain[:33] + b"".join(chunks) + plain[33:]


def exif(orientation: int) -> bytes:
    found = PIL.Exif()
    found[274] = orientation
    return found.tobytes()


def pixels_of(tmp_path: Path, content: bytes) -> np.ndarray:
    file = tmp_path / "a"
    file.write_bytes(content)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = decode(file)
    assert not told
    return found


BIG_PROFILE = b"k\0\0" + zlib.compress(bytes(3_000_000))

BROKEN_PNG = {
    "exif": chunk(b"eXIf", GARBAGE),
    "exif behind its header": chunk(b"eXIf", b"II*\0" + b"\xff" * 40),
    "empty exif": chunk(b"eXIf", b""),
    "exif with a wrong checksum": chunk(b"eXIf", exif(1)[6:], checksum=1),
    "exif as text": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 2\nzz")),
    "a profile of 3 MB": chunk(b"iCCP", BIG_PROFILE),
    "a profile that is none": chunk(b"iCCP", GARBAGE),
    "a comment of 3 MB": chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(3_000_000))),
    "xmp": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + GARBAGE),
    "resolution": chunk(b"pHYs", b"\0"),
    "chromaticities": chunk(b"cHRM", b"\0\1"),
    "an animation without frames": chunk(b"acTL", b"\0"),
    "a frame of no animation": chunk(b"fcTL", b"\0"),
}


@pytest.mark.parametrize("what", BROKEN_PNG)
def test_a_png_with_broken_metadata_is_read_as_it_is_stored(tmp_path: Path, what: str) -> None:
    np.testing.assert_array_equal(pixels_of(tmp_path, in_png(BROKEN_PNG[what])), PIXELS)


BROKEN_JPEG = {
    "exif": segment(0xE1, b"Exif\0\0" + GARBAGE),
    "exif that ends early": segment(0xE1, exif(1)[:20]),
    "xmp": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + GARBAGE),
    "profile": segment(0xE2, b"ICC_PROFILE\0"),
    "pages": segment(0xE2, b"MPF\0" + GARBAGE),
    "pages behind their header": segment(0xE2, b"MPF\0II*\0\x08\0\0\0"),
    "photoshop": segment(0xED, b"Photoshop 3.0\x008BIM" + GARBAGE),
    "adobe": segment(0xEE, b"Adobe"),
    "jfif": segment(0xE0, b"JFIF\0"),
}


@pytest.mark.parametrize("what", BROKEN_JPEG)
def test_a_jpeg_with_broken_metadata_is_read_as_it_is_stored(tmp_path: Path, what: str) -> None:
    plain = np.asarray(PIL.open(io.BytesIO(saved("JPEG"))))
    np.testing.assert_array_equal(pixels_of(tmp_path, in_jpeg(BROKEN_JPEG[what])), plain)


@pytest.mark.parametrize("content", [GARBAGE, b"Exif\0\0II*\0" + b"\xff" * 40, b"x"])
def test_a_webp_with_broken_metadata_is_read_as_it_is_stored(
    tmp_path: Path, content: bytes
) -> None:
    made = saved("WEBP", lossless=True, exif=content, xmp=content, icc_profile=content)
    np.testing.assert_array_equal(pixels_of(tmp_path, made), PIXELS)


def test_an_upright_turn_is_made_where_other_metadata_is_broken(tmp_path: Path) -> None:
    turned = in_png(chunk(b"eXIf", exif(3)[6:]), BROKEN_PNG["a profile of 3 MB"])
    np.testing.assert_array_equal(pixels_of(tmp_path, turned), PIXELS[::-1, ::-1])


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_there_is_not_leaves_the_image_as_stored(
    tmp_path: Path, orientation: int
) -> None:
    made = in_png(chunk(b"eXIf", exif(orientation)[6:]))
    np.testing.assert_array_equal(pixels_of(tmp_path, made), PIXELS)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_garbage_behind_the_end_is_not_read(tmp_path: Path, kind: str) -> None:
    plain = pixels_of(tmp_path, saved(kind))
    np.testing.assert_array_equal(pixels_of(tmp_path, saved(kind) + GARBAGE * 100), plain)


@pytest.mark.parametrize("dpi", [(0, 0), (1e-3, 1e6)])
def test_odd_resolutions_change_nothing(tmp_path: Path, dpi: tuple[float, float]) -> None:
    np.testing.assert_array_equal(pixels_of(tmp_path, saved("TIFF", dpi=dpi)), PIXELS)


def test_a_palette_with_an_opacity_a_colour_is_laid_on_white(tmp_path: Path) -> None:
    image = PIL.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    file = io.BytesIO()
    image.save(file, "PNG", transparency=bytes([255, 0, 128]))
    # blue of opacity 128 on white: 255 x 127/255 = 127
    expected = [[[255, 0, 0], [255, 255, 255], [127, 127, 255]]]
    assert pixels_of(tmp_path, file.getvalue()).tolist() == expected


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_the_first_frame_of_a_moving_picture_is_read(tmp_path: Path, kind: str) -> None:
    file, frames = io.BytesIO(), [PIL.new("RGB", (8, 8), colour) for colour in ("red", "lime")]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], lossless=True)
    assert (pixels_of(tmp_path, file.getvalue()) == (255, 0, 0)).all()


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("around", [(), ("exif",)])
def test_a_jpeg_that_is_cut_is_a_fault_whatever_its_metadata(
    tmp_path: Path, options: dict[str, bool], around: tuple[str, ...]
) -> None:
    plain = saved("JPEG", quality=95, **options)
    file = tmp_path / "a.jpg"
    broken = b"".join(BROKEN_JPEG[what] for what in around)
    file.write_bytes(plain[:2] + broken + plain[2 : len(plain) * 2 // 3])
    with pytest.raises(DataError, match=r"a\.jpg: cannot be read: .*truncated"):
        decode(file)


def test_a_png_whose_pixels_are_broken_is_a_fault(tmp_path: Path) -> None:
    content = bytearray(in_png(BROKEN_PNG["resolution"]))
    content[-40] ^= 0xFF  # in the compressed pixels, whose checksum says so
    with pytest.raises(DataError):
        pixels_of(tmp_path, bytes(content))


def test_heic_without_its_plugin_says_what_to_install(tmp_path: Path) -> None:
    file = tmp_path / "photo.heic"
    file.write_bytes(struct.pack(">I", 24) + b"ftypheic" + bytes(100))
    with pytest.raises(DataError, match=r"photo\.heic: is HEIC.*pip install pillow-heif"):
        decode(file)
