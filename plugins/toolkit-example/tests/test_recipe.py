"""The recipe of this package, on pages that are drawn here."""

import json
from pathlib import Path

import numpy as np
import pytest
import toolkit
from PIL import Image


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Six dark and six light pages, in one folder a class."""
    rng = np.random.default_rng(0)
    for kind, shade in (("dark", 40), ("light", 200)):
        (tmp_path / "pages" / kind).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(shade, shade + 50, (40, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pages" / kind / f"{number}.png")
    return tmp_path / "pages"


def test_a_run_of_the_recipe_uses_all_five_components(
    pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    recipe = tmp_path / "mine.toml"
    recipe.write_text(f'extends = "example:pages"\n[data]\nuse = "folder"\nroot = "{pages}"')
    small = {"image.size": 32, "split.folds": 2, "train.epochs": 1, "train.batch_size": 4}
    run = toolkit.run(recipe, overrides=small, runs=tmp_path / "runs")
    assert len(run.oof["id"].unique()) == 12
    used = json.loads((run.path / "manifest.json").read_text())["components"]
    ours = {entry["name"] for entry in used if entry["package"] == "toolkit-example"}
    components = {"poly", "small", "ink_fade", "geometric", "capped"}
    assert ours == {"example:pages", *(f"example.{name}" for name in components)}
