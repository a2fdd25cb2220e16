"""Which files are images, by their names."""

from __future__ import annotations

# fmt: off
IMAGE_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".dib", ".tif", ".tiff", ".webp",
    ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpx", ".avif", ".avifs", ".heic",
    ".heif", ".tga", ".pcx", ".sgi",
})
# fmt: on


def names_an_image(text: str) -> bool:
    """Whether a text ends like an image file's name: `p00.jpg`, `train/a.PNG`."""
    stem, dot, suffix = text.rpartition(".")
    return bool(stem and dot) and f".{suffix.lower()}" in IMAGE_SUFFIXES
