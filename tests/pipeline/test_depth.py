"""What auto found of deep images stands beside the weights, and in the report what is odd."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PIL

import toolkit
from toolkit.runs.opened import Run

RECIPE = """
[data]
use = "folder"
root = "{root}"

[split]
folds = 2

[image]
size = 32
depth = {depth}

[backbone]
use = "test_resnet"
pretrained = false

[train]
epochs = 1
"""


@pytest.mark.parametrize(
    ("depth", "expected", "warned"), [('"auto"', 4095, False), ('"full"', 65_535, True)]
)
def test_a_folds_preprocessing_says_which_values_became_black_and_white(
    tmp_path: Path, depth: str, expected: int, warned: bool
) -> None:
    run = ran(tmp_path, depth)
    for fold in (0, 1):
        file = run.path / "folds" / str(fold) / "preprocess.json"
        found = json.loads(file.read_text())["depth"]
        assert found == {"integers": [0, expected], "floats": [0, 1]}
    told = [line for line in run.report["warnings"] if "8 images are nearly black" in line]
    assert len(told) == warned


def ran(folder: Path, depth: str) -> Run:
    """A run over eight images of 12 bits in 16-bit files."""
    for number in range(8):
        values = np.random.default_rng(number).integers(0, 4096, (40, 40)).astype(np.uint16)
        file = folder / "data" / ("cat", "dog")[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.fromarray(values).save(file)
    recipe = folder / "deep.toml"
    recipe.write_text(RECIPE.format(root=(folder / "data").as_posix(), depth=depth))
    return toolkit.run(recipe, runs=folder / "runs")
