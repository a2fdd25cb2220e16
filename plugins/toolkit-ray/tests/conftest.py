"""Small clusters on this machine. Without Ray the tests that need it are skipped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported, and for what is started
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_DISABLE_IMPORT_WARNING"] = "1"

RECIPE = """
name = "tiny"

[data]
use = "folder"
root = "{root}"

[split]
folds = 2

[image]
size = 32

[backbone]
use = "test_resnet"
pretrained = false

[train]
epochs = {epochs}
batch_size = 8
"""


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Decoded images of tests stay out of the user's cache."""
    os.environ["TOOLKIT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 small images in two folders."""
    root = tmp_path_factory.mktemp("pages")
    for number in range(24):
        file = root / ("dark", "light")[number % 2] / f"{number}.png"
        file.parent.mkdir(exist_ok=True)
        grey = np.random.default_rng(number).integers(0, 128, (40, 40, 3)) + 127 * (number % 2)
        Image.fromarray(grey.astype(np.uint8)).save(file)
    return root


@pytest.fixture
def recipe(pages: Path, tmp_path: Path) -> Path:
    """Long enough for something to happen in the middle."""
    file = tmp_path / "tiny.toml"
    file.write_text(RECIPE.format(root=pages, epochs=15))
    return file


@pytest.fixture
def short_recipe(pages: Path, tmp_path: Path) -> Path:
    file = tmp_path / "tiny.toml"
    file.write_text(RECIPE.format(root=pages, epochs=2))
    return file


@pytest.fixture
def cluster() -> Iterator[Callable[[int], Any]]:
    """Makes a cluster of so many nodes with one CPU each, and a head that computes nothing."""
    if find_spec("ray") is None:
        pytest.skip('Ray is not installed: pip install "toolkit-ray[cluster]"')
    from ray.cluster_utils import Cluster

    made: list[Any] = []

    def make(nodes: int) -> Any:
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 100 << 20}
        found = Cluster(initialize_head=True, head_node_args=head)
        made.append(found)
        for _ in range(nodes):
            found.add_node(num_cpus=1, object_store_memory=100 << 20)
        return found

    yield make
    for each in made:
        each.shutdown()
