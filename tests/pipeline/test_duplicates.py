"""Copies of a file in a run: what the report, the page and the console say of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import toolkit
from toolkit.contracts import Event
from toolkit.errors import DataError
from toolkit.plugin.host import load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan


@pytest.fixture
def copied(documents: Path, tmp_path: Path) -> Path:
    """The documents, with one page twice, one under two labels, and one in the test set."""
    root = tmp_path / "copied"
    shutil.copytree(documents, root)
    train, test = root / "train", root / "test"
    shutil.copyfile(train / "page00.png", train / "page21.png")  # both of class 0
    shutil.copyfile(train / "page01.png", train / "page02.png")  # of the classes 1 and 2
    shutil.copyfile(train / "page05.png", test / "test4.png")
    return root


def test_a_run_says_what_is_copied_and_parts_no_copies(
    copied: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    told: list[str] = []

    def note(event: Event) -> None:
        told.append(event.text)

    overrides = {"data.root": str(copied)}
    run = toolkit.run(tiny_recipe, overrides=overrides, runs=tmp_path / "r", notify=note)
    folds = pd.read_csv(run.folder.folds).set_index("id")["fold"]
    assert folds["page00.png"] == folds["page21.png"]
    assert folds["page01.png"] == folds["page02.png"]
    report = json.loads(run.folder.report.read_text())
    assert report["copies"] == {"train": 2, "conflicts": 1, "test": 1}
    assert report["rows"]["units"] == 22
    conflict, test = report["warnings"][:2]
    assert conflict.startswith("1 file has several IDs with different labels (page01.png ")
    assert test.startswith("1 test image is a copy of training images (test4.png of page05.png)")
    assert [f"warning: {conflict}", f"warning: {test}"] == [t for t in told if "warning: " in t][:2]
    assert "test4.png of page05.png" in run.folder.page.read_text()


def test_conflicts_stop_a_run_before_it_trains(
    copied: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    overrides = {"data.root": str(copied), "split.conflicts": "error"}
    with pytest.raises(DataError, match=r'page01.png "letter", page02.png "form"'):
        toolkit.run(tiny_recipe, overrides=overrides, runs=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_what_conflicts_do_is_no_part_of_the_plans_hash(tiny_recipe: Path) -> None:
    host = load_host({"TOOLKIT_PLUGINS": ""})
    plans = [
        make_plan(load_recipe(tiny_recipe, {"split.conflicts": what}, host), host)
        for what in ("warn", "error")
    ]
    assert plans[0].hash("data") == plans[1].hash("data")
