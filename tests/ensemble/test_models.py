"""A run folder alone predicts: the same numbers as the run, without its recipe and its data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

import toolkit
import toolkit.builtin.timm_models as timm_models
from toolkit.contracts import Event, Facts
from toolkit.ensemble.models import Models
from toolkit.ensemble.opened import OpenedRun
from toolkit.errors import DataError, RunError, UserError
from toolkit.plugin.host import Host, load_host
from toolkit.plugin.registry import Entry

COLUMNS = ["p_0", "p_1", "p_2"]
HERE = "toolkit_test_models"


def by_name(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index(table["path"].map(lambda path: Path(path).name))


def require_as_the_run(table: pd.DataFrame, run: OpenedRun) -> None:
    """The table holds what the run predicted of its test images."""
    test = run.test
    assert test is not None
    found = by_name(table).loc[list(test["id"])]
    np.testing.assert_allclose(found[COLUMNS], test[COLUMNS], rtol=0, atol=1e-6)
    named = np.array(run.classes)[test[COLUMNS].to_numpy().argmax(axis=1)]
    assert found["label"].tolist() == named.tolist()


@pytest.fixture(scope="module")
def models(finished: OpenedRun) -> Models:
    return finished.models()


@pytest.fixture
def copied(finished: OpenedRun, tmp_path: Path) -> OpenedRun:
    """The finished run, in a folder that a test may spoil."""
    shutil.copytree(finished.path, tmp_path / "copied")
    return OpenedRun(tmp_path / "copied")


FIVE_LINES = """
import toolkit
run = toolkit.open_run({run!r})
models = run.models()
table = models.predict({images!r})
table.to_csv("predictions.csv", index=False, float_format="%.9g")
"""


def test_a_copied_run_folder_predicts_in_five_lines_without_recipe_and_data(
    documents: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    data, images = tmp_path / "data", tmp_path / "new"
    shutil.copytree(documents, data)
    shutil.copytree(documents / "test", images)
    # On the other machine there is neither this file of weights nor a network to fetch others.
    weights = tmp_path / "first.safetensors"
    torch.manual_seed(0)
    model = timm_models.timm.create_model("test_resnet", num_classes=3)
    save_file(model.state_dict(), weights)
    laid = {"data.root": str(data), "backbone.weights": str(weights), "backbone.pretrained": True}
    run = toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "runs")
    moved, empty = tmp_path / "elsewhere" / "moved", tmp_path / "empty"
    moved.parent.mkdir()
    shutil.move(run.path, moved)
    empty.mkdir()
    shutil.rmtree(data)
    for file in (tiny_recipe, weights, moved / "recipe.toml"):
        file.unlink()
    environ = {**os.environ, "TOOLKIT_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    code = FIVE_LINES.format(run=str(moved), images=str(images))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=empty,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    require_as_the_run(pd.read_csv(empty / "predictions.csv"), OpenedRun(moved))
    assert not (tmp_path / "cache").exists()


def test_images_are_taken_in_every_way_that_they_are_handed_over(
    models: Models, finished: OpenedRun, documents: Path
) -> None:
    folder = documents / "test"
    names = ["test3.png", "test0.png", "test4.png", "test1.png", "test2.png"]
    assert repr(models) == f"<Models of {finished.path}: 2 x test_resnet, 3 classes>"
    whole = models.predict(folder)
    require_as_the_run(whole, finished)
    assert list(whole.columns) == ["path", "label", *COLUMNS]
    assert whole["path"].tolist() == [str(folder / name) for name in sorted(names)]
    listed = models.predict([folder / name for name in names], batch_size=2)
    assert listed["path"].tolist() == [str(folder / name) for name in names]
    require_as_the_run(listed, finished)
    text = models.predict(str(folder / names[0]))
    assert text["path"].tolist() == [str(folder / names[0])]
    opened = [Image.open(folder / name) for name in names]
    pictures = models.predict(picture.copy() for picture in opened)
    assert pictures["path"].tolist() == [f"image {number}" for number in range(5)]
    np.testing.assert_allclose(pictures[COLUMNS], listed[COLUMNS], rtol=0, atol=1e-6)
    alone = models.predict(opened[0])
    assert alone["path"].tolist() == [str(folder / names[0])]  # as Pillow remembers it
    mixed = models.predict([folder, opened[2], str(folder / names[1])])
    assert len(mixed) == 7
    assert mixed["label"].tolist() == [*whole["label"], *listed["label"][[2, 1]]]
    assert models.predict([]).empty


def test_what_is_no_image_is_told_at_once(models: Models, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: there is no such file or folder"):
        models.predict(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r": holds no image$"):
        models.predict(tmp_path)
    for wrong in (3, [np.zeros((4, 4, 3), np.uint8)]):
        with pytest.raises(UserError, match=r"^found an? (int|ndarray), expected a path, a folder"):
            models.predict(wrong)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"^batch_size: expected at least 1, found 0"):
        models.predict(tmp_path, batch_size=0)


def test_images_that_cannot_be_read_are_all_told_or_listed(
    models: Models, finished: OpenedRun, documents: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    shutil.copytree(documents / "test", folder)
    whole = (folder / "test2.png").read_bytes()
    (folder / "test1.png").write_bytes(whole[:90])
    (folder / "a.jpg").write_text("no image")
    (folder / "notes.txt").write_text("left out")
    events: list[Event] = []
    with pytest.raises(DataError) as told:
        models.predict(folder, batch_size=2, notify=events.append)
    first, second, way_out = told.value.lines
    assert first.startswith(f"{folder / 'a.jpg'}: is no image")
    assert second.startswith(f"{folder / 'test1.png'}: cannot be read")
    assert way_out == "  skip_bad=True predicts the others, and lists these"
    assert any("files that are no images are left out (1 .txt)" in e.text for e in events)
    table = models.predict(folder, skip_bad=True, batch_size=2)
    assert list(table.columns) == ["path", "label", *COLUMNS, "fault"]
    bad = table["fault"] != ""
    assert [Path(p).name for p in table["path"][bad]] == ["a.jpg", "test1.png"]
    assert table["fault"][bad].tolist() == [first, second]
    assert table["label"][bad].isna().all()
    assert table[COLUMNS][bad].isna().all(axis=None)
    expected = by_name(models.predict(documents / "test"))
    good = by_name(table[~bad])
    np.testing.assert_allclose(good[COLUMNS], expected.loc[good.index, COLUMNS], atol=1e-6)


def test_the_depth_rule_and_the_ensembler_are_those_of_the_run(
    documents: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    """Deep greyscale whose black and white the training files decide, joined by votes."""
    root = tmp_path / "deep"
    shutil.copytree(documents, root)
    for file in root.glob("*/*.png"):
        grey = np.asarray(Image.open(file).convert("L")).astype(np.uint16)
        Image.fromarray(300 + 10 * grey).save(file)
    laid = {"data.root": str(root), "ensemble.use": "hard", "image.fit": "crop"}
    run = toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "runs")
    depth = json.loads((run.folder.fold(0).preprocess).read_text())["depth"]
    assert depth["integers"][1] < 10_000  # the rule found something
    table = run.models().predict(root / "test")
    require_as_the_run(table, run)
    pictures = [Image.open(file).copy() for file in table["path"]]
    again = run.models().predict(pictures)
    np.testing.assert_allclose(again[COLUMNS], table[COLUMNS], rtol=0, atol=1e-6)


def test_a_backbone_is_told_what_it_was_told_in_training(
    documents: Path, tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "uneven"
    shutil.copytree(documents, root)
    rows = pd.read_csv(root / "train.csv")
    rows.drop([0, 3, 6, 1]).to_csv(root / "train.csv", index=False)  # 5, 7 and 8 are left
    told: list[Facts] = []
    sound = timm_models.build

    def build(name: str, facts: Facts, *more: Any) -> nn.Module:
        told.append(facts)
        return sound(name, facts, *more)

    monkeypatch.setattr(timm_models, "build", build)
    laid: dict[str, Any] = {
        "augment.offline.use": "document",
        "augment.offline.copies": 2,
        "train.epochs": 1,
    }
    laid["data.root"] = str(root)
    run = toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "runs")
    trained = told[-2:]  # those before it are tried and thrown away
    told.clear()
    saved = run.models().saved
    assert told == [replace(facts, trained=True) for facts in trained]
    assert saved.of_all.counts == (5, 7, 8)
    assert np.sum([facts.counts for facts in trained], axis=0).tolist() == [15, 21, 24]


def test_models_and_their_predictions_draw_nothing(copied: OpenedRun, documents: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    copied.models().predict(documents / "test")
    assert torch.equal(torch.rand(2), expected)


def test_a_folder_of_an_older_version_predicts_and_says_what_it_lacks(
    copied: OpenedRun, documents: Path, finished: OpenedRun
) -> None:
    plan = json.loads(copied.folder.plan.read_text())
    assert plan.pop("classes") == ["ticket", "letter", "form"]
    plan["recipe"]["train"]["forgotten"] = 1  # a key that this version has no more
    del plan["recipe"]["train"]["deterministic"]  # and one that it did not have yet
    copied.folder.plan.write_text(json.dumps(plan))
    folds = pd.read_csv(copied.folder.folds, dtype=str)
    folds.drop(columns="label").to_csv(copied.folder.folds, index=False)
    for number in (0, 1):
        file = copied.folder.fold(number).preprocess
        known = json.loads(file.read_text())
        file.write_text(json.dumps({k: v for k, v in known.items() if k != "depth"}))
    models = copied.models()
    (note,) = models.notes
    assert note.startswith(f"{copied.folder.folds}: has no labels, an older version wrote it: ")
    require_as_the_run(models.predict(documents / "test"), finished)


def test_what_keeps_a_folder_from_predicting_is_told_with_the_next_step(copied: OpenedRun) -> None:
    folder = copied.folder
    kept = folder.fold(1).weights.read_bytes()
    folder.fold(1).weights.unlink()
    with pytest.raises(
        RunError, match=r"weights.safetensors: is gone.* 1 of 2 folds; copy the run"
    ):
        copied.models()
    folder.fold(1).done.rename(folder.path / "kept")
    with pytest.raises(RunError, match=r"not finished, fold 1 is not trained; `toolkit run .* on$"):
        copied.models()
    (folder.path / "kept").rename(folder.fold(1).done)
    folder.fold(1).weights.write_bytes(kept[:-50])
    with pytest.raises(RunError, match=r"weights.safetensors: is damaged"):
        copied.models()
    state = load_file(folder.fold(0).weights)
    state.pop(next(name for name in state if name.endswith("weight")))
    save_file(state, folder.fold(1).weights)
    with pytest.raises(
        RunError, match=r"does not fit backbone test_resnet as recipe-toolkit .*key"
    ):
        copied.models()
    folder.fold(1).weights.write_bytes(kept)
    folder.fold(1).preprocess.write_text('{"size": 32, "mean": [0, 0], "std": [1, 1, 1]}')
    with pytest.raises(RunError, match=r"preprocess.json: is damaged, or a newer version wrote it"):
        copied.models()


def test_a_device_that_is_not_here_is_told(copied: OpenedRun) -> None:
    for device in ("cuda:7", "gpu"):
        with pytest.raises(UserError, match=rf"^device: {device} is not here: "):
            copied.models(device=device)


def test_a_fold_that_decodes_otherwise_is_refused(copied: OpenedRun) -> None:
    file = copied.folder.fold(1).preprocess
    file.write_text(json.dumps({**json.loads(file.read_text()), "fit": "stretch"}))
    with pytest.raises(RunError, match=r"its folds decode images in different ways"):
        copied.models()


def test_a_trial_and_a_study_say_that_they_keep_no_weights(tmp_path: Path) -> None:
    study = tmp_path / "tune-x-20260101-12345678"
    trial = study / "trials" / "0123456789ab"
    trial.mkdir(parents=True)
    (study / "study.json").write_text('{"study": "1234"}')
    for folder, what in ((trial, "a trial"), (study, "a study")):
        said = (
            rf"is {what} of `toolkit tune`, whose trials keep no weights; `toolkit run .*best.toml"
        )
        with pytest.raises(RunError, match=said):
            toolkit.open_run(folder)


# A third party's backbone, in a run and without its package.


class Small(nn.Module):
    def __init__(self, facts: Facts, /, *, pretrained: bool = True, width: int = 4) -> None:
        super().__init__()
        if pretrained:
            asked.append(width)
        self.body = nn.Conv2d(3, width, 4, stride=4)
        self.head = nn.Linear(width, len(facts.classes))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.body(batch).mean((2, 3)))
        return logits


asked: list[int] = []


@pytest.fixture
def with_acme(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Host]:
    """The host with a version of the plugin."""
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    monkeypatch.syspath_prepend(Path(__file__).parent)

    def host(version: str) -> Host:
        found = load_host()
        entry = Entry("backbone", "acme.small", f"{HERE}:Small", "small", "acme", "acme-vision", "")
        found.registry.add([replace(entry, version=version)])
        return found

    return host


def test_a_plugin_of_the_run_is_named_with_its_package_where_it_is_missing(
    with_acme: Callable[[str], Host], tiny_recipe: Path, tmp_path: Path, documents: Path
) -> None:
    laid = {"backbone.use": "acme.small", "train.epochs": 1}
    text = tiny_recipe.read_text().replace("pretrained = false", "")
    tiny_recipe.write_text(text)
    run = toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "runs", host=with_acme("1.2"))
    with pytest.raises(RunError) as told:
        run.models(host=load_host())
    missing, install = told.value.lines
    assert 'backbone.use: "acme.small": no plugin "acme" is loaded' in missing
    assert install.endswith("came from acme-vision 1.2: pip install acme-vision==1.2")
    run.folder.manifest.unlink()
    with pytest.raises(RunError, match=r"\n  which package it came from is not known: .*manifest"):
        OpenedRun(run.path).models(host=load_host())


def test_another_version_of_a_plugin_is_said_and_nothing_is_fetched(
    with_acme: Callable[[str], Host], tiny_recipe: Path, tmp_path: Path, documents: Path
) -> None:
    laid = {"backbone.use": "acme.small", "backbone.pretrained": True, "train.epochs": 1}
    run = toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "runs", host=with_acme("1.2"))
    assert asked
    asked.clear()
    same = run.models(host=with_acme("1.2"))
    assert same.notes == ()
    require_as_the_run(same.predict(documents / "test"), run)
    (note,) = run.models(host=with_acme("1.3")).notes
    assert note.endswith(
        "backbone acme.small is acme-vision 1.3, and was acme-vision 1.2 in that run"
    )
    assert asked == []
