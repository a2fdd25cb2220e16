"""Screenshots of banking apps: a payment that was made, or an account with its number."""

from __future__ import annotations

from PIL import Image, ImageDraw

from toolkit_synthdocs import text
from toolkit_synthdocs.dice import RGB, Rng, between, blend, chance, pick, shuffled, whole
from toolkit_synthdocs.fonts import font
from toolkit_synthdocs.paper import Flat, Pair
from toolkit_synthdocs.style import ACCENTS

LIGHT: tuple[RGB, ...] = ((255, 255, 255), (244, 246, 250), (236, 240, 238), (250, 247, 238))
DARK: tuple[RGB, ...] = ((28, 30, 36), (36, 40, 58))


class Screen:
    """A phone's screen in a light or a dark theme, filled from top to bottom."""

    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        self.width, self.height = whole(rng, 380, 460), whole(rng, 660, 780)
        self.ground = pick(rng, DARK) if chance(rng, 0.2) else pick(rng, LIGHT)
        dark = sum(self.ground) < 300
        self.ink: RGB = (236, 236, 240) if dark else (28, 30, 38)
        self.accent = pick(rng, ACCENTS)
        self.image = Image.new("RGB", (self.width, self.height), self.ground)
        self.draw = ImageDraw.Draw(self.image)
        self.pad = self.width * 0.07
        self.y = 0.0

    def write(
        self, x: float, words: str, size: float, fill: RGB, anchor: str = "lm", name: str = "bold"
    ) -> None:
        room = self.width - 2 * self.pad
        face = font(name, size)
        if (length := face.getlength(words)) > room:
            face = font(name, size * room / length)
        self.draw.text((x, self.y), words, font=face, anchor=anchor, fill=fill)

    def bar(self, title: str) -> None:
        """The status line and the app's bar with its title."""
        rng = self.rng
        tall = self.height * between(rng, 0.11, 0.15)
        coloured = chance(rng, 0.5)
        if coloured:
            self.draw.rectangle((0, 0, self.width, tall), self.accent)
        fill = (255, 255, 255) if coloured else self.ink
        self.y = 14.0
        self.write(16, f"{whole(rng, 1, 12)}:{whole(rng, 10, 59)}", 15, fill, name="sans")
        battery = (self.width - 44, 8, self.width - 16, 20)
        self.draw.rectangle(battery, None, fill, 1)
        self.draw.rectangle((*battery[:2], battery[0] + whole(rng, 6, 26), battery[3]), fill)
        self.y = tall * 0.65
        size = self.height * between(rng, 0.045, 0.06)
        self.write(self.width / 2, title, size, fill, anchor="mm", name="black")
        self.y = tall + self.pad * between(rng, 0.5, 1.5)

    def facts(self, pairs: list[Pair]) -> None:
        step = self.height * between(self.rng, 0.05, 0.065)
        pale = blend(self.ground, self.ink, 0.55)
        for name, value in pairs:
            self.y += step / 2
            self.write(self.pad, name, step * 0.4, pale, name="regular")
            self.write(self.width - self.pad, value, step * 0.42, self.ink, anchor="rm")
            self.y += step / 2
            line = (self.pad, self.y, self.width - self.pad, self.y)
            self.draw.line(line, blend(self.ground, self.ink, 0.15), 1)
        self.y += self.pad * 0.6

    def button(self, words: str) -> None:
        tall = self.height * 0.075
        top = max(self.y, self.height - tall - self.pad * between(self.rng, 0.5, 2.5))
        box = (self.pad, top, self.width - self.pad, top + tall)
        self.draw.rounded_rectangle(box, 10, self.accent)
        self.y = top + tall / 2
        self.write(self.width / 2, words, tall * 0.42, (255, 255, 255), anchor="mm")


def payment_screen(rng: Rng) -> Flat:
    """A tick in a circle, the sum, and what was paid to whom."""
    screen = Screen(rng)
    screen.bar(pick(rng, ("결제 완료", "결제 내역", "이체 확인증", "납부 완료")))
    size = screen.width * between(rng, 0.16, 0.24)
    x, y = screen.width / 2, screen.y + size / 2
    screen.draw.ellipse((x - size / 2, y - size / 2, x + size / 2, y + size / 2), screen.accent)
    tick = (
        (x - size * 0.22, y),
        (x - size * 0.04, y + size * 0.2),
        (x + size * 0.26, y - size * 0.18),
    )
    screen.draw.line(tick, (255, 255, 255), round(size * 0.09))
    screen.y += size + screen.pad * 1.3
    size = screen.height * 0.06
    amount = f"{text.won(rng, 10_000)}원"
    screen.write(screen.width / 2, amount, size, screen.ink, anchor="mm", name="black")
    screen.y += size
    facts: list[Pair] = [
        ("승인번호", text.digits(rng, 8)),
        ("결제일시", text.date(rng)),
        ("가맹점", text.company(rng)),
        ("결제수단", f"{pick(rng, text.PLACES)}카드"),
        ("할부", "일시불"),
        ("보낸 사람", text.person(rng)),
    ]
    screen.facts(shuffled(rng, facts)[: whole(rng, 3, 6)])
    screen.button(pick(rng, ("확인", "영수증 보기", "닫기")))
    return Flat(screen.image)


def account_screen(rng: Rng) -> Flat:
    """A card with the account's number and balance, and the latest movements."""
    screen = Screen(rng)
    screen.bar(pick(rng, ("통장사본", "계좌 정보", "계좌개설확인서")))
    tall = screen.height * between(rng, 0.22, 0.3)
    box = (screen.pad, screen.y, screen.width - screen.pad, screen.y + tall)
    own = pick(rng, ACCENTS)
    screen.draw.rounded_rectangle(box, 16, own)
    inside, white = screen.pad * 1.7, (255, 255, 255)
    top = screen.y
    screen.y = top + tall * 0.2
    screen.write(inside, f"{text.bank(rng)} 입출금통장", tall * 0.12, white)
    screen.y = top + tall * 0.5
    screen.write(inside, text.account(rng), tall * 0.17, white, name="sans-bold")
    screen.y = top + tall * 0.8
    screen.write(inside, f"예금주 {text.person(rng)}", tall * 0.11, white, name="regular")
    screen.y = top + tall + screen.pad * 0.5
    facts = [(text.person(rng), f"{text.won(rng)}원") for _ in range(whole(rng, 2, 5))]
    screen.facts([("예금종류", "보통예금"), ("개설일", text.date(rng)), *facts])
    screen.button(pick(rng, ("계좌번호 복사", "이체하기", "저장")))
    return Flat(screen.image)
