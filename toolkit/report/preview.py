"""A sheet of what a recipe's augmentations make of its images: originals, and draws beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PIL
from PIL import ImageDraw

from toolkit.contracts import Augmentation, Image
from toolkit.data.augment import build_augmentation
from toolkit.data.check import Data
from toolkit.data.images import read_image, to_working
from toolkit.recipe.lines import Keys
from toolkit.recipe.plan import Plan
from toolkit.runs.atomic import writing

_ORIGINALS = 6
_DRAWS = 7
_SIDE, _GAP, _LINE = 144, 4, 18  # pixels: an image, what is between them, a line of text
_STREAM = 5  # a generator apart from those of runs

# What is augmented, and whether it starts from the file or from the working image.
_SECTIONS: tuple[tuple[Keys, bool], ...] = (
    (("augment", "offline"), False),
    (("augment", "train"), False),
    (("validate", "twins"), True),
)


@dataclass(frozen=True)
class Preview:
    """What a sheet shows."""

    sections: tuple[str, ...]
    """`augment.offline: document17`, in the order of the sheet."""
    originals: tuple[str, ...]
    """IDs, a row each."""


def draw_preview(plan: Plan, data: Data, file: Path) -> Preview:
    """Write the sheet as PNG: for each of the recipe's augmentations a few originals of different
    classes in rows, the original first and draws of it behind. Twins are made from the files, as
    a run makes them."""
    rows = _chosen(data)
    parts = [(keys, files) for keys, files in _SECTIONS if keys in plan.choices]
    titles = tuple(f"{'.'.join(keys)}: {plan.choices[keys].use}" for keys, _ in parts)
    tall = _LINE + len(rows) * (_SIDE + _GAP) + _GAP
    width = (1 + _DRAWS) * (_SIDE + _GAP) + _GAP
    sheet = PIL.new("RGB", (width, tall * len(parts)), "white")
    pen = ImageDraw.Draw(sheet)
    for place, ((keys, files), title) in enumerate(zip(parts, titles, strict=True)):
        top = place * tall
        pen.text((_GAP, top + 3), f"{title} (the original first)", fill="black")
        augment = build_augmentation(plan.choices[keys], data.image)
        start = _file_image if files else _working_image
        for number, row in enumerate(rows):
            across = top + _LINE + number * (_SIDE + _GAP)
            for column, image in enumerate(_strip(data, int(row), augment, start, plan.seed)):
                small = PIL.fromarray(image).resize((_SIDE, _SIDE), PIL.Resampling.LANCZOS)
                sheet.paste(small, (_GAP + column * (_SIDE + _GAP), across))
    with writing(file) as half_made:
        sheet.save(half_made, "PNG")
    return Preview(titles, tuple(str(i) for i in data.table.train["id"].iloc[rows]))


def _chosen(data: Data) -> list[int]:
    """Rows of the table: an original of each class, the first again where there are few classes."""
    train = data.table.train
    originals = train[train["parent"] == train["id"]].reset_index()
    turn = originals.groupby("label").cumcount()
    ordered = originals.assign(turn=turn).sort_values(["turn", "label"], kind="stable")
    return sorted(ordered["index"].head(_ORIGINALS).tolist())


def _working_image(data: Data, row: int) -> Image:
    return np.array(data.pack.images[data.train_rows[row]])


def _file_image(data: Data, row: int) -> Image:
    return np.array(read_image(data.table.train["path"].iloc[row], data.image).image)


def _strip(
    data: Data, row: int, augment: Augmentation, start: Callable[[Data, int], Image], seed: int
) -> Iterator[Image]:
    """The original at the working size, and draws of it."""
    image = start(data, row)
    yield to_working(image, data.image)
    for number in range(_DRAWS):
        rng = np.random.default_rng((seed, _STREAM, row, number))
        yield to_working(augment(image, rng), data.image)
