"""Resizing with the same result in every version of Pillow that we know."""

from __future__ import annotations

from PIL import Image


def resized(image: Image.Image, size: tuple[int, int], how: Image.Resampling) -> Image.Image:
    """The image at `size` (width, height): across first, then down.

    Each pass rounds to whole numbers, so their order shows. Pillow chooses it by itself, and 13
    chooses otherwise than 12 where an image shrinks in both directions.
    """
    return image.resize((size[0], image.height), how).resize(size, how)
