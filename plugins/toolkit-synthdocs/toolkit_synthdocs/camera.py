"""From a flat sheet to the picture that somebody took of it: scanned, copied or photographed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageFilter

from toolkit_synthdocs.dice import RGB, Rng, between, chance, pick
from toolkit_synthdocs.paper import Flat
from toolkit_synthdocs.surfaces import lit, surface

AREA = 512 * 512  # pixels of a picture, about
MARGINS: tuple[RGB, ...] = ((255, 255, 255), (250, 250, 250), (238, 238, 236), (20, 20, 22))


def photograph(flat: Flat, rng: Rng) -> Image.Image:
    """A picture of a sheet or card, whatever its class: the same ways, the same chances.

    A scan fills the picture; a copy lies somewhere on white paper; a photo shows some desk, is
    taken a little from the side and turned by up to eight degrees.
    """
    way = pick(rng, ("scan", "scan", "photo", "photo", "photo", "copy"))
    ratio = flat.image.width / flat.image.height
    if way == "scan":
        size = frame(rng, ratio * between(rng, 0.94, 1.06))
        back = Image.new("RGB", size, pick(rng, MARGINS))
        turn, tilt, fill = between(rng, -2.5, 2.5), 0.0, between(rng, 0.96, 1.08)
    elif way == "copy":
        size = held(rng, ratio, (0.71, 0.71, 0.75, ratio))
        back = Image.new("RGB", size, pick(rng, MARGINS[:3]))
        turn, tilt, fill = between(rng, -4, 4), 0.0, between(rng, 0.74, 1.0)
    else:
        size = held(rng, ratio, (0.75, 0.75, 0.75, 0.5625, 1.0, ratio))
        back = surface(rng, size)
        turn, tilt, fill = between(rng, -8, 8), 0.2, between(rng, 0.84, 1.06)
    picture = lay(flat, back, rng, turn=turn, tilt=tilt, fill=fill)
    if way != "photo" and chance(rng, 0.2):
        picture = picture.convert("L").convert("RGB")
    return finish(picture, rng)


def finish(picture: Image.Image, rng: Rng) -> Image.Image:
    """Light, a little softness and grain; for scenes too."""
    if chance(rng, 0.5):
        picture = picture.filter(ImageFilter.GaussianBlur(between(rng, 0.2, 0.8)))
    return lit(rng, picture)


def held(rng: Rng, ratio: float, frames: Sequence[float]) -> tuple[int, int]:
    """Size of a picture with one of the frames, the camera held as the sheet lies, mostly."""
    chosen = pick(rng, frames)
    lying = ratio > 1 and chance(rng, 0.8)
    return frame(rng, max(chosen, 1 / chosen) if lying else chosen)


def frame(rng: Rng, ratio: float) -> tuple[int, int]:
    """Width and height of a picture with about `ratio` and about the common area."""
    ratio = min(max(ratio, 0.5), 1.9)
    width = math.sqrt(AREA * between(rng, 0.9, 1.1) * ratio)
    return round(width), round(width / ratio)


def lay(
    flat: Flat, back: Image.Image, rng: Rng, *, turn: float, tilt: float, fill: float
) -> Image.Image:
    """The sheet on its background: `turn` in degrees, `tilt` the most that a far edge shrinks,
    `fill` the share of the picture that the sheet spans where it touches first."""
    sheet, size = flat.image, back.size
    mask = flat.mask or Image.new("L", sheet.size, 255)
    scale = 1 / (fill * min(size[0] / sheet.width, size[1] / sheet.height))  # sheet a pixel
    slack_x = max(0.0, size[0] - sheet.width / scale) / 2
    slack_y = max(0.0, size[1] - sheet.height / scale) / 2
    cx = size[0] / 2 + between(rng, -0.9, 0.9) * slack_x + between(rng, -6, 6)
    cy = size[1] / 2 + between(rng, -0.9, 0.9) * slack_y + between(rng, -6, 6)
    tilts = (between(rng, -tilt, tilt) / size[0], between(rng, -tilt, tilt) / size[1])
    path = projection(sheet.size, (cx, cy), scale, math.radians(turn), tilts)
    how = (size, Image.Transform.PERSPECTIVE, path, Image.Resampling.BILINEAR)
    seen = mask.transform(*how)
    if tilt:
        shadow = seen.filter(ImageFilter.BoxBlur(9)).point(
            [level * 45 // 100 for level in range(256)]
        )
        back.paste((10, 10, 12), (round(between(rng, -7, 7)), round(between(rng, 0, 9))), shadow)
    back.paste(sheet.transform(*how), (0, 0), seen)
    return back


def projection(
    sheet: tuple[int, int],
    centre: tuple[float, float],
    scale: float,
    turn: float,
    tilts: tuple[float, float],
) -> tuple[float, ...]:
    """Pillow's eight numbers: from a picture's pixel to the sheet's.

    With u, v the pixel's offset from `centre` and p, q the tilts, the sheet's point is its middle
    plus `scale` times (u, v), turned, over 1 + p u + q v.
    """
    (cx, cy), (p, q) = centre, tilts
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    mx, my = sheet[0] / 2, sheet[1] / 2
    one = 1 - p * cx - q * cy
    rows = (
        (cos + mx * p, sin + mx * q, mx * one - cos * cx - sin * cy),
        (-sin + my * p, cos + my * q, my * one + sin * cx - cos * cy),
        (p, q),
    )
    return tuple(number / one for row in rows for number in row)
