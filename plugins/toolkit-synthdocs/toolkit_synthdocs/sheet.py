"""`python -m toolkit_synthdocs.sheet OUT.png`: every class in a row, clean and degraded."""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw

from toolkit_synthdocs.classes import CLASSES
from toolkit_synthdocs.fonts import font
from toolkit_synthdocs.painters import SPLITS, image

TITLE = 18  # pixels of a row's title


def contact_sheet(labels: list[int], columns: int, side: int, seed: int) -> Image.Image:
    """`columns` clean images of each class on the left, as many degraded ones on the right."""
    tall = side + TITLE
    sheet = Image.new("RGB", (side * columns * 2, tall * len(labels)), (64, 64, 70))
    draw = ImageDraw.Draw(sheet)
    for row, label in enumerate(labels):
        words = f"{label} {CLASSES[label]}"
        draw.text((4, row * tall + 2), words, font=font("sans", 12), fill=(255, 255, 255))
        for half, split in enumerate(SPLITS):
            for index in range(columns):
                small = Image.fromarray(image(seed, split, label, index))
                small.thumbnail((side - 4, side - 4), Image.Resampling.BOX)
                place = ((half * columns + index) * side + 2, row * tall + TITLE)
                sheet.paste(small, place)
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a contact sheet of the competition.")
    parser.add_argument("out", type=Path, help="PNG to write")
    parser.add_argument("--classes", type=int, nargs="*", default=list(range(len(CLASSES))))
    parser.add_argument("--columns", type=int, default=4, help="images a class and half")
    parser.add_argument("--side", type=int, default=200, help="pixels of an image")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    contact_sheet(asked.classes, asked.columns, asked.side, asked.seed).save(asked.out)


if __name__ == "__main__":
    main()
