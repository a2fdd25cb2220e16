"""Scenes rather than sheets: instrument panels, and cars with their number plates."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from toolkit_synthdocs import text
from toolkit_synthdocs.dice import RGB, Rng, between, blend, chance, pick, whole
from toolkit_synthdocs.fonts import font
from toolkit_synthdocs.surfaces import gradient, surface

PANELS: tuple[RGB, ...] = ((16, 18, 22), (34, 34, 38), (20, 28, 44), (52, 46, 40), (70, 72, 76))
GLOWS: tuple[RGB, ...] = ((240, 240, 240), (120, 200, 255), (255, 150, 70), (150, 240, 170))
NEEDLES: tuple[RGB, ...] = ((230, 50, 40), (250, 250, 250), (255, 140, 30))
LAMPS: tuple[RGB, ...] = ((240, 60, 50), (250, 180, 40), (70, 200, 90), (80, 150, 250))
PAINTS: tuple[RGB, ...] = (
    (236, 236, 238),
    (28, 30, 34),
    (150, 154, 160),
    (150, 30, 36),
    (40, 70, 130),
    (90, 96, 90),
    (196, 188, 168),
    (60, 62, 68),
)


def scene_size(rng: Rng) -> tuple[int, int]:
    """Twice the picture's size, for smooth edges; wide, square or tall."""
    ratio = pick(rng, (1.5, 1.33, 1.33, 1.0, 0.75, 1.78))
    width = 2 * 512 * math.sqrt(ratio)
    return round(width), round(width / ratio)


def dashboard(rng: Rng) -> Image.Image:
    """Round gauges with needles around a lit display, behind a steering wheel."""
    width, height = scene_size(rng)
    panel = pick(rng, PANELS)
    image = gradient(
        rng, (width, height), panel, blend(panel, (120, 120, 124), between(rng, 0, 0.6))
    )
    draw = ImageDraw.Draw(image)
    glow, needle = pick(rng, GLOWS), pick(rng, NEEDLES)
    centre = height * between(rng, 0.4, 0.56)
    hood = (-width * 0.1, centre - height * between(rng, 0.4, 0.55), width * 1.1, height * 1.6)
    draw.ellipse(hood, blend(panel, (0, 0, 0), 0.5), blend(panel, (150, 150, 150), 0.3), 8)
    radius = min(width * between(rng, 0.18, 0.24), height * 0.34)
    gap = max(radius * 1.1, width * between(rng, 0.24, 0.3))
    middle = width * between(rng, 0.44, 0.56)
    zoomed = chance(rng, 0.25)
    places = (middle,) if zoomed else (middle - gap, middle + gap)
    radius = radius * 1.3 if zoomed else radius
    for number, x in enumerate(places):
        top, step = pick(rng, ((220, 20), (260, 20), (180, 20))) if number == 0 else (8, 1)
        _gauge(rng, image, (x, centre), radius, (top, step), (glow, needle))
    side = width * between(rng, 0.11, 0.14)
    x, y = (middle, centre + radius * 0.62) if zoomed else (middle, centre + radius * 0.1)
    tall = height * (0.07 if zoomed else between(rng, 0.12, 0.2))
    screen = blend(glow, (10, 14, 20), pick(rng, (0.85, 0.9, 0.3)))
    lit = glow if sum(screen) < 330 else (20, 24, 30)
    draw.rounded_rectangle((x - side, y - tall, x + side, y + tall), 14, screen, lit, 3)
    mileage = f"{whole(rng, 900, 249_000):,} km"
    face = font("mono-bold", side * 0.26)
    draw.text((x, y + (0 if zoomed else tall * 0.45)), mileage, font=face, anchor="mm", fill=lit)
    if not zoomed:
        trip = pick(
            rng, (f"ODO  {whole(rng, -9, 34)}°C", f"TRIP {text.digits(rng, 3)}.4", "P R N D")
        )
        draw.text((x, y - tall * 0.4), trip, font=font("sans", side * 0.22), anchor="mm", fill=lit)
    for _ in range(whole(rng, 2, 8)):
        spot = (middle + between(rng, -0.4, 0.4) * width, centre + radius * between(rng, 0.7, 1.2))
        _lamp(rng, draw, spot, width * 0.016)
    if chance(rng, 0.6):
        rim, thick = height * between(rng, 0.75, 0.95), round(height * between(rng, 0.06, 0.1))
        hub = centre + rim * between(rng, 0.7, 0.95)
        wheel = (middle - rim * 1.2, hub - rim, middle + rim * 1.2, hub + rim)
        draw.ellipse(wheel, None, blend(panel, (90, 84, 80), between(rng, 0.1, 0.7)), thick)
    return image


