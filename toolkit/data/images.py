"""From an image file of any kind to a square uint8 RGB array."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image as PIL
from PIL import ImageOps, UnidentifiedImageError

from toolkit.contracts import Image, ImageSpec
from toolkit.errors import DataError, UserError
from toolkit.files import NoRegularFile, open_regular, require_no_shortage

_FILTERS = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


class CannotRead(DataError):
    """A file cannot be read this time, whatever its content."""


def decode(path: str | Path) -> Image:
    """An image file as RGB uint8 `(H, W, 3)`, upright, transparency laid on white.

    Greyscale, palette, alpha, CMYK and 16-bit files are converted; of a file with several
    frames, the first is read. Raises `DataError` where the file is missing, truncated or no image,
    and plain `UserError` where the system is short of memory or of open files.
    """
    try:
        with open_regular(path) as file:
            return _decoded(path, file)
    except FileNotFoundError as error:
        raise CannotRead(f"{path}: there is no such file") from error
    except NoRegularFile as error:
        raise CannotRead(f"{path}: {error}") from error
    except OSError as error:
        raise CannotRead(f"{path}: {_cause(error)}") from error


def _decoded(path: str | Path, content: BinaryIO) -> Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata; pixels decide here
            with PIL.open(content) as file:
                file.load()
                return _rgb(ImageOps.exif_transpose(file))
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
        raise DataError(f"{path}: {_cause(error)}") from error


def _rgb(image: PIL.Image) -> Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep_grey(np.asarray(image), deep=image.mode.startswith("I;16"))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = PIL.new("RGBA", image.size, "white")
        image = PIL.alpha_composite(paper, image)
    return np.asarray(image.convert("RGB"))


def _from_deep_grey(levels: np.ndarray, *, deep: bool) -> Image:
    """16-bit (or wider) greyscale to 8 bits; Pillow's own conversion would clip at 255.

    Pillow's wide modes do not say the file's range; there, the brightest pixel tells.
    """
    top = 65535.0 if deep or levels.max(initial=0) > 255 else 255.0
    if levels.dtype.kind == "f" and levels.max(initial=0) <= 1:
        top = 1.0
    grey = np.clip(levels * (255.0 / top) + 0.5, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _cause(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "is no image that can be read"
    return f"cannot be read: {error}" if str(error) else f"cannot be read: {type(error).__name__}"


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
