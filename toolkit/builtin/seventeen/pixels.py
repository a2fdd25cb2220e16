"""Kinds that change pixels where they are. Each takes an image, a generator and a strength, where 1
is the documented range."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from toolkit.contracts import Image


def page_mix(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """The page's own back shows through: itself, mirrored or upside down."""
    back = image[:, ::-1] if rng.random() < 0.5 else image[::-1, ::-1]
    share = 0.45 * min(1.0, strength) * rng.uniform(0.3, 1)
    return _whole(image * (1 - share) + back * share)


def brightness_contrast(image: Image, rng: np.random.Generator, strength: float) -> Image:
    gain = 1 + 0.4 * min(1.0, strength) * rng.uniform(-1, 1)
    offset = 70 * strength * rng.uniform(-1, 1)
    return _by_table(image, (_LEVELS - 127.5) * gain + 127.5 + offset)


def gamma(image: Image, rng: np.random.Generator, strength: float) -> Image:
    power = np.exp(0.7 * strength * rng.uniform(-1, 1))
    return _by_table(image, 255 * (_LEVELS / 255) ** power)


def colour_jitter(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Gain of each channel, and saturation."""
    gains = 1 + 0.2 * strength * rng.uniform(-1, 1, 3)
    grey = image.mean(axis=2, keepdims=True)
    kept = 1 + 0.6 * min(1.0, strength) * rng.uniform(-1, 1)
    return _whole((grey + (image - grey) * kept) * gains)


def greyscale(image: Image, rng: np.random.Generator, strength: float) -> Image:
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return np.repeat(np.asarray(grey, dtype=np.uint8).reshape(*image.shape[:2], 1), 3, axis=2)


def gaussian_noise(image: Image, rng: np.random.Generator, strength: float) -> Image:
    sigma = 28 * strength * rng.uniform(0.2, 1)
    return _whole(image + sigma * rng.standard_normal(image.shape, dtype=np.float32))


def iso_noise(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """As of a sensor in little light: more in the light parts, and coloured in spots."""
    sigma = 1.6 * strength * rng.uniform(0.3, 1)
    grain = rng.standard_normal((*image.shape[:2], 1), dtype=np.float32)
    low = (max(1, image.shape[1] // 2), max(1, image.shape[0] // 2))
    spots = rng.standard_normal((low[1], low[0], 3), dtype=np.float32)
    spots = cv2.resize(spots, image.shape[1::-1]).reshape(image.shape)
    return _whole(image + sigma * np.sqrt(image + 4.0) * (grain + 0.7 * spots))


def motion_blur(image: Image, rng: np.random.Generator, strength: float) -> Image:
    length = max(2.0, 0.035 * strength * max(image.shape[:2]) * rng.uniform(0.3, 1))
    side = int(np.ceil(length)) | 1
    kernel = np.zeros((side, side), dtype=np.float32)
    middle, angle = (side - 1) / 2, rng.uniform(0, np.pi)
    for place in np.linspace(-middle, middle, 4 * side):
        x, y = middle + place * np.cos(angle), middle + place * np.sin(angle)
        kernel[round(y), round(x)] += 1
    return _filtered(image, kernel / kernel.sum())


def defocus(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """A disc for every point."""
    radius = max(0.8, 0.011 * strength * max(image.shape[:2]) * rng.uniform(0.3, 1))
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return _filtered(image, kernel / kernel.sum())


def downscale(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Kept at a smaller size in between."""
    scale = 1 - 0.65 * min(1.0, strength) * rng.uniform(0.4, 1)
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    back = (cv2.INTER_LINEAR, cv2.INTER_NEAREST, cv2.INTER_CUBIC)[rng.integers(3)]
    large = cv2.resize(small, (width, height), interpolation=back)
    return np.asarray(large, dtype=np.uint8).reshape(image.shape)


def jpeg(image: Image, rng: np.random.Generator, strength: float) -> Image:
    quality = int(np.clip(75 - 62 * strength * rng.uniform(0, 1), 4, 95))
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, coded = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), flags)
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))[..., ::-1])


def shadow(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """A soft edge falls across the page, and one side of it is darker."""
    height, width = image.shape[:2]
    angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    across = (x - width / max(height, width) / 2) * np.cos(angle)
    across += (y - height / max(height, width) / 2) * np.sin(angle)
    soft = 1 / (1 + np.exp(-np.clip((across - place) / rng.uniform(0.01, 0.1), -30, 30)))
    return _whole(image * (1 - 0.55 * min(1.0, strength) * rng.uniform(0.4, 1) * soft[..., None]))


def coarse_dropout(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """A few rectangles are covered."""
    changed, (height, width) = image.copy(), image.shape[:2]
    for _ in range(rng.integers(1, 7)):
        tall, wide = (0.18 * strength * rng.uniform(0.3, 1, 2) * (height, width)).astype(int) + 1
        top, left = rng.integers(0, height), rng.integers(0, width)
        changed[top : top + tall, left : left + wide] = rng.integers(0, 256)
    return changed


_LEVELS: npt.NDArray[np.float64] = np.arange(256, dtype=np.float64)


def _by_table(image: Image, levels: npt.NDArray[np.float64]) -> Image:
    table: Image = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    changed: Image = table[image]
    return changed


def _whole(values: npt.NDArray[np.floating]) -> Image:
    found: Image = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return found


def _filtered(image: Image, kernel: npt.NDArray[np.float32]) -> Image:
    blurred = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, dtype=np.uint8).reshape(image.shape)
