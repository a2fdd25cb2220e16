"""Cards and small books: identity cards, licences, passports and bankbooks, on shared grounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from toolkit_synthdocs import text
from toolkit_synthdocs.dice import RGB, Rng, between, blend, chance, pick, whole
from toolkit_synthdocs.fonts import font
from toolkit_synthdocs.marks import bar_code, portrait, seal, waves
from toolkit_synthdocs.paper import Flat
from toolkit_synthdocs.screens import account_screen

TONES: tuple[RGB, ...] = (
    (214, 228, 240),
    (222, 236, 224),
    (240, 226, 222),
    (236, 232, 214),
    (226, 220, 238),
    (232, 234, 236),
    (250, 250, 248),
    (206, 226, 226),
)
# What a kind of card likes to be printed on; it is so often, not always.
COOL: tuple[RGB, ...] = ((206, 230, 222), (196, 228, 214), (222, 236, 224))
WARM: tuple[RGB, ...] = ((244, 226, 210), (240, 226, 222), (246, 234, 206))
VIOLET: tuple[RGB, ...] = ((218, 206, 238), (226, 214, 240), (204, 206, 240))
TASTE = 0.75

PRINTS: tuple[RGB, ...] = ((24, 28, 40), (30, 44, 84), (60, 40, 44), (40, 60, 52))


class Card:
    """A landscape card: a ground of two tones with fine waves, and a colour to print in."""

    def __init__(
        self, rng: Rng, ratio: float, *, rounded: bool = True, taste: Sequence[RGB] = TONES
    ) -> None:
        self.rng = rng
        self.width = whole(rng, 600, 680)
        self.height = round(self.width / ratio)
        self.ink, self.accent = pick(rng, PRINTS), pick(rng, TONES)
        self.tones = taste if chance(rng, TASTE) else TONES
        self.image = ground(rng, self.width, self.height, self.tones)
        self.draw = ImageDraw.Draw(self.image)
        self.rounded = rounded

    def write(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        *,
        name: str = "bold",
        anchor: str = "lm",
        fill: RGB | None = None,
        room: float = 0.94,
    ) -> None:
        """One line; places, size and room are shares of the card's width and height."""
        face = font(name, size * self.height)
        if (length := face.getlength(words)) > room * self.width:
            face = font(name, size * self.height * room * self.width / length)
        place = (x * self.width, y * self.height)
        self.draw.text(place, words, font=face, anchor=anchor, fill=fill or self.ink)

    def photo(self, x: float, y: float, tall: float) -> None:
        height = round(tall * self.height)
        face = portrait(self.rng, round(height * 0.78), height)
        self.image.paste(face, (round(x * self.width), round(y * self.height)))

    def flat(self) -> Flat:
        if not self.rounded:
            return Flat(self.image)
        mask = Image.new("L", self.image.size, 0)
        corners = (0, 0, self.width - 1, self.height - 1)
        ImageDraw.Draw(mask).rounded_rectangle(corners, self.width * 0.04, 255)
        return Flat(self.image, mask)


def ground(rng: Rng, width: int, height: int, tones: Sequence[RGB] = TONES) -> Image.Image:
    """A gradient between two tones with waves over it, as printed to hinder copying."""
    first, second = np.array(pick(rng, tones)), np.array(pick(rng, tones))
    across = chance(rng, 0.5)
    ramp = np.linspace(0, 1, 8)[None, :, None] if across else np.linspace(0, 1, 8)[:, None, None]
    mixed = np.broadcast_to(first + (second - first) * ramp, (8, 8, 3)).astype(np.uint8)
    image = Image.fromarray(mixed).resize((width, height), Image.Resampling.BILINEAR)
    tone = blend(pick(rng, TONES), (120, 140, 170), between(rng, 0.1, 0.5))
    waves(rng, ImageDraw.Draw(image), image.size, tone)
    return image


