"""`[split] given`: a run that is validated on the split that came with the data."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import toolkit
from tests.conftest import CLASSES, RECIPE, draw
from toolkit.cli import run_command
from toolkit.contracts import Event
from toolkit.errors import DataError
from toolkit.runs.opened import Run

COUNTS = {"train": 6, "Validation": 3, "test": 1}


def lay(root: Path) -> Path:
    """Class folders in three splits, the test images without classes."""
    seed = 0
    for split, count in COUNTS.items():
        for kind, name in enumerate(CLASSES):
            for number in range(count):
                seed += 1
                own = f"{name}{number}.png" if split == "test" else f"{name}/{number}.png"
                file = root / split / own
                file.parent.mkdir(parents=True, exist_ok=True)
                draw(kind, seed).save(file)
    return root


def recipe_for(root: Path, folder: Path, more: str = "") -> Path:
    text = RECIPE.format(root=root).replace('"csv"', '"folder"')
    file = folder / "given.toml"
    file.write_text(text.replace("folds = 2", f'given = "valid"\n{more}'))
    return file


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def given(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Event]]:
    """A finished run, for tests that only look, and what it told."""
    folder, told = tmp_path_factory.mktemp("given"), list[Event]()
    run = toolkit.run(recipe_for(pages, folder), runs=folder / "runs", notify=told.append)
    return run, told


def test_out_of_fold_rows_are_the_split_and_no_other(given: tuple[Run, list[Event]]) -> None:
    run, told = given
    oof = toolkit.open_run(run.path).oof
    assert set(oof["id"]) == {f"Validation/{c}/{n}.png" for c in CLASSES for n in range(3)}
    assert set(oof["fold"]) == {0}
    assert [run.classes[label] for label in run.truth] == [i.split("/")[1] for i in oof["id"]]
    texts = [event.text for event in told]
    assert any("the 9 rows of that split validate, in one fold; the other 18" in t for t in texts)
    assert not any("the folds validate" in text for text in texts)


def test_training_rows_are_in_no_fold(given: tuple[Run, list[Event]]) -> None:
    folds = pd.read_csv(given[0].folder.folds)
    assert folds["fold"].value_counts().to_dict() == {-1: 18, 0: 9}
    assert folds["id"][folds["fold"] == 0].str.startswith("Validation/").all()


def test_the_report_says_what_its_scores_are_of(given: tuple[Run, list[Event]]) -> None:
    run = given[0]
    report = run.report
    assert report["split"]["given"] == "valid"
    assert (
        "its 9 rows alone, by one model that was trained on 18 others"
        in (report["split"]["meaning"])
    )
    assert len(report["scores"]["folds"]) == 1
    assert (report["rows"]["train"], report["rows"]["validated"], report["rows"]["units"]) == (
        18,
        9,
        9,
    )
    assert [row["train"] for row in report["classes"]] == [6, 6, 6]
    assert sum(map(sum, report["confusion"])) == 9
    assert json.loads(run.folder.mistakes.read_text())["rows"] == 9
    page = run.folder.page.read_text()
    assert "the given split <bdi>valid</bdi> of 9 images" in page
    assert report["split"]["meaning"].split("(")[0] in page
    low, high = report["scores"]["oof"]["clean"]["intervals"]["accuracy"]
    assert 0 <= low <= report["scores"]["oof"]["clean"]["accuracy"] <= high <= 1


def test_test_images_are_predicted_by_the_one_model(given: tuple[Run, list[Event]]) -> None:
    run = given[0]
    fold = pd.read_parquet(run.folder.fold(0).test)
    assert run.test is not None
    own = fold[fold["view"] == "mean"].set_index("id")[["p_0", "p_1", "p_2"]]
    joined = run.test[run.test["view"] == "mean"].set_index("id")[["p_0", "p_1", "p_2"]]
    pd.testing.assert_frame_equal(own.sort_index(), joined.sort_index())


def test_a_finished_run_is_opened_mended_and_shown(
    given: tuple[Run, list[Event]], pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = given[0]
    recipe, runs = run.path.parent.parent / "given.toml", run.path.parent
    scores = run.report["scores"]["oof"]
    run.folder.oof.unlink()
    run.folder.folds.unlink()
    again = toolkit.run(recipe, runs=runs)
    assert again.path == run.path
    assert len(again.oof["id"].unique()) == 9
    assert again.report["scores"]["oof"] == scores
    assert run_command(["runs", "show", str(run.path)]) == 0
    shown = capsys.readouterr().out
    assert 'the given split "valid"' in shown
    assert 'out-of-fold scores of 9 images of the given split "valid"' in shown


def test_the_recipe_of_the_run_folder_runs_the_same_again(
    given: tuple[Run, list[Event]], tmp_path: Path
) -> None:
    run = given[0]
    again = toolkit.run(run.folder.recipe, runs=run.path.parent)
    assert again.path == run.path


def test_a_run_that_was_cut_off_goes_on_to_the_same_scores(
    given: tuple[Run, list[Event]], tmp_path: Path
) -> None:
    run = given[0]
    recipe = run.path.parent.parent / "given.toml"

    def cut(event: Event) -> None:
        if event.stage == "epoch" and event.data["epoch"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        toolkit.run(recipe, runs=tmp_path / "runs", notify=cut)
    resumed = toolkit.run(recipe, runs=tmp_path / "runs")
    assert resumed.report["scores"]["oof"] == run.report["scores"]["oof"]


def test_a_smoke_run_passes_every_stage(
    pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["run", str(recipe_for(pages, tmp_path)), "--smoke"]) == 0
    assert '1 fold of 6 images of the given split "valid"' in capsys.readouterr().out


def test_hard_votes_of_one_model_and_offline_copies_work(pages: Path, tmp_path: Path) -> None:
    more = '[ensemble]\nuse = "hard"\n[augment.offline]\nuse = "document"\ncopies = 2\n'
    recipe = recipe_for(pages, tmp_path)
    recipe.write_text(recipe.read_text() + more)
    run = toolkit.run(recipe, runs=tmp_path / "runs", overrides={"train.epochs": 1})
    assert len(run.oof["id"].unique()) == 9
    assert run.report["submission"]["rows"] == 3


def test_joined_by_default_and_said_with_the_key(pages: Path, tmp_path: Path) -> None:
    told: list[Event] = []
    recipe = recipe_for(pages, tmp_path)
    overrides = {"split.given": "", "split.folds": 3, "train.epochs": 1}
    run = toolkit.run(recipe, runs=tmp_path / "runs", overrides=overrides, notify=told.append)
    assert len(run.oof["id"].unique()) == 27
    assert run.report["split"]["given"] is None
    (note,) = [event.text for event in told if "are joined to" in event.text]
    assert '[split] given = "Validation"' in note


def test_a_leak_stops_the_run_before_anything_trains(pages: Path, tmp_path: Path) -> None:
    root = lay(tmp_path / "pages")
    copy = root / "train" / "form" / "copy.png"
    copy.write_bytes((root / "Validation" / "form" / "1.png").read_bytes())
    recipe = recipe_for(root, tmp_path)
    with pytest.raises(DataError, match=r"Validation/form/1.png has the content of form/copy.png"):
        toolkit.run(recipe, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    run = toolkit.run(recipe_for(root, tmp_path, 'leaks = "drop"\n'), runs=tmp_path / "runs")
    assert run.report["rows"]["train"] == 18
    assert "1 training rows are left out" in run.report["warnings"][0]


def test_what_is_read_is_shown_without_training(
    pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    recipe = recipe_for(pages, tmp_path)
    assert run_command(["data", str(recipe), "--sheet", str(sheet)]) == 0
    shown = capsys.readouterr().out
    assert "18 images to train on, 9 to validate on, 3 to predict" in shown
    assert "the given split of 9 images validates; the other 18 train" in shown
