"""Fonts that install from pip, so that the same text has the same pixels on every machine.

The files are found through package metadata: importing `koreanize_matplotlib` would change
matplotlib's settings, and importing matplotlib would cost a second.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from PIL import ImageFont
from toolkit.errors import UserError

KOREAN = ("koreanize-matplotlib", "koreanize_matplotlib/fonts")
LATIN = ("matplotlib", "matplotlib/mpl-data/fonts/ttf")

FILES = {
    "light": (*KOREAN, "NanumGothicLight.ttf"),
    "regular": (*KOREAN, "NanumGothic.ttf"),
    "bold": (*KOREAN, "NanumGothicBold.ttf"),
    "black": (*KOREAN, "NanumGothicExtraBold.ttf"),
    "sans": (*LATIN, "DejaVuSans.ttf"),
    "sans-bold": (*LATIN, "DejaVuSans-Bold.ttf"),
    "serif": (*LATIN, "DejaVuSerif.ttf"),
    "serif-bold": (*LATIN, "DejaVuSerif-Bold.ttf"),
    "mono": (*LATIN, "DejaVuSansMono.ttf"),
    "mono-bold": (*LATIN, "DejaVuSansMono-Bold.ttf"),
}


@lru_cache(maxsize=512)
def font(name: str, size: float) -> ImageFont.FreeTypeFont:
    """The font at `size` pixels, rounded.

    The basic layout engine is asked for by name: Pillow would use raqm where it finds it, and
    raqm places letters elsewhere.
    """
    pixels = max(6, round(size))
    return ImageFont.truetype(font_file(name), pixels, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=32)
def font_file(name: str) -> str:
    """Path of a font's file.

    Raises:
        UserError: the package that ships it is not installed, or ships it no longer.
    """
    package, folder, file = FILES[name]
    try:
        found = Path(str(distribution(package).locate_file(f"{folder}/{file}")))
    except PackageNotFoundError as error:
        raise UserError(f"synthdocs draws with {file}; run `pip install {package}`") from error
    if not found.is_file():
        raise UserError(f"synthdocs draws with {file}, which {package} lacks: {found} is no file")
    return str(found)