def _gauge(
    rng: Rng,
    image: Image.Image,
    centre: tuple[float, float],
    radius: float,
    scale: tuple[int, int],
    tones: tuple[RGB, RGB],
) -> None:
    """A dial from 0 to `scale`'s top by its step, with ticks, numbers and a needle."""
    draw, (x, y), (top, step), (glow, needle) = ImageDraw.Draw(image), centre, scale, tones

    def at(share: float, reach: float) -> tuple[float, float]:
        angle = math.radians(140 + 260 * share)
        return x + reach * radius * math.cos(angle), y + reach * radius * math.sin(angle)

    box = (x - radius, y - radius, x + radius, y + radius)
    draw.ellipse(box, blend((8, 10, 14), glow, pick(rng, (0.0, 0.05, 0.15))), (140, 142, 146), 8)
    count = top // step
    for tick in range(count * 4 + 1):
        share, strong = tick / (count * 4), tick % 4 == 0
        line = (*at(share, 0.92), *at(share, 0.8 if strong else 0.86))
        draw.line(line, glow, 6 if strong else 2)
        if strong:
            face = font("sans-bold", radius * 0.15)
            draw.text(at(share, 0.66), str(tick // 4 * step), font=face, anchor="mm", fill=glow)
    unit = "km/h" if top > 10 else "x1000 rpm"
    draw.text(
        (x, y + radius * 0.42), unit, font=font("sans", radius * 0.12), anchor="mm", fill=glow
    )
    draw.line((*at(between(rng, 0, 0.75), 0.82), x, y), needle, max(6, round(radius * 0.04)))
    hub = radius * 0.1
    draw.ellipse((x - hub, y - hub, x + hub, y + hub), (40, 40, 44), (90, 90, 94), 4)


def _lamp(rng: Rng, draw: ImageDraw.ImageDraw, place: tuple[float, float], size: float) -> None:
    """A warning lamp: a triangle, a ring or a battery."""
    (x, y), tone, shape = place, pick(rng, LAMPS), whole(rng, 0, 2)
    if shape == 0:
        corners = ((x, y - size), (x - size, y + size), (x + size, y + size))
        draw.polygon(corners, None, tone, 4)
    elif shape == 1:
        draw.ellipse((x - size, y - size, x + size, y + size), None, tone, 5)
    else:
        draw.rectangle((x - size, y - size * 0.6, x + size, y + size * 0.7), tone)


def plate(rng: Rng) -> Image.Image:
    """The back or front of a car, near or far, with its number plate."""
    width, height = scene_size(rng)
    image = _street(rng, (width, height))
    draw = ImageDraw.Draw(image)
    paint = pick(rng, PAINTS)
    shade, shine = blend(paint, (0, 0, 0), 0.45), blend(paint, (255, 255, 255), 0.35)
    span = width * between(rng, 0.7, 1.9)  # the car's width; more than the picture's in a close-up
    x, base = width * between(rng, 0.42, 0.58), height * between(rng, 0.8, 0.95)
    tall = span * between(rng, 0.5, 0.62)
    left, right, roof = x - span / 2, x + span / 2, base - tall
    waist = roof + tall * 0.42
    cabin = ((left + span * 0.1, waist), (left + span * 0.22, roof), (right - span * 0.22, roof))
    draw.polygon((*cabin, (right - span * 0.1, waist)), paint)
    top = roof + tall * 0.06
    glass = (
        *((left + span * 0.15, waist), (left + span * 0.25, top)),
        *((right - span * 0.25, top), (right - span * 0.15, waist)),
    )
    draw.polygon(glass, pick(rng, ((40, 48, 58), (90, 104, 116), (24, 26, 30))))
    for side in (left + span * 0.03, right - span * 0.19):
        tyre = (side, base - tall * 0.2, side + span * 0.16, base + tall * 0.08)
        draw.rounded_rectangle(tyre, 20, (22, 22, 24))
    draw.rounded_rectangle((left, waist, right, base), span * 0.06, paint)
    draw.rectangle((left + span * 0.03, waist + 6, right - span * 0.03, waist + tall * 0.05), shine)
    bumper = base - tall * between(rng, 0.16, 0.24)
    draw.rounded_rectangle((left, bumper, right, base), span * 0.04, shade)
    rear = chance(rng, 0.6)
    lights: tuple[RGB, ...] = (
        ((190, 24, 30), (230, 60, 50)) if rear else ((246, 246, 236), (210, 226, 240))
    )
    for side in (left + span * 0.02, right - span * 0.2):
        box = (side, waist + tall * 0.1, side + span * 0.18, waist + tall * 0.24)
        draw.rounded_rectangle(box, span * 0.03, pick(rng, lights), shade, 5)
    if not rear:
        grille = (x - span * 0.26, waist + tall * 0.12, x + span * 0.26, waist + tall * 0.26)
        draw.rounded_rectangle(grille, 16, (28, 28, 32), (170, 172, 176), 6)
    long = span * between(rng, 0.24, 0.36)
    _number(rng, image, (x, waist + tall * between(rng, 0.3, 0.44)), long)
    return image


def _street(rng: Rng, size: tuple[int, int]) -> Image.Image:
    """Sky or a wall above, houses at times, asphalt below."""
    width, height = size
    sky = pick(
        rng, ((196, 214, 232), (160, 160, 166), (110, 116, 124), (226, 222, 214), (60, 64, 74))
    )
    image = gradient(rng, size, sky, blend(sky, (250, 250, 250), 0.4))
    draw = ImageDraw.Draw(image)
    horizon = height * between(rng, 0.35, 0.6)
    x = 0.0
    while x < width and chance(rng, 0.9):
        house = width * between(rng, 0.08, 0.25)
        top = horizon - height * between(rng, 0.1, 0.4)
        wall = pick(rng, ((150, 140, 130), (110, 124, 110), (170, 160, 150), (90, 96, 110)))
        draw.rectangle((x, top, x + house, horizon), wall)
        x += house + width * between(rng, 0, 0.1)
    road = surface(rng, (width // 4, round(height - horizon) // 4 + 1), ("plain", "speckle"))
    road = road.resize((width, round(height - horizon) + 4), Image.Resampling.BILINEAR)
    image.paste(road, (0, round(horizon)))
    return image


def _number(rng: Rng, image: Image.Image, centre: tuple[float, float], long: float) -> None:
    """The plate: white, green, yellow or blue, in one line or two."""
    draw, words, (x, y) = ImageDraw.Draw(image), text.plate(rng), centre
    ground, ink = pick(
        rng,
        (
            ((248, 248, 246), (18, 18, 22)),
            ((248, 248, 246), (18, 18, 22)),
            ((30, 110, 70), (250, 250, 250)),
            ((240, 190, 40), (20, 20, 24)),
            ((150, 200, 236), (18, 18, 22)),
        ),
    )
    two = chance(rng, 0.25)
    tall = long * (0.5 if two else 0.22)
    box = (x - long / 2, y - tall / 2, x + long / 2, y + tall / 2)
    draw.rounded_rectangle(box, long * 0.03, ground, ink, max(3, round(long * 0.012)))
    lines = words.split() if two else [words]
    for row, line in enumerate(lines):
        size = long * (0.145 if not two else (0.17, 0.29)[row])
        middle = y if not two else y + tall * (-0.28, 0.14)[row]
        draw.text((x, middle), line, font=font("black", size), anchor="mm", fill=ink)
