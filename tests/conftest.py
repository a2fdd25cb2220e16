"""What several test folders share: a small drawn competition, and a cache of the test's own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import toolkit
from toolkit.runs.opened import Run

# Very small models lose more to threads than they gain, and tests run side by side. Set before
# torch is imported; commands that the tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

CLASSES = ("ticket", "letter", "form")


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Decoded images of tests stay out of the user's cache."""
    os.environ["TOOLKIT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


def draw(kind: int, seed: int) -> Image.Image:
    """A page whose class shows: a bar on top, lines of text, or a grid."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (48 + 4 * (seed % 3), 64), (235, 235, 228))
    pen = ImageDraw.Draw(image)
    shade = tuple(int(v) for v in rng.integers(0, 90, 3))
    if kind == 0:
        pen.rectangle((4, 4, 44, 14 + seed % 5), fill=shade)
    elif kind == 1:
        for y in range(8, 60, 6):
            pen.line((6, y, 20 + int(rng.integers(24)), y), fill=shade, width=2)
    else:
        for x in range(4, 48, 10):
            pen.line((x, 6, x, 58), fill=shade)
        for y in range(6, 60, 12):
            pen.line((4, y, 44, y), fill=shade)
    return image


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A competition's layout: 24 training pages of 3 classes in 12 documents, 5 test pages."""
    root = tmp_path_factory.mktemp("data") / "documents"
    for folder in ("train", "test"):
        (root / folder).mkdir(parents=True)
    rows = []
    for number in range(24):
        kind, name = number % 3, f"page{number:02d}.png"
        draw(kind, number).save(root / "train" / name)
        rows.append(f"{name},{kind},doc{number // 6}{kind}")
    (root / "train.csv").write_text("ID,target,document\n" + "\n".join(rows) + "\n")
    meta = "\n".join(f"{label},{name}" for label, name in enumerate(CLASSES))
    (root / "meta.csv").write_text(f"target,class_name\n{meta}\n")
    tests = []
    for number in (3, 1, 4, 0, 2):  # not in order: a submission must keep the sample's
        name = f"test{number}.png"
        draw(number % 3, 100 + number).save(root / "test" / name)
        tests.append(f"{name},0")
    (root / "sample_submission.csv").write_text("ID,target\n" + "\n".join(tests) + "\n")
    return root


RECIPE = """
name = "tiny"

[data]
use = "csv"
root = "{root}"

[split]
folds = 2

[image]
size = 32

[augment.train]
use = "document"

[augment.tta]
views = ["identity", "rot180"]

[backbone]
use = "test_resnet"
pretrained = false

[loss]
use = "focal"
alpha = 0.5

[optimizer]
lr = 3e-3

[train]
epochs = 2
batch_size = 5
"""


def write_tiny_recipe(root: Path, folder: Path) -> Path:
    file = folder / "tiny.toml"
    file.write_text(RECIPE.format(root=root))
    return file


@pytest.fixture
def tiny_recipe(documents: Path, tmp_path: Path) -> Path:
    """A recipe that trains a very small model on `documents` in seconds."""
    return write_tiny_recipe(documents, tmp_path)


@pytest.fixture(scope="session")
def finished(documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of the tiny recipe, for tests that only look."""
    folder = tmp_path_factory.mktemp("finished")
    return toolkit.run(write_tiny_recipe(documents, folder), runs=folder / "runs")
