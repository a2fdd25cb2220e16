"""Values of more than 8 bits, and floats, to 8 bits by a stated range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.contracts import Depth, Image, Levels, Range

Values = npt.NDArray[Any]

_BITS = (8, 10, 12, 14, 16)  # what sensors and scanners have


def is_deep(mode: str) -> bool:
    """Whether a mode of Pillow's has more than 8 bits, or floats."""
    return mode.startswith("I") or mode == "F"


def levels_of(depth: Depth) -> Levels:
    """The ranges that a depth stands for. "auto" that nobody resolved is "full"."""
    if isinstance(depth, Levels):
        return depth
    return Levels() if isinstance(depth, str) else Levels(depth, depth)


def to_eight_bits(values: Values, levels: Levels, *, white_is_zero: bool = False) -> Image:
    """`(H, W)` or `(H, W, 3)` of any kind as RGB `(H, W, 3)`: low becomes 0, high 255 (or, where
    white is zero, the other way round), what lies outside is clipped, and what is no number is
    black."""
    low, high = levels.floats if values.dtype.kind == "f" else levels.integers
    if values.dtype == np.uint16:  # a table of all values is quicker, and takes less memory
        scaled = _scaled(np.arange(1 << 16), low, high, white_is_zero=white_is_zero)[values]
    else:
        scaled = _scaled(values, low, high, white_is_zero=white_is_zero)
    return scaled if scaled.ndim == 3 else np.repeat(scaled[..., None], 3, axis=2)


def _scaled(values: Values, low: float, high: float, *, white_is_zero: bool) -> Image:
    with np.errstate(over="ignore", invalid="ignore"):  # of infinities and the largest floats
        scaled = np.clip((values - low) * (255.0 / (high - low)) + 0.5, 0, 255)
    if white_is_zero:
        scaled = 255 - np.floor(scaled)
    if values.dtype.kind == "f":
        scaled = np.where(np.isnan(scaled), 0, scaled)
    return scaled.astype(np.uint8)


def opacity_of(alpha: Values, levels: Levels) -> Image:
    """Transparency `(H, W)` as 8 bits: integers reach to the white of the colours beside them,
    floats to 1."""
    high = 1.0 if alpha.dtype.kind == "f" else max(levels.integers[1], 1.0)
    return to_eight_bits(alpha, Levels((0.0, high), (0.0, high)))[:, :, 0]


def has_gaps(values: Values) -> bool:
    """Whether some values are no finite number."""
    return values.dtype.kind == "f" and not bool(np.isfinite(values).all())


@dataclass(frozen=True)
class Extent:
    """The smallest and the largest value of some images; of none, low lies above high."""

    low: float = np.inf
    high: float = -np.inf

    def with_(self, other: Extent) -> Extent:
        return Extent(min(self.low, other.low), max(self.high, other.high))

    @property
    def empty(self) -> bool:
        return self.low > self.high


class Seen(NamedTuple):
    """What `seen` tells of an image."""

    floats: bool
    extent: Extent


def seen(values: Values) -> Seen:
    """The kind and the extent of an image's finite values."""
    floats = values.dtype.kind == "f"
    finite = values[np.isfinite(values)] if floats else values
    extent = Extent(float(finite.min()), float(finite.max())) if finite.size else Extent()
    return Seen(floats, extent)


def range_of_integers(extent: Extent) -> Range:
    """0 to the most that 8, 10, 12, 14 or 16 bits hold, whichever are the fewest that hold every
    value; where a value is negative or larger than that, the extent itself."""
    if extent.empty:
        return Levels().integers
    fewest = next((2.0**bits - 1 for bits in _BITS if extent.high < 2**bits), None)
    if extent.low >= 0 and fewest is not None:
        return 0.0, fewest
    return _apart(min(extent.low, 0.0) if extent.low >= 0 else extent.low, extent.high)


def range_of_floats(extent: Extent) -> Range:
    """0 to 1 where every value is within, else the extent itself."""
    if extent.empty or (extent.low >= 0 and extent.high <= 1):
        return Levels().floats
    return _apart(extent.low, extent.high)


def _apart(low: float, high: float) -> Range:
    return (low, high) if high > low else (low, low + 1)
