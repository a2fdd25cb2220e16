"""The look of a page: pools that all page-like classes share, so that it hardly tells a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit_synthdocs.dice import RGB, Rng, between, blend, chance, pick, whole

PAPERS: tuple[RGB, ...] = (
    (255, 255, 255),
    (250, 250, 247),
    (246, 242, 230),
    (238, 243, 236),
    (234, 240, 247),
    (247, 236, 234),
    (236, 236, 236),
    (252, 246, 214),
)
INKS: tuple[RGB, ...] = ((20, 20, 24), (35, 35, 60), (52, 44, 40), (16, 40, 70), (60, 60, 60))
ACCENTS: tuple[RGB, ...] = (
    (34, 84, 150),
    (24, 120, 104),
    (150, 48, 52),
    (96, 72, 140),
    (70, 76, 84),
    (170, 110, 30),
    (60, 130, 60),
    (20, 20, 24),
)


@dataclass(frozen=True)
class Taste:
    """The colours that a class likes. It gets them often, and any others else."""

    papers: tuple[RGB, ...] = PAPERS
    accents: tuple[RGB, ...] = ACCENTS


ANY = Taste()
TASTE = 0.75  # chance that a page has its class's colours

Align = Literal["left", "center", "right"]
Heading = Literal["plain", "underline", "double", "box", "band"]
Frame = Literal["none", "single", "double"]
Grid = Literal["full", "rules", "dotted"]


@dataclass(frozen=True)
class Style:
    """Everything about a page that its class does not decide."""

    size: tuple[int, int]
    """Width and height in pixels."""
    paper: RGB
    ink: RGB
    accent: RGB
    tint: RGB
    """Fill of header cells; the paper itself where there is none."""
    margin: int
    text: int
    """Pixels of the small print."""
    row: float
    """Height of a table's row, in lines of small print."""
    title: float
    """Pixels of the title."""
    align: Align
    heading: Heading
    frame: Frame
    grid: Grid
    line: int
    body: str
    digits: str


def page_style(
    rng: Rng, *, landscape: float = 0.15, slip: float = 0.08, taste: Taste = ANY
) -> Style:
    """A page's look; `landscape` and `slip` (a till receipt's width) are chances."""
    taste = taste if chance(rng, TASTE) else ANY
    size = page_size(rng, landscape, slip)
    width, height = size
    paper, accent = pick(rng, taste.papers), pick(rng, taste.accents)
    side = min(width, round(height * 0.75))
    return Style(
        size=size,
        paper=paper,
        ink=pick(rng, INKS),
        accent=accent,
        tint=blend(paper, accent, pick(rng, (0.0, 0.12, 0.12, 0.3))),
        margin=round(side * between(rng, 0.05, 0.12)),
        text=max(10, round(side * between(rng, 0.021, 0.028))),
        row=between(rng, 1.7, 2.4),
        title=between(rng, 0.068, 0.092) * height * (1.25 if width > height else 1.0),
        align=pick(rng, ("center", "center", "center", "left", "right")),
        heading=pick(rng, ("plain", "plain", "underline", "double", "box", "band")),
        frame=pick(rng, ("none", "none", "single", "double")),
        grid=pick(rng, ("full", "full", "full", "rules", "dotted")),
        line=whole(rng, 1, 2),
        body=pick(rng, ("light", "regular", "regular", "bold")),
        digits=pick(rng, ("sans", "mono", "serif", "regular")),
    )


def page_size(rng: Rng, landscape: float, slip: float) -> tuple[int, int]:
    if chance(rng, slip):
        return whole(rng, 330, 420), whole(rng, 700, 780)
    short, long = whole(rng, 480, 560), whole(rng, 640, 740)
    return (long, short) if chance(rng, landscape) else (short, long)
