"""Plugin zero passes its own kit."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from toolkit.testing import conformance


def pages() -> str:
    """A folder that both sources read: `train.csv`, and a sub-folder of images a class."""
    root = Path(tempfile.mkdtemp(prefix="toolkit-pages-"))
    atexit.register(shutil.rmtree, root)
    rows = ["ID,target"]
    for number in range(6):
        label = ("form", "letter")[number % 2]
        file = root / "train" / label / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(file)
        rows.append(f"{label}/{number}.png,{label}")
    (root / "train.csv").write_text("\n".join(rows) + "\n")
    (root / "test").mkdir()
    Image.new("RGB", (8, 8)).save(root / "test" / "0.png")
    return str(root)


ROOT = pages()

test_conformance = conformance(
    "toolkit",
    options={
        # Of the family of timm's architectures: one of any size, one that is built for a size.
        "backbone:test_resnet": {},
        "backbone:test_vit2": {},
        "source:csv": {"root": ROOT},
        "source:folder": {"root": ROOT},
    },
)
