"""A small drawn competition, a recipe that trains on it in seconds, and a run to tell of."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toolkit.contracts import RunInfo

# Very small models lose more to threads than they gain. Set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

RECIPE = """
name = "tiny"

[data]
use = "folder"
root = "{root}"

[split]
folds = 2

[image]
size = 32

[augment.train]
use = "none"

[backbone]
use = "test_resnet"
pretrained = false

[loss]
use = "focal"
alpha = 0.5

[train]
epochs = {epochs}
batch_size = 6

[track]
use = "{track}"
"""

SECONDS = 300


@pytest.fixture(autouse=True, scope="session")
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Decoded images and what backends cache stay out of the user's folders."""
    os.environ["TOOLKIT_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["WANDB_CACHE_DIR"] = str(tmp_path_factory.mktemp("wandb-cache"))


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six dark and six light images, in one folder a class."""
    root, rng = tmp_path_factory.mktemp("pages"), np.random.default_rng(0)
    for kind, shade in (("dark", 40), ("light", 200)):
        (root / kind).mkdir()
        for number in range(6):
            pixels = rng.integers(shade, shade + 50, (40, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / kind / f"{number}.png")
    return root


@pytest.fixture(scope="session")
def write_recipe(pages: Path) -> Callable[..., Path]:
    def write(folder: Path, track: str, epochs: int = 2) -> Path:
        file = folder / "tiny.toml"
        file.write_text(RECIPE.format(root=pages, track=track, epochs=epochs))
        return file

    return write


@pytest.fixture
def run_info(tmp_path: Path) -> RunInfo:
    """What a tracker is told of a run that a test only pretends."""
    folder = tmp_path / "runs" / "tiny-20260708-1f3a9c20"
    folder.mkdir(parents=True)
    recipe = {"name": "tiny", "loss": {"use": "focal", "alpha": 0.5}, "labels": ["a", "b"]}
    return RunInfo("tiny", str(folder), "1f3a9c20", recipe)


@pytest.fixture
def killed_and_resumed(
    tmp_path: Path, write_recipe: Callable[..., Path]
) -> Iterator[Callable[[str], Path]]:
    """Runs a recipe of 12 epochs with a tracker, in a process that is killed in its second fold
    and started again. Returns the run folder."""
    runs, processes = tmp_path / "runs", list[subprocess.Popen[bytes]]()

    def start(track: str) -> subprocess.Popen[bytes]:
        recipe = str(write_recipe(tmp_path, track, epochs=12))
        command = [sys.executable, "-m", "toolkit", "run", recipe, "--runs", str(runs)]
        processes.append(subprocess.Popen(command, cwd=tmp_path))
        return processes[-1]

    def run(track: str) -> Path:
        process, deadline = start(track), time.monotonic() + SECONDS
        while not list(runs.glob("*/folds/1/state.safetensors")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
        process.wait()
        (folder,) = runs.iterdir()
        assert not (folder / "report.json").exists()
        assert start(track).wait(timeout=SECONDS) == 0
        return folder

    yield run
    for process in processes:
        process.kill()
