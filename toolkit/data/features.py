"""Cheap features of an image, as numbers that can be compared between data sets.

Each is one of the things that a camera, a scanner or a program does to a page: light, focus, noise,
turn, margins, size, compression. None knows of classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from toolkit.contracts import Floats, Image

NAMES = (
    "brightness",
    "contrast",
    "saturation",
    "warmth",
    "tint",
    "sharpness",
    "noise",
    "skew",
    "lines",
    "top_heavy",
    "left_heavy",
    "black_border",
    "plain_border",
    "aspect",
    "size",
    "bytes_per_pixel",
    "jpeg_quality",
)
"""In the order of a vector of features."""

_SIDE = 512  # pixels; longest side of what most features are measured on
_NOISE_SIDE = 1024  # of the middle that noise is measured on, at the file's own resolution
_BLACK = 16
_INK = 24  # grey levels from the paper

Grey = npt.NDArray[np.uint8]

# Of ITU T.81, annex K, zigzag aside: the mean of the table that libjpeg scales.
_MEAN_OF_TABLE = 57.625


def features_of(
    image: Image, size: int, quantization: Mapping[int, Sequence[int]] | None
) -> Floats:
    """The features of an image, in the order of `NAMES` `(F,)`; NaN where it has no such thing.

    Args:
        size: of its file, bytes.
        quantization: the tables of a JPEG.
    """
    height, width = image.shape[:2]
    small = _shrunk(image, _SIDE)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    black, plain = _borders(small)
    found: dict[str, float] = {
        **_light(small, grey),
        "sharpness": _sharpness(grey),
        "noise": _noise(_middle(image, _NOISE_SIDE)),
        **_layout(grey),
        "black_border": black,
        "plain_border": plain,
        "aspect": math.log2(width / height),
        "size": math.log2(math.sqrt(width * height)),
        "bytes_per_pixel": math.log2(max(size, 1) / (width * height)),
        "jpeg_quality": math.nan if not quantization else _quality(quantization),
    }
    return np.array([found[name] for name in NAMES], dtype=np.float32)


def _shrunk(image: Image, side: int) -> Image:
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(1, round(n * scale)) for n in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def _middle(image: Image, side: int) -> Grey:
    height, width = image.shape[:2]
    y, x = max(0, (height - side) // 2), max(0, (width - side) // 2)
    part = np.ascontiguousarray(image[y : y + side, x : x + side])
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY))


def _light(small: Image, grey: Grey) -> dict[str, float]:
    red, green, blue = (value / 255 for value in cv2.mean(small)[:3])
    middle, spread = cv2.meanStdDev(grey)
    return {
        "brightness": float(middle.item()) / 255,
        "contrast": float(spread.item()) / 255,
        "saturation": cv2.mean(cv2.cvtColor(small, cv2.COLOR_RGB2HSV))[1] / 255,
        "warmth": red - blue,
        "tint": green - (red + blue) / 2,
    }


def _sharpness(grey: Grey) -> float:
    """The steepest edges as a share of the range of greys: 1 where black meets white within a
    pixel. Noise moves it little, which it does a Laplacian."""
    values = grey.astype(np.float32)
    dx = np.ascontiguousarray(np.diff(values, axis=1)[:-1])
    dy = np.ascontiguousarray(np.diff(values, axis=0)[:, :-1])
    if not dx.size:
        return 0.0
    steep = _level(cv2.convertScaleAbs(cv2.magnitude(dx, dy)), 0.995)
    return min(steep / max(_level(grey, 0.995) - _level(grey, 0.005), 8.0), 1.5)


def _level(values: Grey, share: float) -> float:
    """The value that this share of the values is not above."""
    below = np.cumsum(np.bincount(values.ravel(), minlength=256))
    return float(np.searchsorted(below, share * below[-1]))


def _noise(grey: Grey) -> float:
    """Standard deviation of the noise, grey levels: the median of a difference that edges and
    slopes cancel in (Immerkaer 1996)."""
    if min(grey.shape) < 3:
        return 0.0
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    found = cv2.filter2D(grey, cv2.CV_32F, kernel)[1:-1, 1:-1]
    return math.log2(1 + float(np.mean(np.minimum(np.abs(found), 96))) / (6 * 0.7979))


def _layout(grey: Grey) -> dict[str, float]:
    """Where the ink is, and along which lines."""
    values = cv2.GaussianBlur(grey, (0, 0), 1.0).astype(np.float32)
    paper = float(np.median(values))
    ink = np.abs(values - paper) > _INK
    height, width = ink.shape
    total = max(1, int(ink.sum()))
    rows, columns = ink.mean(axis=1), ink.mean(axis=0)
    return {
        "skew": _skew(values),
        # Of text, rows change between lines and gaps, columns do not; a quarter turn swaps them.
        "lines": math.log2(
            (float(np.diff(rows).std()) + 1e-3) / (float(np.diff(columns).std()) + 1e-3)
        ),
        "top_heavy": (float(ink[: height // 2].sum()) - float(ink[-(height // 2) :].sum())) / total
        if height > 1
        else 0.0,
        "left_heavy": (float(ink[:, : width // 2].sum()) - float(ink[:, -(width // 2) :].sum()))
        / total
        if width > 1
        else 0.0,
    }


def _skew(values: npt.NDArray[np.float32]) -> float:
    """Degrees, 0 to 45, that the strongest direction of edges is off the nearest axis."""
    dx, dy = (
        np.ascontiguousarray(cv2.Sobel(values, cv2.CV_32F, x, 1 - x)[2:-2, 2:-2]) for x in (1, 0)
    )
    if not dx.size:
        return 0.0
    weight = np.asarray(cv2.magnitude(dx, dy))
    if float(weight.max()) < _INK:
        return 0.0
    strong = weight > max(_INK, 0.25 * 4 * _level(cv2.convertScaleAbs(weight, alpha=0.25), 0.99))
    angle = np.degrees(np.arctan2(dy[strong], dx[strong])) % 90
    counts, _ = np.histogram(angle, 90, (0, 90), weights=weight[strong])
    around = counts + np.roll(counts, 1) + np.roll(counts, -1)
    peak = int(around.argmax()) + 0.5
    return min(peak, 90 - peak) if min(peak, 90 - peak) > 1 else 0.0


def _borders(small: Image) -> tuple[float, float]:
    """Shares of the image that are black, and that are exactly one colour, from a corner on."""
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    found = np.zeros((height + 2, width + 2), dtype=np.uint8)
    black = np.zeros((height, width), dtype=bool)
    for y, x in ((0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)):
        if found[y + 1, x + 1]:
            continue
        before = found.copy()
        flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
        cv2.floodFill(grey, found, (x, y), 0, 2, 2, flags)
        if grey[y, x] <= _BLACK:
            black |= (found != before)[1:-1, 1:-1]
    return float(black.mean()), float(found[1:-1, 1:-1].astype(bool).mean())


def _quality(quantization: Mapping[int, Sequence[int]]) -> float:
    """libjpeg's quality, 1 to 100, from the luminance table: the inverse of how it scales it."""
    scale = 100 * float(np.mean(quantization[min(quantization)])) / _MEAN_OF_TABLE
    return float(np.clip(5000 / scale if scale > 100 else (200 - scale) / 2, 1, 100))