def driver_license(rng: Rng) -> Flat:
    """Title, the class of vehicles in a badge, a number of four groups, a second small photo."""
    card = Card(rng, between(rng, 1.5, 1.62), taste=COOL)
    photo_left = chance(rng, 0.7)
    x, side = (0.36, 0.04) if photo_left else (0.05, 0.66)
    title = pick(rng, ("자동차운전면허증", "운전면허증"))
    card.write(x, 0.11, title, between(rng, 0.1, 0.13), name="black", room=0.6)
    card.write(x, 0.2, "Driver's License", 0.055, name="sans")
    card.photo(side, between(rng, 0.22, 0.3), between(rng, 0.52, 0.62))
    number = (
        f"{whole(rng, 11, 28)}-{text.digits(rng, 2)}-{text.digits(rng, 6)}-{text.digits(rng, 2)}"
    )
    red: RGB = (190, 40, 50)
    card.write(x, 0.31, number, 0.085, name="sans-bold", fill=red, room=0.57)
    lines = (text.person(rng), text.born(rng), text.address(rng), f"적성 {text.date(rng)}")
    for row, line in enumerate(lines):
        card.write(x, 0.43 + row * 0.1, line, 0.075 if row < 2 else 0.055, room=0.5)
    corner = (x * card.width, card.height * 0.79, (x + 0.2) * card.width, card.height * 0.93)
    card.draw.rounded_rectangle(corner, 8, blend(card.accent, (40, 70, 130), 0.7))
    badge = pick(rng, ("1종보통", "2종보통", "1종대형"))
    card.write(x + 0.1, 0.86, badge, 0.08, anchor="mm", fill=(255, 255, 255), room=0.19)
    if chance(rng, 0.7):
        card.photo(x + 0.43 if photo_left else 0.5, 0.62, 0.26)
    return card.flat()


def national_id(rng: Rng) -> Flat:
    """A wide title, name and number in large print, the issuer with a seal below."""
    card = Card(rng, between(rng, 1.5, 1.62), taste=WARM)
    photo_left = chance(rng, 0.3)
    x, side = (0.36, 0.04) if photo_left else (0.06, 0.66)
    title = pick(rng, ("주민등록증", "주 민 등 록 증", "주민등록증"))
    card.write(x, 0.14, title, between(rng, 0.12, 0.15), name="black", room=0.57)
    card.photo(side, between(rng, 0.12, 0.2), between(rng, 0.52, 0.62))
    card.write(x, 0.34, text.person(rng), 0.12, name="bold")
    card.write(x, 0.47, text.born(rng), 0.09, name="sans", room=0.55)
    card.write(x, 0.59, text.address(rng), 0.06, name="regular", room=0.54)
    card.write(0.5, 0.79, text.date(rng), 0.06, anchor="mm")
    issuer = f"{pick(rng, text.PLACES)}시 {pick(rng, text.PLACES)}구청장"
    card.write(0.5, 0.9, issuer, between(rng, 0.08, 0.1), name="black", anchor="mm", room=0.6)
    if chance(rng, 0.85):
        seal(
            rng, card.image, (card.width * 0.76, card.height * 0.88), card.height * 0.2, "구청장인"
        )
    return card.flat()


