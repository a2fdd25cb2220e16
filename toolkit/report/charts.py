"""Charts as inline SVG. They are themed by the page's CSS, and their words stay text.

A chart is as wide as the narrowest phone, so that its letters keep their size; wider screens show
more charts side by side. Sizes are CSS pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 300


@dataclass(frozen=True)
class Mark:
    """A value with its interval, one row of an interval chart."""

    name: str
    value: float
    low: float
    high: float
    kind: str
    """The CSS class that colours it: `oof`, `test`, or another variant."""


def interval_chart(marks: Sequence[Mark], top: float, low: float = 0.0) -> Markup:
    """Values as dots with their intervals as bars, on a scale from `low` to `top`; one value alone
    needs no name."""
    left, right, row, first = 6.0, WIDTH - 6.0, 34.0, 26.0 if len(marks) > 1 else 14.0
    bottom = first + row * (len(marks) - 1) + 14

    def x(value: float) -> float:
        return left + (right - left) * min(max((value - low) / (top - low), 0.0), 1.0)

    parts = [_grid_x(tick, x(tick), bottom, low, top) for tick in ticks(low, top, 4)]
    for number, mark in enumerate(marks):
        y = first + row * number
        end = x(mark.high) > WIDTH * 0.62
        parts.append(
            Markup(
                '<g class="{kind}"><rect class="band" x="{low}" y="{y0}" width="{width}" '
                'height="12" rx="3"/><circle class="dot" cx="{cx}" cy="{y}" r="4"/>'
                '<text class="label" x="{tx}" y="{ty}" text-anchor="{anchor}">{name}</text></g>'
            ).format(
                kind=mark.kind,
                low=_n(x(mark.low)),
                width=_n(max(2.0, x(mark.high) - x(mark.low))),
                y0=_n(y - 6),
                y=_n(y),
                cx=_n(x(mark.value)),
                tx=_n(x(mark.high) if end else x(mark.low)),
                ty=_n(y - 11),
                anchor="end" if end else "start",
                name=mark.name if len(marks) > 1 else "",
            )
        )
    said = "; ".join(f"{m.name} {m.value:.3f} ({m.low:.3f} to {m.high:.3f})" for m in marks)
    return _svg(WIDTH, bottom + 18, said, parts)


def curve_chart(
    own: Sequence[tuple[float, float]],
    others: Sequence[Sequence[tuple[float, float]]],
    span: tuple[float, float, float],
    *,
    title: str,
    kind: str,
    best: int | None = None,
) -> Markup:
    """One fold's curve over epochs, the other folds' faint behind it.

    Args:
        own, others: (epoch, value) pairs, epochs from 1.
        span: last epoch, lowest and highest value of the scale, shared by all folds.
        best: the epoch whose weights are kept; it is marked.
    """
    last, low, high = span
    left, right, top, bottom = 38.0, WIDTH - 12.0, 24.0, 116.0

    def x(epoch: float) -> float:
        return left + (right - left) * ((epoch - 1) / (last - 1) if last > 1 else 0.5)

    def y(value: float) -> float:
        return bottom - (bottom - top) * ((value - low) / (high - low) if high > low else 0.5)

    def path(points: Sequence[tuple[float, float]]) -> str:
        return " ".join(
            f"{'M' if k == 0 else 'L'}{_n(x(e))} {_n(y(v))}" for k, (e, v) in enumerate(points)
        )

    parts = [Markup('<text class="label" x="4" y="12">{}</text>').format(title)]
    for tick in ticks(low, high, 4):
        parts.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/>'
                '<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>'
            ).format(_n(left), _n(right), _n(left - 6), _n(y(tick) + 4), _n(tick), y=_n(y(tick)))
        )
    for epoch in sorted({1, round((1 + last) / 2), round(last)}):
        said_epoch = f"epoch {epoch}" if epoch == 1 else str(epoch)
        parts.append(
            Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>').format(
                _n(x(epoch)), _n(bottom + 16), said_epoch
            )
        )
    parts += [Markup('<path class="other" d="{}"/>').format(path(p)) for p in others if p]
    parts.append(Markup('<path class="line {}" d="{}"/>').format(kind, path(own)))
    if len(own) == 1:
        parts.append(_dot(kind, x(own[0][0]), y(own[0][1]), 3))
    values = dict(own)
    said = f"{title}: {own[0][1]:.3f} in epoch {own[0][0]:.0f}, {own[-1][1]:.3f} in the last"
    if best is not None and best in values:
        at_x, at_y = x(best), y(values[best])
        parts.append(
            Markup('<line class="best" x1="{x}" x2="{x}" y1="{}" y2="{}"/>').format(
                _n(top), _n(bottom), x=_n(at_x)
            )
        )
        parts.append(_dot(kind, at_x, at_y, 5))
        said += f"; {values[best]:.3f} in the best epoch, {best}"
    return _svg(WIDTH, bottom + 22, said, parts)


def class_chart(precision: float, recall: float, f1: float, test_f1: float | None = None) -> Markup:
    """One class on a scale from 0 to 1: F1 as a bar, precision and recall as marks on it, the
    test set's F1 as a second bar below."""
    width, y = 200.0, 8.0
    mid_precision, mid_recall = 5 + (width - 10) * precision, 5 + (width - 10) * recall
    height = 16.0 if test_f1 is None else 22.0
    parts = [
        Markup('<rect class="track" x="5" y="{}" width="{}" height="4" rx="2"/>').format(
            _n(y - 2), _n(width - 10)
        ),
        Markup('<rect class="oof bar" x="5" y="{}" width="{}" height="4" rx="2"/>').format(
            _n(y - 2), _n((width - 10) * f1)
        ),
    ]
    if test_f1 is not None:
        parts.append(
            Markup('<rect class="test bar" x="5" y="15" width="{}" height="4" rx="2"/>').format(
                _n((width - 10) * test_f1)
            )
        )
    parts.append(
        Markup(
            '<circle class="precision" cx="{}" cy="{y}" r="4"/>'
            '<path class="recall" d="M{} {y0}v10"/>'
        ).format(_n(mid_precision), _n(mid_recall), y=_n(y), y0=_n(y - 5))
    )
    said = f"F1 {f1:.3f}, precision {precision:.3f}, recall {recall:.3f}"
    if test_f1 is not None:
        said += f", F1 on the test set {test_f1:.3f}"
    return _svg(width, height, said, parts, fixed=True)


