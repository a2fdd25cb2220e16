"""Small pictures of working images, for pages that carry them."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image as PIL

from toolkit.contracts import Image, ImageSpec

_SIDE = 208  # longest side of a thumbnail, pixels
_QUALITY = 80


def thumbnail(image: Image, spec: ImageSpec) -> str:
    """A working image as a small JPEG in a data URI, without the padding of a letterbox."""
    whole = _without_padding(image, spec.fill) if spec.fit == "letterbox" else image
    return small_picture(whole, _SIDE)


def small_picture(image: Image, side: int = 320) -> str:
    """An image as a small JPEG in a data URI.

    Args:
        side: the longest that it may have, pixels.
    """
    small = PIL.fromarray(image)
    small.thumbnail((side, side), PIL.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _without_padding(image: Image, fill: int) -> Image:
    """The part of a padded square that is not all padding; all of it where nothing else is."""
    drawn = (image != fill).any(axis=2)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not len(rows):
        return image
    return np.array(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
