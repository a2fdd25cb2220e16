"""The page's colours can be read, in light and in dark: WCAG 2.2, contrast 4.5 for text."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

CSS = files("toolkit.report").joinpath("page.css").read_text(encoding="utf-8")
RAMPS = {
    name: (float(start), float(slope))
    for name, start, slope in re.findall(
        r"\.cells \.?(\w+) \{ --strength: calc\((\S+) \+ (\S+) \* var\(--share\)\)", CSS
    )
}
"""How strong a cell is by its share of the row: (at 0, slope)."""
Colour = tuple[float, float, float]


def palette(scheme: str) -> dict[str, Colour]:
    """The custom properties that are colours; the dark ones replace the light."""
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]
    text = light if scheme == "light" else light + dark
    found = {}
    for name, six in re.findall(r"--([\w-]+): #([0-9a-f]{6});", text):
        found[name] = tuple(int(six[k : k + 2], 16) / 255 for k in (0, 2, 4))
    for name, *levels in re.findall(r"--(hit|miss): (\d+) (\d+) (\d+);", text):
        found[name] = tuple(int(level) / 255 for level in levels)
    return found


def luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def over(colour: Colour, alpha: float, paper: Colour) -> Colour:
    return tuple(alpha * c + (1 - alpha) * p for c, p in zip(colour, paper, strict=True))


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "soft", "oof", "test", "variant", "loss"])
def test_words_can_be_read_on_paper_and_on_cards(scheme: str, ink: str) -> None:
    colours = palette(scheme)
    for ground in ("paper", "sheet"):
        assert contrast(colours[ink], colours[ground]) >= 4.5, ground


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["hit", "miss"])
@pytest.mark.parametrize("share", [0.01, 0.25, 0.5, 0.501, 0.75, 1.0])
def test_counts_can_be_read_in_cells_of_every_strength(
    scheme: str, kind: str, share: float
) -> None:
    colours = palette(scheme)
    deep = share > 0.5
    start, slope = RAMPS["deep" if deep else "td"]
    cell = over(colours[kind], start + slope * share, colours["paper"])
    assert contrast(colours["on-deep" if deep else "ink"], cell) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mark", ["oof", "test", "train"])
def test_bars_stand_out_from_paper(scheme: str, mark: str) -> None:
    colours = palette(scheme)
    assert contrast(colours[mark], colours["paper"]) >= 3  # what WCAG asks of graphics
