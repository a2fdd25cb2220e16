"""How a page lies before the lens: turned, flipped, seen from the side, cut off at its edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from toolkit.contracts import Image

Corners = npt.NDArray[np.float32]  # (4, 2): x and y, clockwise from the top left


@dataclass(frozen=True)
class Placing:
    """Moves the four corners of an image, and resamples it once."""

    turned: float
    """Probability of a turn by any angle."""
    angle: float
    """The largest, degrees."""
    quarter_turns: float
    """Probability of a turn by 90, 180 or 270 degrees."""
    flips: float
    """Probability of each of the two flips."""
    perspective: float
    """How far a corner moves at most, as a share of the sides."""
    crop: float
    """How much of each side is cut off at most, as a share of it."""
    each: float
    """Probability of a perspective, and of a crop."""
    vertical: bool = True
    """Whether images are flipped upside down, too."""

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        image = self._upended(image, rng)
        turn, lean, cut, whole = rng.random(4)
        angle = self.angle * rng.uniform(-1, 1) if turn < self.turned else 0.0
        moves = self.perspective * rng.uniform(-1, 1, (4, 2)) * (lean < self.each)
        cuts = self.crop * rng.random(4) * (cut < self.each)
        desk = _desk(rng)
        if not (angle or moves.any() or cuts.any()):
            return image
        height, width = image.shape[:2]
        size = np.array([width, height])
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        moved = _turned(corners + moves * size, angle, size / 2)
        # The bed of a scanner shows the turned page whole; a frame that keeps its size cuts its
        # corners off.
        frame = _around(moved) if whole < 0.5 else np.array([[0, 0], size], np.float64)
        low, high = frame
        low, high = low + cuts[:2] * (high - low), high - cuts[2:] * (high - low)
        return _resampled(image, corners, moved, low, high, desk)

    def _upended(self, image: Image, rng: np.random.Generator) -> Image:
        quarter, across, down = rng.random(3)
        turns = int(rng.integers(1, 4))
        if quarter < self.quarter_turns:
            image = np.rot90(image, turns)
        if across < self.flips:
            image = image[:, ::-1]
        if self.vertical and down < self.flips:
            image = image[::-1]
        return np.ascontiguousarray(image)


def _desk(rng: np.random.Generator) -> float:
    """The grey level of what lies around the page: an open lid, a closed one, or a desk."""
    return (0.0, 255.0, float(rng.integers(30, 226)))[rng.integers(3)]


def _turned(corners: Corners, degrees: float, centre: npt.NDArray[np.float64]) -> Corners:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned: Corners = (corners - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre
    return turned


def _around(corners: Corners) -> npt.NDArray[np.float64]:
    return np.array([corners.min(axis=0), corners.max(axis=0)], np.float64)


def _resampled(
    image: Image,
    corners: Corners,
    moved: Corners,
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
    desk: float,
) -> Image:
    """The image with its corners moved, seen in a frame, at no more pixels than it has."""
    sides = high - low
    scale = min(1.0, math.sqrt(image.shape[0] * image.shape[1] / float(sides.prod())))
    width, height = (max(1, round(float(side) * scale)) for side in sides)
    target = (moved - low) * np.array([width, height]) / sides
    # Corners are edges of pixels, and OpenCV counts from their centres.
    matrix = cv2.getPerspectiveTransform(
        np.asarray(corners - 0.5, np.float32), np.asarray(target - 0.5, np.float32)
    )
    seen = cv2.warpPerspective(
        image,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(desk, desk, desk),
    )
    return np.asarray(seen, dtype=np.uint8)
