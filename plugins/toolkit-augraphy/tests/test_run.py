"""A run with offline copies that augraphy degrades, on pages that are drawn here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import toolkit
from PIL import Image
from toolkit.contracts import Event
from toolkit.contracts import Image as Pixels
from toolkit.runs.opened import Run

RECIPE = """
name = "degraded"

[data]
use = "folder"
root = "{root}"

[split]
folds = 2

[image]
size = 32
fill = 255

[augment.offline]
use = "augraphy.degrade"
copies = 1

[augment.train]
use = "none"

[backbone]
use = "test_resnet"
pretrained = false

[train]
epochs = 1
batch_size = 8
"""

A_CLASS = 40  # originals; 80 in all are enough for the host to draw copies in other processes


@pytest.fixture
def recipe(tmp_path: Path, draw_page: Callable[[int, int], Pixels]) -> Path:
    """Wide and narrow pages, each in a shade of its own."""
    for kind, width in (("letter", 60), ("receipt", 40)):
        (tmp_path / "pages" / kind).mkdir(parents=True)
        for number in range(A_CLASS):
            page = draw_page(width, 64) // 2 + np.uint8(number)
            Image.fromarray(page).save(tmp_path / "pages" / kind / f"{number}.png")
    file = tmp_path / "degraded.toml"
    file.write_text(RECIPE.format(root=tmp_path / "pages"))
    return file


@pytest.mark.slow
def test_a_run_trains_on_degraded_copies_drawn_once_and_leaves_nothing_behind(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = tmp_path / "desk"
    desk.mkdir()
    monkeypatch.chdir(desk)
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    events: list[Event] = []

    def run(folder: str) -> Run:
        events.clear()
        return toolkit.run(recipe, runs=tmp_path / folder, notify=events.append)

    first = run("first")
    totals = {event.total for event in events if event.stage == "train"}
    assert totals == {2 * A_CLASS // 8}  # half of the originals train, with as many copies
    assert sum(event.stage == "decode" for event in events) == 2 * (2 * A_CLASS)
    components = json.loads((first.path / "manifest.json").read_text())["components"]
    assert ("augraphy.degrade", "toolkit-augraphy") in {
        (c["name"], c["package"]) for c in components
    }

    originals, copies = packs(tmp_path / "cache")
    drawn = [(copies[name] != originals[name.partition("/")[0]]).any() for name in copies]
    assert len(drawn) == 2 * A_CLASS
    assert sum(drawn) > A_CLASS  # here and there an effect finds nothing to change

    again = run("again")
    assert not [event for event in events if event.stage == "decode"]  # the cache has them
    assert again.oof.equals(first.oof)
    assert list(desk.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "again",
        "cache",
        "degraded.toml",
        "desk",
        "first",
        "pages",
    ]


def packs(cache: Path) -> tuple[dict[str, Pixels], dict[str, Pixels]]:
    """The two packs of a cache, by name: decoded originals, and copies `<original>/<number>`."""
    found = []
    for index in cache.glob("*/index.json"):
        rows = json.loads(index.read_text())
        images = np.fromfile(index.with_name("images.u8"), np.uint8).reshape(len(rows), -1)
        found.append({name: images[row] for name, row in rows.items()})
    originals, copies = sorted(found, key=lambda pack: "/" in next(iter(pack)))
    return originals, copies
