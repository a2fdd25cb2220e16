"""A run that lost files, or whose files are damaged, is made whole again by the same command."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

import toolkit
from toolkit.contracts import Event
from toolkit.runs.faults import faults
from toolkit.runs.opened import Run

REMADE = (
    "plan.json",
    "recipe.toml",
    "manifest.json",
    "folds.csv",
    "oof.parquet",
    "test.parquet",
    "submission.csv",
    "mistakes.json",
    "report.html",
    "log.txt",
    "folds/1/done",
    "folds/1/preprocess.json",
    "folds/1/oof.parquet",
    "folds/1/test.parquet",
)
LEFT = ("folds/1/weights.safetensors", "folds/1/history.csv")
"""What only training could make again, and nothing else needs."""


@pytest.fixture
def run(finished: Run, tmp_path: Path) -> Run:
    """A copy of the finished run, to damage."""
    path = tmp_path / "runs" / finished.path.name
    shutil.copytree(finished.path, path)
    return Run(path)


class Told(list[str]):
    """What a run says; whether it trained."""

    trained = False

    def __call__(self, event: Event) -> None:
        self.trained |= event.stage == "train"
        if event.stage == "message":
            self.append(event.text)


def same_again(run: Run, finished: Run) -> Told:
    """The command that made the whole run, given to the folder that lost something."""
    told = Told()
    recipe = finished.path.parents[1] / "tiny.toml"
    assert toolkit.run(recipe, runs=run.path.parent, notify=told).path == run.path
    return told


def damage(file: Path, how: str) -> None:
    whole = file.read_bytes()
    {
        "gone": file.unlink,
        "empty": lambda: file.write_bytes(b""),
        "half": lambda: file.write_bytes(whole[: len(whole) // 2]),
        "garbage": lambda: file.write_bytes(b"\xff\x00\xfe garbage" * 40),
    }[how]()


@pytest.mark.parametrize("name", REMADE)
def test_a_file_that_is_gone_is_made_again_without_training(
    finished: Run, run: Run, name: str
) -> None:
    (run.path / name).unlink()
    told = same_again(run, finished)
    assert not told.trained
    assert any(f"{name}: is gone" in line for line in told)
    assert faults(run.folder) == []
    if name not in ("manifest.json", "log.txt"):  # the one has the time of its writing
        assert (run.path / name).read_bytes() == (finished.path / name).read_bytes()
    assert run.folder.report.read_bytes() == finished.folder.report.read_bytes()


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("plan.json", "half"),
        ("manifest.json", "empty"),
        ("folds.csv", "half"),
        ("folds.csv", "garbage"),
        ("oof.parquet", "half"),
    ],
)
def test_a_damaged_file_is_told_and_made_again(
    finished: Run, run: Run, name: str, how: str
) -> None:
    damage(run.path / name, how)
    told = same_again(run, finished)
    assert not told.trained
    assert any(f"{name}: is " in line for line in told)
    assert faults(run.folder) == []
    if name != "manifest.json":
        assert (run.path / name).read_bytes() == (finished.path / name).read_bytes()


@pytest.mark.parametrize("how", ["gone", "empty", "half", "garbage"])
@pytest.mark.parametrize("name", [*REMADE, *LEFT])
def test_each_fault_is_found(run: Run, name: str, how: str) -> None:
    if how != "gone" and name == "log.txt":
        pytest.skip("any text is a log")
    if how in ("half", "garbage") and name == "submission.csv":
        pytest.skip("held against the sample, which a folder does not have")
    damage(run.path / name, how)
    assert [fault.file for fault in faults(run.folder)] == [run.path / name]


@pytest.mark.parametrize("name", LEFT)
def test_what_only_training_could_make_again_is_named_with_the_way_out(
    finished: Run, run: Run, name: str
) -> None:
    (run.path / name).unlink()
    told = same_again(run, finished)
    assert not told.trained
    assert any(
        f"{name}: is gone; it cannot be made again" in line
        and f"remove {run.path / 'folds/1'} and {run.folder.report}" in line
        for line in told
    )


def test_a_submission_that_breaks_off_is_written_again(finished: Run, run: Run) -> None:
    damage(run.folder.submission, "half")
    same_again(run, finished)
    assert run.folder.submission.read_bytes() == finished.folder.submission.read_bytes()


@pytest.mark.parametrize("how", ["gone", "empty", "half", "garbage"])
def test_a_report_is_made_again_from_the_folds(finished: Run, run: Run, how: str) -> None:
    damage(run.folder.report, how)
    told = same_again(run, finished)
    assert not told.trained
    assert how == "gone" or any("report.json: is " in line for line in told)
    again, first = run.report, finished.report
    assert again["scores"] == first["scores"]
    assert again["confusion"] == first["confusion"]


def test_everything_but_the_folds_may_be_gone(finished: Run, run: Run) -> None:
    for file in run.path.iterdir():
        if file.is_file() and file.name != "plan.json":
            file.unlink()
    assert not same_again(run, finished).trained
    assert faults(run.folder) == []
    for name in ("oof.parquet", "test.parquet", "submission.csv", "mistakes.json"):
        assert (run.path / name).read_bytes() == (finished.path / name).read_bytes()


def test_a_fold_that_is_gone_leaves_the_joined_files_as_they_are(finished: Run, run: Run) -> None:
    shutil.rmtree(run.path / "folds/1")
    told = same_again(run, finished)
    assert not told.trained
    assert sorted(p.name for p in (run.path / "folds/1").iterdir()) == ["done", "oof.parquet"]
    assert sum("cannot be made again" in line for line in told) == 4


def test_a_fold_is_trained_anew_where_a_joined_file_needs_it(finished: Run, run: Run) -> None:
    shutil.rmtree(run.path / "folds/1")
    run.folder.test.unlink()
    assert same_again(run, finished).trained
    assert faults(run.folder) == []
    for name in ("oof.parquet", "test.parquet", "folds/1/weights.safetensors"):
        assert (run.path / name).read_bytes() == (finished.path / name).read_bytes()


@pytest.mark.parametrize("how", ["empty", "garbage"])
def test_a_fold_whose_mark_is_damaged_is_trained_anew(finished: Run, run: Run, how: str) -> None:
    run.folder.report.unlink()
    damage(run.folder.fold(1).done, how)
    told = same_again(run, finished)
    assert told.trained
    assert any("folds/1/done: is " in line and "trained anew" in line for line in told)
    assert (run.path / "oof.parquet").read_bytes() == finished.folder.oof.read_bytes()


@pytest.mark.parametrize("how", ["gone", "half"])
def test_an_unfinished_run_predicts_again_what_a_fold_lost(
    finished: Run, run: Run, how: str
) -> None:
    run.folder.report.unlink()
    damage(run.folder.fold(0).test, how)
    damage(run.folder.fold(0).oof, how)
    told = same_again(run, finished)
    assert not told.trained
    assert any("predicted again from weights.safetensors" in line for line in told)
    assert not any("cannot be made again" in line for line in told)
    assert (run.path / "test.parquet").read_bytes() == finished.folder.test.read_bytes()


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("state.safetensors", "empty"),
        ("state.safetensors", "half"),
        ("state.safetensors", "garbage"),
        ("best-1.safetensors", "half"),
        ("best-1.safetensors", "gone"),
    ],
)
def test_a_fold_whose_state_is_damaged_starts_anew(
    finished: Run, run: Run, name: str, how: str
) -> None:
    run.folder.report.unlink()
    fold = run.folder.fold(1)
    fold.done.unlink()
    state_of_a_stopped_fold(run)
    damage(fold.path / name, how)
    told = same_again(run, finished)
    assert any(f"{name}: is " in line and "fold 1 starts anew" in line for line in told)
    assert (run.path / "oof.parquet").read_bytes() == finished.folder.oof.read_bytes()


def state_of_a_stopped_fold(run: Run) -> None:
    """A state as the loop leaves it behind its first epoch, as far as a resume looks at it."""
    from toolkit.train.state import save_tree

    fold = run.folder.fold(1)
    save_tree(fold.state, {"progress": {"best_epoch": 1}})
    fold.best(1).write_bytes(fold.weights.read_bytes())


@pytest.mark.parametrize("how", ["gone", "half"])
def test_an_unfinished_run_says_what_a_fold_lost_that_is_done(
    finished: Run, run: Run, how: str
) -> None:
    run.folder.report.unlink()
    damage(run.path / "folds/0/weights.safetensors", how)
    damage(run.path / "folds/0/preprocess.json", how)
    damage(run.path / "folds/1/preprocess.json", how)
    damage(run.path / "folds/1/history.csv", how)
    told = same_again(run, finished)
    assert not told.trained
    (weights,) = [line for line in told if "folds/0/weights" in line]
    assert weights.endswith(f"to train that fold anew, remove {run.path / 'folds/0'}")
    assert any("folds/1/preprocess.json" in line and "predicted again" in line for line in told)
    assert any("folds/1/history.csv" in line and "cannot be made again" in line for line in told)
    good = finished.path / "folds/1/preprocess.json"
    assert (run.path / "folds/1/preprocess.json").read_bytes() == good.read_bytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
@pytest.mark.parametrize("name", ["folds.csv", "folds/1/oof.parquet", "folds/1/preprocess.json"])
def test_a_fifo_in_the_place_of_a_file_blocks_nothing(finished: Run, run: Run, name: str) -> None:
    (run.path / name).unlink()
    os.mkfifo(run.path / name)
    told = same_again(run, finished)
    assert any(name in line and "is a FIFO" in line for line in told)
    assert (run.path / name).is_file()


@pytest.mark.parametrize("how", ["empty", "half", "garbage"])
def test_a_damaged_list_of_dropped_trackers_is_stepped_over(
    finished: Run, run: Run, how: str
) -> None:
    run.folder.report.unlink()
    run.folder.trackers_dropped.write_text('[{"tracker": "a", "hook": "b", "reason": "c"}]\n')
    damage(run.folder.trackers_dropped, how)
    told = same_again(run, finished)
    assert any("trackers_dropped.json: is " in line for line in told)
    assert run.report["trackers_dropped"] == []


def test_truth_stands_beside_the_out_of_fold_rows(finished: Run, documents: Path) -> None:
    labels = pd.read_csv(documents / "train.csv").set_index("ID")["target"]
    rows = finished.oof.assign(label=finished.truth)
    assert (rows["label"] == rows["id"].map(labels)).all()
    assert finished.classes == ("ticket", "letter", "form")
