"""From an image file of any kind to a square uint8 RGB array."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, TypeVar

import cv2
import numpy as np
from PIL import Image as PIL

from toolkit.contracts import MAX_PIXELS, Image, ImageSpec
from toolkit.data.header import Wide, wide_of
from toolkit.data.levels import (
    Values,
    has_gaps,
    is_deep,
    levels_of,
    opacity_of,
    to_eight_bits,
)
from toolkit.data.picture import (
    Size,
    TooLarge,
    cause,
    has_more,
    mode_of,
    size_of,
    upright,
    with_picture,
    within,
)
from toolkit.data.samples import bounded, stored_in
from toolkit.errors import DataError, UserError
from toolkit.files import NoRegularFile, open_regular, require_no_shortage

Note = Literal["black", "white", "gaps", "pages"]
"""What is odd about an image that was read: nearly black, nearly white, pixels that are no
number, and further pages that were left."""

T = TypeVar("T")

_FILTERS = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
_DARK, _LIGHT = 16, 239
_NEARLY = 0.999  # of the pixels
_LOOKED_AT = 256  # pixels a side; the rest is looked at where these are all dark or all light


class CannotRead(DataError):
    """A file cannot be read this time, whatever its content."""


class Read(NamedTuple):
    """An image, and what is odd about it."""

    image: Image
    notes: tuple[Note, ...]


def decode(path: str | Path, spec: ImageSpec | None = None) -> Image:
    """An image file as RGB uint8 `(H, W, 3)`, upright, transparency laid on white.

    Greyscale, palette, alpha, CMYK, 16-bit and float files are converted; of a file with several
    frames, the first is read. Raises `DataError` where the file is missing, truncated, no image,
    or larger than `max_pixels`, and plain `UserError` where the system is short of memory or of
    open files.

    Args:
        spec: says how large an image may be, and which values become black and white.
    """
    return read_image(path, spec or ImageSpec(224)).image


def read_image(path: str | Path, spec: ImageSpec) -> Read:
    """As `decode`, with what is odd about the image.

    A JPEG or JPEG 2000 above `max_pixels` is read at a half, a quarter, ... of its size where that
    is below the bound and not below the working size.
    """

    def read(content: BinaryIO) -> Read:
        wide = _wide(content)
        if wide is not None:
            return _of_samples(content, wide, spec)
        return with_picture(content, spec.max_pixels, lambda size: _needed(size, spec), made)

    def made(file: PIL.Image) -> Read:
        return _made(file, spec)

    return _of_file(path, read)


def deep_values(path: str | Path, max_pixels: int) -> Values | None:
    """The values of a file of more than 8 bits or of floats, `(H, W)` or `(H, W, 3)` and without
    transparency; None for others."""

    def read(content: BinaryIO) -> Values | None:
        wide = _wide(content)
        if wide is not None:
            return stored_in(content, wide, max_pixels).values
        if not is_deep(mode_of(content)):
            return None
        content.seek(0)
        return with_picture(content, max_pixels, lambda size: size, np.array)

    return _of_file(path, read)


def is_deep_file(path: str | Path) -> bool:
    """Whether a file has more than 8 bits a sample, or floats, by its header."""

    def read(content: BinaryIO) -> bool:
        return _wide(content) is not None or is_deep(mode_of(content))

    return _of_file(path, read)


def image_size(path: str | Path, max_pixels: int = MAX_PIXELS) -> Size:
    """Width and height of an image file as it is stored, pixels, by its header.

    Raises `DataError` as `decode` does, and of what the header does not tell, nothing.
    """

    def read(content: BinaryIO) -> Size:
        wide = _wide(content)
        return size_of(content, max_pixels) if wide is None else bounded(wide, max_pixels)

    return _of_file(path, read)


def _of_file(path: str | Path, read: Callable[[BinaryIO], T]) -> T:
    try:
        with open_regular(path) as file:
            return _read(path, file, read)
    except FileNotFoundError as error:
        raise CannotRead(f"{path}: there is no such file") from error
    except NoRegularFile as error:
        raise CannotRead(f"{path}: {error}") from error
    except OSError as error:
        raise CannotRead(f"{path}: {cause(error)}") from error


def _read(path: str | Path, content: BinaryIO, read: Callable[[BinaryIO], T]) -> T:
    try:
        return read(content)
    except MemoryError as error:
        raise UserError(
            f"{path}: there is too little memory to decode it; end other programs, or make the "
            "image smaller"
        ) from error
    # Pillow's decoders raise SyntaxError, struct.error, ... on corrupt bytes: any is a bad file.
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            require_no_shortage(path, error)
            raise  # the system's; what Pillow says of the bytes has no number
        content.seek(0)
        raise DataError(f"{path}: {cause(error, content.read(12))}") from error


def _needed(size: Size, spec: ImageSpec) -> Size:
    """Width and height from which the working image comes out no worse."""
    side, (width, height) = spec.working_size, size
    if spec.fit == "stretch":
        return side, side
    scale = side / (min(size) if spec.fit == "crop" else max(size))
    return math.ceil(width * scale), math.ceil(height * scale)


def of_picture(picture: PIL.Image, spec: ImageSpec, name: str) -> Image:
    """As `decode`, of a picture that is open in Pillow, and as Pillow decodes it.

    Args:
        name: what errors call it.
    """
    if math.prod(picture.size) > spec.max_pixels:
        raise DataError(f"{name}: {TooLarge(picture.size, spec.max_pixels)}")
    try:
        return _eight_bits(upright(picture), spec)[0]
    # A picture that was opened from a corrupt file, and is decoded now: as in `_read`.
    except Exception as error:
        raise DataError(f"{name}: {cause(error)}") from error


def _made(file: PIL.Image, spec: ImageSpec) -> Read:
    image, gaps = _eight_bits(upright(file), spec)
    return _noted(image, gaps=gaps, pages=has_more(file))


def _eight_bits(picture: PIL.Image, spec: ImageSpec) -> tuple[Image, bool]:
    """The picture as RGB, and whether it has pixels that are no number."""
    if not is_deep(picture.mode):
        return _rgb(picture), False
    values = np.asarray(picture)
    return to_eight_bits(values, levels_of(spec.depth)), has_gaps(values)


def _noted(image: Image, *, gaps: bool, pages: bool) -> Read:
    odd: dict[Note, bool] = {
        "gaps": gaps,
        "black": _is_dark(image),
        "white": _is_light(image),
        "pages": pages,
    }
    return Read(image, tuple(note for note, found in odd.items() if found))


def _wide(content: BinaryIO) -> Wide | None:
    with within(0):
        return wide_of(content)


def _of_samples(content: BinaryIO, wide: Wide, spec: ImageSpec) -> Read:
    stored, levels = stored_in(content, wide, spec.max_pixels), levels_of(spec.depth)
    image = to_eight_bits(stored.values, levels, white_is_zero=wide.white_is_zero)
    if stored.alpha is not None:
        both = np.dstack([image, opacity_of(stored.alpha, levels)])
        image = _rgb(PIL.fromarray(np.ascontiguousarray(both)))
    return _noted(image, gaps=has_gaps(stored.values), pages=stored.more_pages)


def _rgb(image: PIL.Image) -> Image:
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = PIL.new("RGBA", image.size, "white")
        image = PIL.alpha_composite(paper, image)
    return np.asarray(image.convert("RGB"))


def _is_dark(image: Image) -> bool:
    return all((part <= _DARK).mean() >= _NEARLY for part in (_few(image), image))


def _is_light(image: Image) -> bool:
    return all((part >= _LIGHT).mean() >= _NEARLY for part in (_few(image), image))


def _few(image: Image) -> Image:
    """Pixels spread over the image: most images are told apart by these alone."""
    height, width = image.shape[:2]
    return image[:: max(1, height // _LOOKED_AT), :: max(1, width // _LOOKED_AT)]


def to_working(image: Image, spec: ImageSpec) -> Image:
    """Fit an image of any shape into the working square `(W, W, 3)` that the cache keeps."""
    side = spec.working_size
    height, width = image.shape[:2]
    if spec.fit == "stretch":
        return _resized(image, side, side, spec)
    if spec.fit == "crop":
        short = min(height, width)
        y, x = (height - short) // 2, (width - short) // 2
        return _resized(image[y : y + short, x : x + short], side, side, spec)
    scale = side / max(height, width)
    inner_height, inner_width = max(1, round(height * scale)), max(1, round(width * scale))
    square = np.full((side, side, 3), spec.fill, dtype=np.uint8)
    y, x = (side - inner_height) // 2, (side - inner_width) // 2
    square[y : y + inner_height, x : x + inner_width] = _resized(
        image, inner_height, inner_width, spec
    )
    return square


def to_input(image: Image, spec: ImageSpec) -> Image:
    """A working image, or what an augmentation made of one, at the model's size `(S, S, 3)`."""
    if image.shape[0] == spec.size == image.shape[1]:
        return image
    return np.asarray(
        cv2.resize(image, (spec.size, spec.size), interpolation=cv2.INTER_LINEAR), dtype=np.uint8
    )


def _resized(image: Image, height: int, width: int, spec: ImageSpec) -> Image:
    enlarging = height > image.shape[0] or width > image.shape[1]
    chosen = _FILTERS[spec.interpolation]
    # OpenCV's area filter is exact for shrinking and falls back to blocks for enlarging.
    interpolation = cv2.INTER_LINEAR if enlarging and chosen == cv2.INTER_AREA else chosen
    resized = cv2.resize(image, (width, height), interpolation=interpolation)
    return np.asarray(resized, dtype=np.uint8)
