"""A flat page that is filled from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from toolkit_synthdocs import text
from toolkit_synthdocs.dice import RGB, Rng, between, blend, chance, pick
from toolkit_synthdocs.fonts import font
from toolkit_synthdocs.style import Align, Style

Pair = tuple[str, str]  # a field's label and value
WHITE: RGB = (255, 255, 255)


@dataclass(frozen=True)
class Flat:
    """What a painter hands to the camera."""

    image: Image.Image
    mask: Image.Image | None = None
    """Where the sheet is (255) and is not (0), if it has no square corners."""


class Sheet:
    """The page, its style, and `y`: how far it is filled."""

    def __init__(self, rng: Rng, style: Style) -> None:
        self.rng = rng
        self.style = style
        self.width, self.height = style.size
        self.image = Image.new("RGB", style.size, style.paper)
        self.draw = ImageDraw.Draw(self.image)
        self.left, self.right = style.margin, self.width - style.margin
        self.bottom = self.height - style.margin
        self.y = float(style.margin) * between(rng, 0.7, 1.2)
        self._frame()

    @property
    def wide(self) -> int:
        return self.right - self.left

    @property
    def remaining(self) -> float:
        return self.bottom - self.y

    @property
    def row(self) -> float:
        return self.style.row * self.style.text

    def write(
        self,
        xy: tuple[float, float],
        words: str,
        *,
        size: float | None = None,
        name: str | None = None,
        anchor: str = "lm",
        fill: RGB | None = None,
        width: float | None = None,
    ) -> None:
        """One line; words that are wider than `width` are set smaller, down to 70 %, then cut."""
        size = self.style.text if size is None else size
        name = self.style.body if name is None else name
        face = font(name, size)
        if width is not None and (length := face.getlength(words)) > width:
            face = font(name, max(size * width / length, size * 0.7))
            while len(words) > 1 and face.getlength(words) > width:
                words = words[: max(1, len(words) * 4 // 5)]
        self.draw.text(xy, words, font=face, anchor=anchor, fill=fill or self.style.ink)

    def skip(self, rows: float) -> None:
        self.y += rows * self.row

    def heading(self, title: str) -> None:
        """The title in its decoration; two lines where one would be too small."""
        style, rng = self.style, self.rng
        size, room = style.title, self.wide * 0.94
        length = font("black", size).getlength(title)
        lines = [title]
        if length > room:
            head, space, tail = title.partition(" ")
            if space and length > room * 1.35:
                lines = [head, tail]
                length = max(font("black", size).getlength(line) for line in lines)
            size *= min(1.0, room / length)
        widest = max(font("black", size).getlength(line) for line in lines)
        tall = size * 1.2 * len(lines)
        x = {"left": self.left, "center": self.width / 2, "right": self.right}[style.align]
        start = x - widest * {"left": 0.0, "center": 0.5, "right": 1.0}[style.align]
        top, pad = self.y, size * 0.3
        fill = style.ink if chance(rng, 0.6) else style.accent
        if style.heading == "band":
            self.draw.rectangle((self.left, top, self.right, top + tall + pad), style.accent)
            fill = WHITE
        if style.heading == "box":
            box = (start - pad, top, start + widest + pad, top + tall + pad)
            self.draw.rectangle(box, style.tint, style.ink, style.line)
        for line in lines:
            anchor = {"left": "lm", "center": "mm", "right": "rm"}[style.align]
            shift = {"left": pad / 2, "center": 0.0, "right": -pad / 2}[style.align]
            middle = self.y + pad / 2 + size * 0.6
            self.write((x + shift, middle), line, size=size, name="black", anchor=anchor, fill=fill)
            self.y += size * 1.2
        self.y += pad
        if style.heading in ("underline", "double"):
            self.rule(start, start + widest, style.line + 1)
            if style.heading == "double":
                self.y += 5
                self.rule(start, start + widest, 1)
        self.y += self.row * between(rng, 0.4, 1.0)

    def letterhead(self, owner: str) -> None:
        """Small print above the title: who issues it, a number, or nothing."""
        style, rng, kind = self.style, self.rng, int(self.rng.integers(4))
        if kind == 0:
            return
        if kind == 1:
            size = style.text * 1.3
            dot = (self.left, self.y, self.left + size, self.y + size)
            self.draw.ellipse(dot, style.accent)
            place = (self.left + size * 1.4, self.y + size / 2)
            self.write(place, owner, size=size, name="bold")
        else:
            number = f"제 {text.digits(rng, 4)}-{text.digits(rng, 5)} 호"
            side, anchor = (self.left, "lm") if kind == 2 else (self.right, "rm")
            self.write((side, self.y + style.text), number, name="regular", anchor=anchor)
        self.skip(between(rng, 0.9, 1.6))

    def rule(self, start: float, end: float, thickness: int | None = None) -> None:
        thickness = self.style.line if thickness is None else thickness
        self.draw.line((start, self.y, end, self.y), self.style.ink, thickness)

    def fields(self, rows: Sequence[Sequence[Pair]], label: float = 0.4) -> None:
        """Labels and values, a line of the form a row; `label` is the label's share of a pair."""
        style = self.style
        for row in rows:
            share = self.wide / len(row)
            part = label if len(row) > 1 else label / 2
            for number, (name, value) in enumerate(row):
                start = self.left + number * share
                middle = start + share * part
                self.cell((start, middle), name, fill=style.tint, anchor="mm")
                self.cell((middle, start + share), value)
            self.y += self.row
        if style.grid != "full":
            self.rule(self.left, self.right)
        self.y += self.row * between(self.rng, 0.3, 0.8)

    def table(
        self,
        shares: Sequence[float],
        header: Sequence[str],
        rows: Sequence[Sequence[str]],
        fill: RGB | None = None,
    ) -> None:
        """A grid with a header; `shares` are the columns' widths, in any unit."""
        total, edges = sum(shares), [float(self.left)]
        for share in shares:
            edges.append(edges[-1] + self.wide * share / total)
        for number, row in enumerate((header, *rows)):
            tint = (fill or self.style.tint) if number == 0 else None
            for start, end, value in zip(edges, edges[1:], row, strict=False):
                anchor = "mm" if number == 0 else ("rm" if value[:1].isdigit() else "lm")
                self.cell((start, end), value, fill=tint, anchor=anchor)
            self.y += self.row
        if self.style.grid != "full":
            self.rule(self.left, self.right)
        self.y += self.row * between(self.rng, 0.3, 0.8)

    def cell(
        self,
        ends: tuple[float, float],
        value: str,
        *,
        fill: RGB | None = None,
        anchor: str = "lm",
        rows: float = 1.0,
    ) -> None:
        """One cell at `y`, as wide as its ends are apart; its lines are the style's."""
        start, end = ends
        style, pad, tall = self.style, self.style.text * 0.35, self.row * rows
        box = (start, self.y, end, self.y + tall)
        if style.grid == "full":
            self.draw.rectangle(box, fill, style.ink, style.line)
        else:
            if fill is not None and style.grid == "rules":
                self.draw.rectangle(box, fill)
            shade = style.ink if style.grid == "rules" else blend(style.paper, style.ink, 0.35)
            self.draw.line((start, self.y, end, self.y), shade, 1)
        x = {"l": start + pad, "m": (start + end) / 2, "r": end - pad}[anchor[0]]
        name = style.digits if value.isascii() else style.body
        room = end - start - 2 * pad
        self.write((x, self.y + tall / 2), value, anchor=anchor, name=name, width=room)

    def prose(self, lines: Sequence[str], tall: float | None = None, label: str = "") -> None:
        """Text in a box of `tall` pixels, or as tall as the text, with a label at its left."""
        style, step = self.style, self.style.text * 1.6
        tall = step * (len(lines) + 1) if tall is None else tall
        start = self.left + (self.wide * 0.2 if label else 0)
        if style.grid == "full":
            self.draw.rectangle(
                (self.left, self.y, self.right, self.y + tall), None, style.ink, style.line
            )
        if label:
            box = (self.left, self.y, start, self.y + tall)
            outline = style.ink if style.grid == "full" else None
            self.draw.rectangle(box, style.tint, outline, style.line)
            middle = ((self.left + start) / 2, self.y + tall / 2)
            self.write(middle, label, anchor="mm", width=start - self.left - 6)
        for number, line in enumerate(lines[: max(1, int(tall / step))]):
            place = (start + style.text * 0.6, self.y + step * (number + 0.6))
            self.write(place, line, width=self.right - start - style.text)
        self.y += tall + self.row * between(self.rng, 0.3, 0.8)

    def say(self, words: str, *, size: float = 1.2, align: Align | None = None) -> None:
        """A sentence on a line of its own; `size` in small print."""
        side: Align = pick(self.rng, ("left", "center")) if align is None else align
        x = {"left": self.left, "center": self.width / 2, "right": self.right}[side]
        anchor = {"left": "lm", "center": "mm", "right": "rm"}[side]
        self.y += self.style.text * size
        where = (x, self.y)
        self.write(where, words, size=self.style.text * size, anchor=anchor, width=self.wide)
        self.y += self.style.text * size

    def _frame(self) -> None:
        style = self.style
        if style.frame == "none":
            return
        for ring in range(1 if style.frame == "single" else 2):
            inset = style.margin * 0.55 - ring * 5
            box = (inset, inset, self.width - inset, self.height - inset)
            self.draw.rectangle(box, None, style.ink, style.line)
