"""Charts of points: a study's trials, and the folds of a few of them.

As in `report/charts.py`, the page's CSS colours them, and their words stay text. What a point is
shows in its shape as well as in its colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from toolkit.report.charts import WIDTH, ticks

_LETTER = 6.4  # about the width of a character of a tick's label, 11 px high
_GAP = 6.0
_LINES, _LINE = 4, 13.0  # of labels below a scale of names, and how far they are apart
_SHORT = 5.0  # a logarithmic scale from a value to less than so many times it
_LONGEST = 40  # characters of a label


@dataclass(frozen=True)
class Axis:
    """A scale: an even one, a logarithmic one, or one of names."""

    name: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    names: tuple[str, ...] = ()
    """Values are then their places in it."""

    def at(self, value: float) -> float:
        """Where a value stands, as a share of the scale."""
        if self.names:
            return (value + 0.5) / len(self.names)
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low) if high > low else 0.5

    def ticks(self, about: int) -> list[tuple[float, str]]:
        """Round values, about as many as asked or fewer, with their labels."""
        if self.names:
            return [(float(place), name) for place, name in enumerate(self.names)]
        found = _log_ticks(self.low, self.high, about) if self.log else None
        return [(tick, number(tick)) for tick in found or ticks(self.low, self.high, about)]


@dataclass(frozen=True)
class Point:
    """A point of a chart."""

    x: float
    y: float | None
    """None: it has no height, and stands on the floor of the chart."""
    kind: str
    """The CSS class that colours it, and its shape: `complete`, `winner`, `pruned`, `failed` or
    `recipe`."""
    said: str
    """What it is, for who points at it."""


def scatter_chart(
    x: Axis, y: Axis, points: Sequence[Point], *, line: Sequence[tuple[float, float]] = ()
) -> Markup:
    """Points over two named scales.

    Args:
        line: the corners of a line behind the points.
    """
    left, right, top, bottom = 46.0, WIDTH - 8.0, 24.0, 150.0

    def place(at_x: float, at_y: float) -> tuple[float, float]:
        return left + (right - left) * x.at(at_x), bottom - (bottom - top) * y.at(at_y)

    parts = [Markup('<text class="label" x="4" y="12">{}</text>').format(y.name)]
    for tick, label in y.ticks(4):
        height = _n(place(0 if x.names else x.low, tick)[1])
        parts.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/>'
                '<text class="tick" x="{}" y="{y}" dy="4" text-anchor="end">{}</text>'
            ).format(_n(left), _n(right), _n(left - 6), label, y=height)
        )
    labels, under = _x_labels(_fitting(x, left, right), bottom)
    parts += labels
    parts.append(
        Markup('<text class="label" x="{}" y="{}" text-anchor="end">{}</text>').format(
            _n(right), _n(under + 19), x.name
        )
    )
    if line:
        corners = " ".join(f"{_n(a)} {_n(b)}" for a, b in (place(*corner) for corner in line))
        parts.append(Markup('<polyline class="line best-so-far" points="{}"/>').format(corners))
    for point in points:
        at_x, at_y = place(point.x, y.low if point.y is None else point.y)
        parts.append(
            Markup('<g class="{}">{}<title>{}</title></g>').format(
                point.kind, _shape(point.kind, at_x, at_y), point.said
            )
        )
    said = f"{y.name} against {x.name}: " + "; ".join(point.said for point in points[:12])
    return _svg(WIDTH, under + 25, said, parts)


@dataclass(frozen=True)
class Folds:
    """The scores of one trial's folds, a row of a chart."""

    name: str
    scores: tuple[float, ...]
    mean: float
    low: float | None
    """Of the interval of the mean; None where nothing says how wide it is."""
    high: float | None
    kind: str


