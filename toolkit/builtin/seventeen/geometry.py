"""Kinds that move pixels. The linear ones are matrices: all those of a copy are one resampling."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from toolkit.contracts import Image

Matrix = npt.NDArray[np.float64]  # (3, 3), homogeneous, around the middle; the longer side is 2

_GRID = 4  # control points of a warp, a side
_COARSE = 24  # points a side at which the warp is worked out; between them it is smooth


def turn(rng: np.random.Generator, strength: float) -> Matrix:
    """By any angle."""
    return _rotation(math.pi * min(1.0, strength) * rng.uniform(-1, 1))


def shift_and_scale(rng: np.random.Generator, strength: float) -> Matrix:
    """A share of the side away, and up to a quarter smaller or larger."""
    x, y = 0.2 * strength * rng.uniform(-1, 1, 2)
    scale = math.exp(0.25 * strength * rng.uniform(-1, 1))
    return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1.0]])


def quarter_turn(rng: np.random.Generator, strength: float) -> Matrix:
    """By 90, 180 or 270 degrees."""
    return _rotation(math.pi / 2 * rng.integers(1, 4))


def flip(rng: np.random.Generator, strength: float) -> Matrix:
    """From left to right, or from top to bottom."""
    return np.diag([-1.0, 1.0, 1.0] if rng.random() < 0.5 else [1.0, -1.0, 1.0])


def perspective(rng: np.random.Generator, strength: float) -> Matrix:
    """As from a camera that looks from the side."""
    x, y = 0.18 * strength * rng.uniform(-1, 1, 2)
    return np.array([[1, 0, 0], [0, 1, 0], [x, y, 1.0]])


def placed(image: Image, matrix: Matrix, fill: int) -> Image:
    """The image under a matrix, at its own size."""
    height, width = image.shape[:2]
    half = max(height, width) / 2
    to_middle = np.array(
        [
            [1 / half, 0, (0.5 - width / 2) / half],
            [0, 1 / half, (0.5 - height / 2) / half],
            [0, 0, 1],
        ]
    )
    whole = np.linalg.inv(to_middle) @ matrix @ to_middle
    moved = cv2.warpPerspective(
        image, whole, (width, height), flags=cv2.INTER_CUBIC, borderValue=(fill,) * 3
    )
    return np.asarray(moved, dtype=np.uint8)


def bent(image: Image, rng: np.random.Generator, strength: float, fill: int) -> Image:
    """A thin-plate warp (Bookstein 1989): a grid of points moves, and the page bends smoothly
    between them, as paper that does not lie flat."""
    height, width = image.shape[:2]
    axis = np.linspace(0, 1, _GRID)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)  # (n, 2), x and y
    moves = 0.035 * strength * rng.uniform(-1, 1, points.shape)
    axis = np.linspace(0, 1, _COARSE)
    wanted = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    field = (wanted + _spline(points, moves, wanted)).reshape(_COARSE, _COARSE, 2)
    field *= (max(width - 1, 1), max(height - 1, 1))
    maps = cv2.resize(field.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    maps = maps.reshape(height, width, 2)
    moved = cv2.remap(image, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderValue=(fill,) * 3)
    return np.asarray(moved, dtype=np.uint8)


def _spline(points: Matrix, moves: Matrix, wanted: Matrix) -> Matrix:
    """The thin-plate spline that moves `points` by `moves`, at the places `wanted` (m, 2)."""
    n = len(points)
    affine = np.hstack([np.ones((n, 1)), points])
    system = np.block([[_bending(points, points), affine], [affine.T, np.zeros((3, 3))]])
    weights = np.linalg.solve(system, np.vstack([moves, np.zeros((3, 2))]))
    ends = np.hstack([_bending(wanted, points), np.ones((len(wanted), 1)), wanted])
    found: Matrix = ends @ weights
    return found


def _bending(these: Matrix, those: Matrix) -> Matrix:
    """r^2 log r of the distances (len(these), len(those)), 0 at 0."""
    squared = ((these[:, None] - those[None]) ** 2).sum(axis=2)
    found: Matrix = 0.5 * squared * np.log(np.maximum(squared, 1e-12))
    return found


def _rotation(angle: float) -> Matrix:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
