"""Which files are images, by their names."""

from __future__ import annotations

# What Pillow reads by itself, and HEIC, for which it has a plugin; a test holds the list to what
# the installed Pillow says. Left out: what needs another program (.eps, .wmf), and what is mostly
# something else (.pcd: point clouds).
# fmt: off
IMAGE_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".bmp", ".dib", ".tif", ".tiff",
    ".webp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".jp2", ".j2k", ".j2c", ".jpc",
    ".jpf", ".jpx", ".avif", ".avifs", ".heic", ".heif", ".hif", ".tga", ".icb", ".vda", ".vst",
    ".pcx", ".dcx", ".sgi", ".bw", ".rgb", ".rgba", ".psd", ".qoi", ".dds", ".fits", ".ico",
    ".icns", ".cur", ".im", ".msp", ".ras", ".xbm", ".xpm", ".pxr", ".fli", ".flc", ".blp", ".ftc",
    ".ftu", ".gbr",
})
# fmt: on


def names_an_image(text: str) -> bool:
    """Whether a text ends like an image file's name: `p00.jpg`, `train/a.PNG`."""
    stem, dot, suffix = text.rpartition(".")
    return bool(stem and dot) and f".{suffix.lower()}" in IMAGE_SUFFIXES
