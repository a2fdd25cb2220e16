"""What people stick, stamp and print on paper: seals, photos, bar codes, check boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from toolkit_synthdocs.dice import RGB, Rng, between, blend, chance, pick, whole
from toolkit_synthdocs.fonts import font
from toolkit_synthdocs.resize import resized

REDS: tuple[RGB, ...] = ((200, 30, 40), (178, 24, 36), (214, 66, 60), (160, 40, 70))
SKINS: tuple[RGB, ...] = ((244, 214, 188), (232, 194, 164), (250, 226, 206), (214, 172, 140))
HAIRS: tuple[RGB, ...] = ((30, 26, 24), (58, 40, 30), (90, 62, 42), (130, 128, 126))
CLOTHES: tuple[RGB, ...] = (
    (40, 46, 70),
    (240, 240, 242),
    (120, 40, 50),
    (60, 90, 80),
    (30, 30, 34),
)
WALLS: tuple[RGB, ...] = ((236, 240, 246), (190, 214, 236), (214, 222, 214), (240, 232, 226))


def seal(
    rng: Rng,
    image: Image.Image,
    centre: tuple[float, float],
    size: float,
    words: str,
    inks: Sequence[RGB] = REDS,
) -> None:
    """A seal, mostly red, round or square, turned and thin here and there as ink is."""
    side = max(16, round(size))
    ink = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(ink)
    box, line = (2, 2, side - 3, side - 3), max(2, side // 16)
    if chance(rng, 0.7):
        draw.ellipse(box, None, 255, line)
        if chance(rng, 0.4):
            draw.ellipse((side * 0.14, side * 0.14, side * 0.86, side * 0.86), None, 255, 1)
    else:
        draw.rectangle(box, None, 255, line)
    half = (len(words) + 1) // 2
    for row, part in enumerate((words[:half], words[half:])):
        place = (side / 2, side * (0.36 + 0.28 * row))
        draw.text(place, part, font=font("black", side * 0.26), anchor="mm", fill=255)
    strength = between(rng, 0.55, 0.95)
    patches = rng.integers(150, 256, (4, 4), dtype=np.uint8)
    wear = Image.fromarray(patches).resize((side, side), Image.Resampling.BILINEAR)
    worn = np.asarray(ink, np.uint16) * np.asarray(wear, np.uint16) // 255
    ink = Image.fromarray((worn * strength).astype(np.uint8))
    ink = ink.rotate(between(rng, -25, 25), Image.Resampling.BILINEAR)
    image.paste(pick(rng, inks), (round(centre[0] - side / 2), round(centre[1] - side / 2)), ink)


def portrait(rng: Rng, width: int, height: int) -> Image.Image:
    """A passport photo of nobody."""
    wall = pick(rng, WALLS)
    picture = Image.new("RGB", (width * 2, height * 2), wall)  # twice the size, for smooth edges
    draw = ImageDraw.Draw(picture)
    skin, hair, cloth = pick(rng, SKINS), pick(rng, HAIRS), pick(rng, CLOTHES)
    w, h = width * 2, height * 2
    x, y = w / 2, h * between(rng, 0.40, 0.46)
    face_w, face_h = w * between(rng, 0.19, 0.23), h * between(rng, 0.19, 0.23)
    crown = y - face_h * 0.15
    if chance(rng, 0.5):  # long hair
        long = h * between(rng, 0.6, 0.78)
        draw.rounded_rectangle((x - face_w * 1.3, crown, x + face_w * 1.3, long), w // 10, hair)
    shoulder = (x - w * 0.42, h * 0.74, x + w * 0.42, h * 1.4)
    draw.ellipse(shoulder, cloth)
    draw.rectangle((x - face_w * 0.45, y, x + face_w * 0.45, h * 0.8), blend(skin, hair, 0.15))
    draw.polygon(
        ((x - w * 0.14, h * 0.75), (x + w * 0.14, h * 0.75), (x, h * 0.92)), (250, 250, 250)
    )
    top = face_h * between(rng, 1.1, 1.3)
    draw.ellipse((x - face_w * 1.25, y - top, x + face_w * 1.25, y + face_h * 0.5), hair)
    draw.ellipse((x - face_w, y - face_h * 0.75, x + face_w, y + face_h), skin)
    dark = (40, 34, 32)
    for side in (-1, 1):
        eye = x + side * face_w * 0.42
        draw.ellipse((eye - w * 0.025, y - h * 0.012, eye + w * 0.025, y + h * 0.012), dark)
        brow = y - face_h * 0.28
        draw.line((eye - w * 0.045, brow, eye + w * 0.045, brow), hair, max(2, w // 60))
    draw.line((x, y, x - w * 0.015, y + face_h * 0.35), blend(skin, dark, 0.3), max(1, w // 90))
    mouth = (x - face_w * 0.35, y + face_h * 0.42, x + face_w * 0.35, y + face_h * 0.66)
    draw.arc(mouth, 20, 160, (170, 90, 90), max(2, w // 60))
    return resized(picture, (width, height), Image.Resampling.BOX)


def bar_code(rng: Rng, draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = box
    x = round(left)
    while x < right:
        bar = whole(rng, 1, 3)
        draw.rectangle((x, top, x + bar - 1, bottom), (24, 24, 24))
        x += bar + whole(rng, 1, 3)


def square_code(rng: Rng, image: Image.Image, place: tuple[float, float], size: float) -> None:
    """A two-dimensional code that says nothing."""
    cells = rng.integers(0, 2, (21, 21), dtype=np.uint8) * 255
    for row, column in ((0, 0), (0, 14), (14, 0)):
        cells[row : row + 7, column : column + 7] = 0
        cells[row + 1 : row + 6, column + 1 : column + 6] = 255
        cells[row + 2 : row + 5, column + 2 : column + 5] = 0
    code = Image.fromarray(cells).resize((round(size), round(size)), Image.Resampling.NEAREST)
    image.paste(code, (round(place[0]), round(place[1])))


def check_box(
    rng: Rng, draw: ImageDraw.ImageDraw, place: tuple[float, float], size: float, ink: RGB
) -> None:
    """An empty or a ticked box with its left middle at `place`."""
    x, y = place
    draw.rectangle((x, y - size / 2, x + size, y + size / 2), None, ink, 2)
    if chance(rng, 0.4):
        tick = (
            (x + size * 0.15, y),
            (x + size * 0.45, y + size * 0.35),
            (x + size, y - size * 0.7),
        )
        draw.line(tick, pick(rng, ((30, 60, 160), (20, 20, 20), (190, 40, 40))), 3)


def waves(rng: Rng, draw: ImageDraw.ImageDraw, size: tuple[int, int], tone: RGB) -> None:
    """Fine waves over the whole of a paper, as they are printed to hinder copying."""
    width, height = size
    swing, length = between(rng, 0.02, 0.1) * height, between(rng, 0.2, 0.8) * width
    for y in range(0, height, whole(rng, 10, 26)):
        xs = range(0, width + 12, 12)
        draw.line([(x, y + swing * math.sin(x / length * 6.28 + y)) for x in xs], tone, 1)