def bars(shares: Sequence[tuple[str, float]], top: float) -> Markup:
    """Thin bars, one below the other: (CSS class, value) on a scale from 0 to `top`."""
    width = 200.0
    parts = [
        Markup('<rect class="{} bar" x="0" y="{}" width="{}" height="6" rx="2"/>').format(
            kind, _n(2.0 + 9 * k), _n(width * value / top if top > 0 else 0)
        )
        for k, (kind, value) in enumerate(shares)
    ]
    return _svg(width, 9.0 * len(shares) + 2, None, parts, fixed=True)


def heat_map(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> Markup:
    """A confusion matrix for many classes: cells shaded by their share of the row.

    Only cells that are not empty are drawn; each tells its numbers when pointed at. Columns are
    in the order of the rows and carry numbers.
    """
    cell, size = 12.0, len(names)
    longest = max(_text_width(name) for name in names) * 0.8
    left, top = min(longest, 260.0) + 44, 22.0
    parts = []
    for row, name in enumerate(names):
        y = top + cell * row
        parts.append(
            Markup(
                '<text class="tick" x="{}" y="{y}" text-anchor="end">{}</text>'
                '<text class="tick strong" x="{}" y="{y}" text-anchor="end">{}</text>'
            ).format(_n(left - 30), name, _n(left - 5), row + 1, y=_n(y + 10))
        )
        if row == 0 or (row + 1) % 5 == 0:
            parts.append(
                Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>').format(
                    _n(left + cell * (row + 0.5)), _n(top - 6), row + 1
                )
            )
    span = _n(cell * size)
    parts.append(
        Markup('<rect class="edge" x="{}" y="{}" width="{s}" height="{s}"/>').format(
            _n(left), _n(top), s=span
        )
    )
    for row, counts in enumerate(matrix):
        total = sum(counts)
        for column, count in enumerate(counts):
            if count:
                share = count / total
                parts.append(
                    Markup(
                        '<rect class="{}" x="{}" y="{}" width="{c}" height="{c}" '
                        'fill-opacity="{}"><title>{}</title></rect>'
                    ).format(
                        "hit" if row == column else "miss",
                        _n(left + cell * column),
                        _n(top + cell * row),
                        _n(0.25 + 0.75 * share),
                        f"{count} of {total} {names[row]} read as {names[column]}",
                        c=_n(cell),
                    )
                )
    said = f"Confusion matrix of {size} classes"
    return _svg(left + cell * size + 4, top + cell * size + 4, said, parts, fixed=True)


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers from `low` to `high`, about as many as asked: steps of 1, 2, 2.5 or 5."""
    if high <= low:
        return [low]
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [round((first + k) * step, 10) for k in range(count)]


def _grid_x(tick: float, x: float, bottom: float, low: float, top: float) -> Markup:
    share = (tick - low) / (top - low)
    anchor = "start" if share <= 0.03 else "end" if share >= 0.97 else "middle"
    return Markup(
        '<line class="grid" x1="{x}" x2="{x}" y1="2" y2="{}"/>'
        '<text class="tick" x="{x}" y="{}" text-anchor="{}">{}</text>'
    ).format(_n(bottom), _n(bottom + 14), anchor, _n(tick), x=_n(x))


def _dot(kind: str, x: float, y: float, radius: float) -> Markup:
    return Markup('<circle class="dot {}" cx="{}" cy="{}" r="{}"/>').format(
        kind, _n(x), _n(y), _n(radius)
    )


def _text_width(text: str) -> float:
    """About how wide a text is at 13 px; Hangul, kana and Han are twice as wide as Latin."""
    return sum(13.0 if ord(c) > 0x1100 else 7.2 for c in text)


def _svg(
    width: float, height: float, said: str | None, parts: Sequence[Markup], *, fixed: bool = False
) -> Markup:
    """An SVG element; `said` is what a screen reader says, None for what the page says itself."""
    role = (
        Markup('aria-hidden="true"')
        if said is None
        else Markup('role="img" aria-label="{}"').format(said)
    )
    size = Markup(' width="{}" height="{}"').format(_n(width), _n(height)) if fixed else ""
    return Markup('<svg viewBox="0 0 {} {}"{} {}>{}</svg>').format(
        _n(width), _n(height), size, role, Markup("").join(parts)
    )


def _n(value: float) -> str:
    """A number for an attribute: two decimals at most, no trailing zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