def fold_chart(x: Axis, rows: Sequence[Folds]) -> Markup:
    """Each row's fold scores as rings, their mean as a dot, and its interval as a bar."""
    left, right, row, first = 8.0, WIDTH - 8.0, 38.0, 28.0
    bottom = first + row * (len(rows) - 1) + 16

    def place(value: float) -> float:
        return left + (right - left) * x.at(value)

    marks = _fitting(x, left, right)
    parts = [
        Markup('<line class="grid" x1="{x}" x2="{x}" y1="2" y2="{}"/>').format(_n(bottom), x=_n(at))
        for at, _ in marks
    ]
    labels, under = _x_labels(marks, bottom - 2)
    parts += labels
    parts.append(
        Markup('<text class="label" x="{}" y="{}" text-anchor="end">{}</text>').format(
            _n(right), _n(under + 19), x.name
        )
    )
    for number_, each in enumerate(rows):
        y = first + row * number_
        parts.append(Markup('<g class="{}">').format(each.kind))
        parts.append(
            Markup('<text class="label" x="{}" y="{}">{}</text>').format(
                _n(left), _n(y - 12), each.name
            )
        )
        if each.low is not None and each.high is not None:
            low, high = (min(max(end, x.low), x.high) for end in (each.low, each.high))
            parts.append(
                Markup('<rect class="band" x="{}" y="{}" width="{}" height="12" rx="3"/>').format(
                    _n(place(low)), _n(y - 6), _n(max(2.0, place(high) - place(low)))
                )
            )
        parts += [
            Markup('<circle class="hollow" cx="{}" cy="{}" r="3"/>').format(_n(place(s)), _n(y))
            for s in each.scores
        ]
        parts.append(
            Markup('<circle class="dot" cx="{}" cy="{}" r="4.5"/></g>').format(
                _n(place(each.mean)), _n(y)
            )
        )
    said = "; ".join(
        f"{each.name}: mean {each.mean:.4f}"
        + ("" if each.low is None else f" ({each.low:.4f} to {each.high:.4f})")
        for each in rows
    )
    return _svg(WIDTH, under + 25, said, parts)


def key_mark(kind: str) -> Markup:
    """The shape of a kind of point, for a legend."""
    drawn = Markup('<g class="{}">{}</g>').format(kind, _shape(kind, 7, 7))
    return Markup('<svg class="mark" viewBox="0 0 14 14" width="14" height="14" {}</svg>').format(
        Markup('aria-hidden="true">') + drawn
    )


def number(value: float) -> str:
    """A tick's label: few digits, and `1e-5` for what has many zeros."""
    text = f"{value:.4g}"
    head, e, power = text.partition("e")
    return f"{head}e{int(power)}" if e else text


def _log_ticks(low: float, high: float, about: int) -> list[float]:
    """Powers of ten, and 3 or 2 and 5 between them where there is room; none on a scale so short
    that even steps serve it better."""
    if high / low < _SHORT:
        return []
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    found: list[float] = []
    for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        marks = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        marks = [float(f"{m:.3g}") for m in marks if low * 0.999 <= m <= high * 1.001]
        if not found or len(marks) <= about:
            found = marks
    every = math.ceil(len(found) / about) if len(found) > about else 1
    return found[::every]


def _fitting(axis: Axis, left: float, right: float) -> list[tuple[float, str]]:
    """As many round values as have their labels side by side, and where they stand."""
    for about in (5, 4, 3, 2):
        found = [(left + (right - left) * axis.at(t), label) for t, label in axis.ticks(about)]
        if axis.names or all(
            b - a > _LETTER * (len(one) + len(other)) / 2 + _GAP
            for (a, one), (b, other) in pairwise(found)
        ):
            return found
    return found


def _x_labels(labels: Sequence[tuple[float, str]], bottom: float) -> tuple[list[Markup], float]:
    """Labels below a scale, and where the last line of them stands. One that would touch another
    goes a line down; one that finds no line is left out."""
    parts, ends = [], [-math.inf] * _LINES
    last = 0
    for x, text in sorted(labels):
        text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
        width = len(text) * _LETTER
        middle = min(max(x, width / 2), WIDTH - width / 2)
        free = (k for k, end in enumerate(ends) if middle - width / 2 >= end + _GAP)
        line = next(free, None)
        if line is None:
            continue
        ends[line], last = middle + width / 2, max(last, line)
        parts.append(
            Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>').format(
                _n(middle), _n(bottom + 17 + _LINE * line), text
            )
        )
    return parts, bottom + 17 + _LINE * last


def _shape(kind: str, x: float, y: float) -> Markup:
    if kind == "failed":
        path = f"M{_n(x - 4)} {_n(y - 4)}l8 8m0 -8l-8 8"
        return Markup('<path class="cross" d="{}"/>').format(path)
    if kind == "recipe":
        return Markup('<path class="dot" d="M{} {}l6 6l-6 6l-6 -6z"/>').format(_n(x), _n(y - 6))
    if kind == "winner":
        return Markup(
            '<circle class="dot" cx="{x}" cy="{y}" r="3.6"/>'
            '<circle class="ring" cx="{x}" cy="{y}" r="6.6"/>'
        ).format(x=_n(x), y=_n(y))
    name, radius = ("hollow", 3.2) if kind == "pruned" else ("dot", 3.6)
    return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(name, _n(x), _n(y), radius)


def _svg(width: float, height: float, said: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _n(width), _n(height), said, Markup("").join(parts)
    )


def _n(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