def passport(rng: Rng) -> Flat:
    """The page with the photo above two lines for machines; sometimes the opposite page as well."""
    card = Card(rng, between(rng, 1.35, 1.48), rounded=False, taste=VIOLET)
    photo_left = chance(rng, 0.85)
    x, side = (0.34, 0.04) if photo_left else (0.05, 0.68)
    title = pick(rng, ("여권  PASSPORT", "PASSPORT  여권", "대여권  PASSPORT"))
    card.write(x, 0.09, title, between(rng, 0.075, 0.1), name="black", room=0.6)
    card.photo(side, between(rng, 0.15, 0.2), between(rng, 0.46, 0.54))
    surname, given = text.roman_person(rng)
    number = f"M{text.digits(rng, 8)}"
    facts = (
        ("Type / No.", f"PM  UTO  {number}"),
        ("Surname", surname),
        ("Given names", given),
        ("Birth", f"{whole(rng, 10, 28)} JUN {whole(rng, 1950, 2004)}"),
        ("Expiry", f"{whole(rng, 10, 28)} MAR {whole(rng, 2025, 2033)}"),
    )
    for row, (label, value) in enumerate(facts):
        y = 0.2 + row * 0.108
        card.write(x, y, label, 0.032, name="sans")
        card.write(x, y + 0.047, value, 0.058, name="sans-bold", room=0.6)
    codes = (f"PMUTO{surname}<<{given}", f"{number}{whole(rng, 0, 9)}UTO{text.digits(rng, 14)}")
    strip = (0, card.height * 0.77, card.width, card.height)
    if chance(rng, 0.6):
        card.draw.rectangle(strip, blend(card.accent, (255, 255, 255), 0.6))
    for row, code in enumerate(codes):
        card.write(0.03, 0.84 + row * 0.09, f"{code:<<44}"[:44], 0.075, name="mono-bold")
    if chance(rng, 0.5):
        return card.flat()
    book = Image.new("RGB", (card.width, card.height * 2 + 6), (90, 90, 100))
    book.paste(ground(rng, card.width, card.height, card.tones), (0, 0))
    other = ImageDraw.Draw(book)
    for row in range(whole(rng, 0, 6)):
        y = card.height * (0.2 + row * 0.1)
        words = text.sentences(rng, 1)[0]
        other.text((card.width * 0.1, y), words, font=font("regular", 18), fill=card.ink)
    book.paste(card.image, (0, card.height + 6))
    return Flat(book)


def account_number(rng: Rng) -> Flat:
    return account_screen(rng) if chance(rng, 0.2) else bankbook(rng)


def bankbook(rng: Rng) -> Flat:
    """The first page of a bankbook: bank, holder and a long number; at times with its cover."""
    book = Card(rng, between(rng, 1.35, 1.62), rounded=chance(rng, 0.4))
    name = text.bank(rng)
    strong = blend(book.accent, pick(rng, PRINTS), 0.75)
    top = pick(rng, (0.0, 0.0, 0.8))
    box = (0, top * book.height, book.width, (top + 0.2) * book.height)
    book.draw.rectangle(box, strong)
    book.write(0.05, top + 0.1, name, 0.11, name="black", fill=(255, 255, 255))
    book.write(0.95, 0.32, pick(rng, ("통장", "예금통장", "저축예금 통장")), 0.12, anchor="rm")
    book.write(0.06, 0.33, "계좌번호", 0.065, name="regular")
    book.write(0.06, 0.46, text.account(rng), between(rng, 0.1, 0.14), name="sans-bold", room=0.85)
    book.write(0.06, 0.6, f"{text.person(rng)} 님", 0.1, name="bold")
    book.write(0.06, 0.72, f"신규일 {text.date(rng)}   {text.won(rng)}원", 0.055, name="regular")
    if chance(rng, 0.7):
        seal(rng, book.image, (book.width * 0.84, book.height * 0.64), book.height * 0.22, name[:4])
    if chance(rng, 0.5):
        strip = (book.width * 0.55, book.height * 0.9, book.width * 0.95, book.height * 0.97)
        bar_code(rng, book.draw, strip)
    if chance(rng, 0.4):
        return book.flat()
    pair = Image.new("RGB", (book.width, book.height * 2 + 4), strong)
    back = ground(rng, book.width, book.height)
    lines, step = ImageDraw.Draw(back), book.height / 12
    for row in range(1, whole(rng, 3, 11)):
        lines.line((20, row * step, book.width - 20, row * step), book.ink, 1)
        words = f"{text.date(rng)}    {text.won(rng)}    {text.person(rng)}"
        place = (30, (row + 0.5) * step)
        lines.text(place, words, font=font("regular", step * 0.5), anchor="lm", fill=book.ink)
    over = chance(rng, 0.5)
    pair.paste(book.image, (0, 0 if over else book.height + 4))
    pair.paste(back, (0, book.height + 4 if over else 0))
    return Flat(pair)
