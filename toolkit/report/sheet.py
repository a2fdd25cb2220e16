"""The contact sheet: a few images of each class, as the model sees them, in one picture."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PIL
from PIL import ImageDraw

from toolkit.data.check import Data
from toolkit.runs.atomic import writing

ROWS = 24
"""At most so many classes are drawn."""
_COLUMNS = 8
_SIDE, _GAP, _LINE = 96, 4, 16  # pixels: an image, what is between them, a line of text
_PAPER, _INK = "white", "black"

_Rows = npt.NDArray[np.int64]


def draw_sheet(data: Data, file: Path) -> list[str]:
    """Write the sheet as PNG. Returns what its rows show, in their order: the classes in order of
    their labels, and the test images."""
    rows = list(_rows(data))
    width = _COLUMNS * (_SIDE + _GAP) + _GAP
    height = len(rows) * (_LINE + _SIDE + _GAP) + _GAP
    sheet = PIL.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for place, (title, packed) in enumerate(rows):
        top = _GAP + place * (_LINE + _SIDE + _GAP)
        pen.text((_GAP, top), f"{place + 1}  {_drawable(title)}", fill=_INK)
        for column, row in enumerate(packed.tolist()):
            image = PIL.fromarray(np.array(data.pack.images[row]))
            small = image.resize((_SIDE, _SIDE), PIL.Resampling.LANCZOS)
            sheet.paste(small, (_GAP + column * (_SIDE + _GAP), top + _LINE))
    with writing(file) as half_made:
        sheet.save(half_made, "PNG")
    return [title for title, _ in rows]


def _rows(data: Data) -> Iterable[tuple[str, _Rows]]:
    """What a row shows, and its images: rows of the pack."""
    labels = data.table.train["label"].to_numpy()
    for label, name in list(enumerate(data.table.classes))[:ROWS]:
        yield name, _spread(data.train_rows[labels == label])
    if data.test_rows is not None:
        yield "test images", _spread(data.test_rows)


def _spread(rows: _Rows) -> _Rows:
    """A few, from the first to the last."""
    chosen = np.linspace(0, len(rows) - 1, min(_COLUMNS, len(rows))).round().astype(np.int64)
    return rows[chosen]


def _drawable(title: str) -> str:
    """The title where Pillow's own font has its letters; the row's number stands for others."""
    short = title if len(title) <= 80 else f"{title[:79]}..."
    return short if short.isprintable() and all(ord(letter) < 256 for letter in short) else ""
