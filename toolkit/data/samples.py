"""The values of files whose samples Pillow cuts to 8 bits, or cannot read."""

from __future__ import annotations

import math
from functools import cache
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np
from PIL import Image as PIL

from toolkit.data.bare import bare
from toolkit.data.header import Wide
from toolkit.data.levels import Values
from toolkit.data.picture import (
    ORIENTATION,
    Refused,
    Size,
    TooLarge,
    has_more,
    orientation_of,
    turned_upright,
    with_picture,
)


class Stored(NamedTuple):
    """What a file holds, upright."""

    values: Values
    """`(H, W)` or `(H, W, 3)`."""
    alpha: Values | None
    """`(H, W)`."""
    more_pages: bool


def stored_in(content: BinaryIO, wide: Wide, max_pixels: int) -> Stored:
    """The values of a file.

    Raises `Refused` for one that is too large, broken, or of a kind that is not read, and what
    Pillow raises for one that is broken.
    """
    bounded(wide, max_pixels)
    raw = content.read()
    orientation, more_pages = wide.tags.get(ORIENTATION, 1), wide.more_pages
    if wide.kind != "TIFF":  # Pillow says of the others whether they are whole, and how they lie
        content.seek(0)
        orientation, more_pages = with_picture(content, max_pixels, lambda size: size, _told)
        *_, raw = (raw, *bare(raw))  # of metadata, OpenCV's libraries write lines of their own
    values = turned_upright(_values(raw, wide), orientation)
    if values.ndim == 2 or values.shape[2] == 3:
        return Stored(values, None, more_pages)
    colours = values[:, :, :-1]
    colours = colours[:, :, 0] if colours.shape[2] == 1 else colours
    return Stored(colours, values[:, :, -1], more_pages)


def bounded(wide: Wide, max_pixels: int) -> Size:
    """Its width and height. Raises `TooLarge`."""
    if math.prod(wide.size) > max_pixels:
        raise TooLarge(wide.size, max_pixels)
    return wide.size


def _told(file: PIL.Image) -> tuple[int, bool]:
    return orientation_of(file), has_more(file)


def _values(content: bytes, wide: Wide) -> Values:
    """`(H, W)` of grey, `(H, W, 2)` with alpha, or `(H, W, 3 or 4)` in the order RGBA."""
    plain = 3 if wide.tags.get(262) == 2 or (not wide.tags and wide.samples > 2) else 1
    raw = _uncompressed(content, wide)
    values = _decoded(content, wide) if raw is None else raw
    kept = plain + wide.alpha  # bands beyond colour and alpha are left out, as in files of 8 bits
    if values.ndim == 3:
        if values.shape[2] < kept or (plain == 1 and values.shape[2] > 2):
            raise Refused(_refusal(wide))
        values = values[:, :, :kept]
        if kept == 1:
            values = values[:, :, 0]
    return np.ascontiguousarray(values)


def _refusal(wide: Wide) -> str:
    return (
        f"is a {wide}, which cannot be read; save it as PNG of 16 bits, or as an uncompressed "
        "TIFF of one sample (grey) or three (RGB)"
    )


def _uncompressed(content: bytes, wide: Wide) -> Values | None:
    """Of a TIFF whose strips hold the values themselves; None for others.

    OpenCV and Pillow take samples in planes of their own for those of neighbours.
    """
    tags = wide.tags
    if tags.get(259) != 1 or not {273, 279} <= tags.keys():
        return None
    dtype = np.dtype(f"{wide.order}{wide.number}{wide.bits // 8}")
    width, height = wide.size
    expected = width * height * wide.samples * dtype.itemsize
    strips = zip(tags[273], tags[279], strict=True)
    data = b"".join(content[at : at + count] for at, count in strips)
    if len(data) < expected:
        raise Refused(f"is cut off: {len(data)} of {expected} bytes of pixels are there")
    # Half precision is too coarse to scale in.
    held = np.dtype("f4") if dtype.str[1:] == "f2" else dtype.newbyteorder("=")
    values = np.frombuffer(data[:expected], dtype).astype(held)
    if tags.get(284) == 2:
        return values.reshape(wide.samples, height, width).transpose(1, 2, 0)
    return values.reshape(height, width, wide.samples)


def _decoded(content: bytes, wide: Wide) -> Values:
    """By OpenCV, in the order RGBA."""
    _silence()
    if wide.tags.get(284) == 2 and wide.samples > 1:
        raise Refused(
            f"is a {wide} in planes of their own, compressed, which cannot be read; save it "
            "uncompressed, or with the samples of a pixel together"
        )
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None:
        raise Refused(f"is a {wide}, and is broken, or compressed in a way that is not read")
    if (found.dtype.kind, found.dtype.itemsize * 8) != (wide.number, _held(wide.bits)):
        raise Refused(_refusal(wide))
    if found.ndim == 3 and found.shape[2] == 4 and wide.samples == 2:
        return np.asarray(found[:, :, 2:])  # grey with alpha comes as BGRA
    if found.ndim == 3 and found.shape[2] >= 3:
        order = [2, 1, 0, *range(3, found.shape[2])]
        return np.asarray(found[:, :, order])
    return np.asarray(found)


def _held(bits: int) -> int:
    """Bits of the type that holds so many: JPEG 2000 has any number up to 38."""
    return next(held for held in (16, 32, 64) if bits <= held)


@cache
def _silence() -> None:
    """OpenCV writes its own lines on broken files; ours name the file."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
