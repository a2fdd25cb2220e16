"""Two kinds of tests: those that need augraphy, and those of an environment without it.

`make install` leaves augraphy out (README.md says why). There, `test_own_environment.py` makes
an environment that has it, and runs all other tests inside.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image, ImageDraw
from toolkit.contracts import Image as Pixels

# Set before numba and torch are imported; commands that the tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

NEED_AUGRAPHY = ["test_conformance.py", "test_degrade.py", "test_effects.py", "test_run.py"]
collect_ignore = ["test_own_environment.py"] if find_spec("augraphy") else NEED_AUGRAPHY


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Decoded images of tests stay out of the user's cache."""
    os.environ["TOOLKIT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def draw_page() -> Callable[[int, int], Pixels]:
    """Draws a page with a red stamp and lines of text: width, height -> (height, width, 3)."""

    def draw(width: int, height: int) -> Pixels:
        image = Image.new("RGB", (width, height), (250, 249, 246))
        pen = ImageDraw.Draw(image)
        for y in range(6, height - 12, 14):
            pen.text((8, y), "the quick brown fox jumps"[y % 7 :], (30, 30, 40))
        box = (width // 2, height // 2, width - 6, height - 6)
        pen.rectangle(box, outline=(200, 20, 20), width=3)
        return np.array(image)

    return draw


@pytest.fixture(scope="session")
def page(draw_page: Callable[[int, int], Pixels]) -> Pixels:
    pixels = draw_page(160, 120)
    pixels.flags.writeable = False  # as in the cache
    return pixels
