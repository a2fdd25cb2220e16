"""What each effect costs: CPU milliseconds of one thread, as the table of README.md has them.

python plugins/toolkit-augraphy/benchmarks/times.py
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from statistics import median

# Before numpy and numba are imported.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from toolkit.contracts import Image as Pixels
from toolkit.contracts import ImageSpec

from toolkit_augraphy.degrade import degrade
from toolkit_augraphy.effects import DEFAULT, ORDER
from toolkit_augraphy.library import apply

SIZES = ((437, 437), (600, 800))
DRAWS = 25
TRIES = 3  # of one draw; the fastest counts, for caches and cores are shared


def page(width: int, height: int) -> Pixels:
    """A letter: a coloured heading and lines of small text."""
    rng = np.random.default_rng(0)
    image = Image.new("RGB", (width, height), (250, 249, 246))
    pen, small = ImageDraw.Draw(image), ImageFont.load_default(12)
    left, words = width // 10, width // 55
    pen.text((left, height // 20), "Invoice 2024-117", (20, 30, 120), ImageFont.load_default(24))
    for y in range(height // 8, height * 9 // 10, 17):
        text = ("".join(map(chr, rng.integers(97, 123, rng.integers(2, 9)))) for _ in range(words))
        pen.text((left, y), " ".join(text), (30, 30, 30), small)
    return np.array(image)


def cells(draw: Callable[[Pixels, int], object]) -> str:
    """Median and maximum of `draw(page, seed)` on a page of each size, CPU milliseconds."""
    found = []
    for size in SIZES:
        pixels = page(*size)
        draw(pixels, DRAWS)  # numba compiles, or loads what it compiled
        spent = [
            min(milliseconds(draw, pixels, seed) for _ in range(TRIES)) for seed in range(DRAWS)
        ]
        found += [round(median(spent)), round(max(spent))]
    return " | ".join(map(str, found))


def milliseconds(draw: Callable[[Pixels, int], object], pixels: Pixels, seed: int) -> float:
    start = time.process_time()
    draw(pixels, seed)
    return (time.process_time() - start) * 1000


def main() -> None:
    cv2.setNumThreads(1)
    for name in ORDER:
        star = " *" if name in DEFAULT else ""
        print(f"| `{name}`{star} | {cells(partial(apply, name))} |", flush=True)
    mix = degrade(ImageSpec(size=380))
    print(
        f"| the default | {cells(lambda pixels, seed: mix(pixels, np.random.default_rng(seed)))} |"
    )


if __name__ == "__main__":
    main()
