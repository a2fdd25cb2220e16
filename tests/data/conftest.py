"""Tiny real images, and tables of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PIL

from toolkit.contracts import ImageSpec, Table

SaveImage = Callable[..., Path]
MakeTable = Callable[..., Table]


@pytest.fixture
def spec() -> ImageSpec:
    """Working size 18: 16 x 1.15 = 18.4."""
    return ImageSpec(size=16)


@pytest.fixture
def save_image(tmp_path: Path) -> SaveImage:
    """Writes a PNG of noise, another one for each seed, and gives its path."""

    def save(name: str, seed: int, height: int = 9, width: int = 12) -> Path:
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.fromarray(pixels).save(file)
        return file

    return save


@pytest.fixture
def make_table(tmp_path: Path, save_image: SaveImage) -> MakeTable:
    """A table of real images from rows `(id, label)`, `(id, label, parent)` or
    `(id, label, parent, group)`. The pixels of an ID are always the same."""

    def make(
        rows: Sequence[tuple[str, int] | tuple[str, int, str] | tuple[str, int, str, str]],
        classes: Sequence[str] = ("a", "b"),
        test: Sequence[str] | None = None,
        folder: str = "images",
        problems: Sequence[str] = (),
    ) -> Table:
        def path_of(i: str) -> str:
            seed = int.from_bytes(i.encode(), "big") % 2**32
            return str(save_image(f"{folder}/{i}.png", seed))

        train = pd.DataFrame(
            [
                {
                    "id": row[0],
                    "path": path_of(row[0]),
                    "label": row[1],
                    "parent": row[2] if len(row) > 2 else row[0],
                    "group": row[3] if len(row) > 3 else row[0],
                }
                for row in rows
            ],
            columns=["id", "path", "label", "parent", "group"],
        )
        tests = None
        if test is not None:
            tests = pd.DataFrame({"id": list(test), "path": [path_of(i) for i in test]}, dtype=str)
        return Table(train, tests, tuple(classes), problems=tuple(problems))

    return make
