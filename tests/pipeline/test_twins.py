"""A run with twins: robust rows and scores beside the clean ones, wherever scores stand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import toolkit
from toolkit.cli import run_command
from toolkit.contracts import Event
from toolkit.predict.files import all_twins, read_predictions, variants_in
from toolkit.report.keys import HISTORY, REPORT
from toolkit.runs.opened import Run

TWINS = {"validate.twins.use": "scanned"}
ROBUST = {**TWINS, "validate.monitor": "robust_f1"}


class Told:
    """Counts training steps, and keeps what a run says."""

    def __init__(self) -> None:
        self.steps, self.messages, self.stages = 0, list[str](), list[str]()

    def __call__(self, event: Event) -> None:
        self.steps += event.stage == "train"
        if event.stage == "message":
            self.messages.append(event.text)
        if event.stage == "stage":
            self.stages.append(event.text)


@pytest.fixture(scope="module")
def run(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The finished run's recipe, with two twins of each validation image, by which it trains."""
    runs = tmp_path_factory.mktemp("twins") / "runs"
    overrides = {**ROBUST, "validate.twins.count": 2}
    return toolkit.run(finished.folder.recipe, overrides=overrides, runs=runs)


def carried_out(
    finished: Run, runs: Path, overrides: Mapping[str, Any], **how: Any
) -> tuple[Run, Told]:
    told = Told()
    recipe = finished.folder.recipe
    return toolkit.run(recipe, overrides=overrides, runs=runs, notify=told, **how), told


def f1(rows: pd.DataFrame, truth: pd.Series[int], variants: list[str]) -> float:
    """Macro-F1 of the mean view, by scikit-learn."""
    from sklearn.metrics import f1_score

    chosen = rows["variant"].isin(variants) & (rows["view"] == "mean")
    predicted = rows[chosen].filter(like="p_").to_numpy().argmax(axis=1)
    return float(f1_score(truth[chosen], predicted, average="macro"))


def test_every_original_has_a_row_of_each_variant(run: Run) -> None:
    rows = run.oof[run.oof["view"] == "mean"]
    assert set(rows["variant"]) == {"clean", "robust", "robust.2"}
    ids = sorted(pd.read_csv(run.folder.folds, dtype=str)["id"])
    for _, of_variant in rows.groupby("variant"):
        assert sorted(of_variant["id"]) == ids
        assert (of_variant["id"] == of_variant["parent"]).all()
    # Its own fold's model predicted it, as it predicted the image.
    folds = rows.pivot(index="id", columns="variant", values="fold")
    assert (folds["clean"] == folds["robust"]).all()
    # Views of twins are kept as those of images are.
    assert set(run.oof["view"]) == {"mean", "identity", "rot180"}
    assert len(run.oof) == 3 * 3 * len(ids)


def test_twins_are_other_images(run: Run) -> None:
    probabilities = {
        v: run.oof[(run.oof["variant"] == v) & (run.oof["view"] == "mean")]
        .sort_values("id")
        .filter(like="p_")
        .to_numpy()
        for v in ("clean", "robust", "robust.2")
    }
    for one, other in (("clean", "robust"), ("robust", "robust.2")):
        same = (probabilities[one] == probabilities[other]).all(axis=1)
        assert same.mean() < 0.5


def test_the_test_rows_have_no_twins(run: Run) -> None:
    assert run.test is not None
    assert set(run.test["variant"]) == {"clean"}


def test_the_report_scores_all_twins_with_their_interval(run: Run) -> None:
    clean, robust = (run.report["scores"]["oof"][v] for v in ("clean", "robust"))
    assert clean["macro_f1"] == pytest.approx(f1(run.oof, run.truth, ["clean"]))
    assert robust["macro_f1"] == pytest.approx(f1(run.oof, run.truth, ["robust", "robust.2"]))
    assert robust.keys() == clean.keys()
    low, high = robust["intervals"]["macro_f1"]
    assert low <= robust["macro_f1"] <= high
    assert run.report["monitor"] == "robust_f1"
    assert (run.report["twins"]["use"], run.report["twins"]["count"]) == ("scanned", 2)


def test_an_epoch_and_a_fold_tell_robust_scores_beside_clean_ones(run: Run) -> None:
    for row in run.report["scores"]["folds"]:
        history = pd.read_csv(run.folder.fold(row["fold"]).history)
        for name in ("f1", "accuracy", "log_loss"):
            assert {f"clean_{name}", f"robust_{name}"} <= {*history.columns}
            assert f"robust_{name}" in row
        blend = (history["clean_f1"] + history["robust_f1"]) / 2
        np.testing.assert_allclose(history["blend"], blend)
        assert row["best_epoch"] == history["robust_f1"].idxmax() + 1
        rows, _ = read_predictions(run.folder.fold(row["fold"]).oof)
        truth = rows["id"].map(
            pd.read_csv(run.folder.folds, dtype={"id": str}).set_index("id")["label"]
        )
        assert row["robust_f1"] == pytest.approx(f1(rows, truth, ["robust", "robust.2"]))


def test_the_hash_of_the_twins_stands_in_manifest_and_predictions(
    run: Run, finished: Run, tmp_path: Path
) -> None:
    digest = run.manifest["twins"]
    assert len(digest) == 32
    assert "twins" not in finished.manifest
    for file in (run.folder.oof, run.folder.fold(0).oof, run.folder.test):
        assert read_predictions(file)[1].twins == digest
    other, _ = carried_out(finished, tmp_path / "runs", {**ROBUST, "validate.seed": 7})
    assert other.manifest["twins"] != digest


def test_the_page_shows_robust_beside_clean_with_its_interval(run: Run) -> None:
    page = run.folder.page.read_text()
    robust = run.report["scores"]["oof"]["robust"]
    low, high = robust["intervals"]["macro_f1"]
    assert f"robust: {robust['macro_f1']:.3f}, 95% interval {low:.3f} to {high:.3f}" in page
    assert "out-of-fold, robust" in page
    assert run.report["twins"]["meaning"] in page
    assert "Macro-F1 on twins" in page


def test_commands_show_robust_beside_clean(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: object) -> list[str]:
        assert run_command([str(argument) for argument in arguments]) == 0
        return capsys.readouterr().out.splitlines()

    clean, robust = (run.report["scores"]["oof"][v]["macro_f1"] for v in ("clean", "robust"))
    shown = [re.sub(" +", " ", line) for line in said("runs", "show", run.path)]
    assert "score clean 95% interval robust 95% interval" in shown
    assert any(line.startswith(f"macro_f1 {clean:.4f}") for line in shown)
    assert "fold macro_f1 robust_f1 best epoch seconds images/s" in shown
    head, row = said("runs", "--runs", run.path.parent)
    assert head.split()[-3:] == ["robust", "test", "time"]
    assert row.split()[-2] == f"{robust:.4f}"  # there is no test score
    copy = tmp_path / run.path.name
    shutil.copytree(run.path, copy)
    lines = said("score", copy, "--labels", copy / "submission.csv")
    head, row = lines[1:3]
    assert "clean out-of-fold  robust out-of-fold  test" in head
    assert "test - robust" in head
    assert row.split()[:4] == ["macro_f1", f"{clean:.4f}", f"{robust:.4f}", "1.0000"]
    assert row.split()[-1] == f"{1 - robust:+.4f}"


def test_a_run_folder_opens_with_its_twins(run: Run) -> None:
    opened = toolkit.open_run(run.path)
    assert variants_in(opened.oof) == ["clean", "robust", "robust.2"]
    assert opened.truth.notna().all()
    twins = all_twins(opened.oof, opened.classes)
    assert twins is not None
    assert len(twins.ids) == 2 * opened.report["rows"]["validated"]


def test_a_second_start_finds_the_twins_drawn(
    run: Run, finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object) -> None:
        raise AssertionError("a twin was drawn again")

    monkeypatch.setattr("toolkit.data.twins.read_image", never)
    overrides = {**ROBUST, "validate.twins.count": 2}
    other, told = carried_out(finished, tmp_path / "runs", {**overrides, "train.epochs": 1})
    assert other.manifest["twins"] == run.manifest["twins"]
    assert "twins" in told.stages


def test_without_twins_nothing_of_them_is_told(finished: Run) -> None:
    assert variants_in(finished.oof) == ["clean"]
    assert "twins" not in finished.report
    assert [*finished.report["scores"]["oof"]] == ["clean"]
    assert not any("robust" in key for key in finished.report["scores"]["folds"][0])
    assert b'"twins"' not in finished.folder.oof.read_bytes()


def test_twins_that_only_score_meet_the_weights_that_are_there(
    finished: Run, tmp_path: Path
) -> None:
    """A monitor that reads clean images: other twins are predicted, and nothing is trained."""
    runs = tmp_path / "runs"
    shutil.copytree(finished.path, runs / finished.path.name)
    added, told = carried_out(finished, runs, TWINS)
    assert told.steps == 0
    assert sum("its weights are taken over" in text for text in told.messages) == 2
    clean = added.oof[added.oof["variant"] == "clean"].reset_index(drop=True)
    pd.testing.assert_frame_equal(clean, finished.oof)
    assert "robust" in added.report["scores"]["oof"]
    other, told = carried_out(finished, runs, {**TWINS, "validate.twins.noise": 90.0})
    assert told.steps == 0
    rows = [r.oof[r.oof["variant"] == "robust"]["p_0"].to_numpy() for r in (added, other)]
    assert (rows[0] != rows[1]).any()
    fold = other.report["scores"]["folds"][0]
    assert fold["robust_log_loss"] != added.report["scores"]["folds"][0]["robust_log_loss"]
    # And none is left where the next run has none.
    without, told = carried_out(finished, runs, {"name": "without"})
    assert told.steps == 0
    assert not any("robust" in key for key in without.report["scores"]["folds"][0])


def test_a_history_that_is_taken_over_keeps_no_scores_of_other_twins(
    finished: Run, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    first, told = carried_out(finished, runs, {**TWINS, "train.epochs": 1})
    assert told.steps > 0
    columns = [*pd.read_csv(first.folder.fold(0).history).columns]
    assert {"robust_f1", "blend"} <= {*columns}
    for more in ({"validate.twins.noise": 90.0}, {"validate.twins.count": 2}, {"validate.seed": 3}):
        other, told = carried_out(finished, runs, {**TWINS, "train.epochs": 1, **more})
        assert told.steps == 0
        ours = pd.read_csv(other.folder.fold(0).history)
        assert not {"robust_f1", "blend"} & {*ours.columns}
        assert "clean_f1" in ours.columns
    # The other run's own history is as it was.
    assert [*pd.read_csv(first.folder.fold(0).history).columns] == columns


@pytest.mark.parametrize(
    "more", [{"validate.twins.noise": 90.0}, {"validate.seed": 7}, {"validate.monitor": "blend"}]
)
def test_twins_that_decide_are_a_part_of_training(
    run: Run, finished: Run, tmp_path: Path, more: dict[str, Any]
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(run.path, runs / run.path.name)
    overrides = {**ROBUST, "validate.twins.count": 2}
    _, told = carried_out(finished, runs, {**overrides, "name": "same"})
    assert told.steps == 0
    _, told = carried_out(finished, runs, {**overrides, **more})
    assert told.steps > 0


def test_predictions_that_are_gone_are_made_again_with_their_twins(
    run: Run, finished: Run, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(run.path, runs / run.path.name)
    copy = Run(runs / run.path.name)
    wanted = copy.folder.oof.read_bytes(), copy.folder.fold(1).oof.read_bytes()
    copy.folder.oof.unlink()
    copy.folder.fold(1).oof.unlink()
    overrides = {**ROBUST, "validate.twins.count": 2}
    _, told = carried_out(finished, runs, overrides)
    assert told.steps == 0
    assert (copy.folder.oof.read_bytes(), copy.folder.fold(1).oof.read_bytes()) == wanted


def test_folds_side_by_side_read_the_twins_that_were_drawn(finished: Run, tmp_path: Path) -> None:
    overrides: dict[str, Any] = {**ROBUST, "train.epochs": 1}
    alone, _ = carried_out(finished, tmp_path / "alone", overrides)
    beside = {**overrides, "execute.use": "processes", "execute.cpus": 1}
    other, _ = carried_out(finished, tmp_path / "beside", beside)
    assert other.folder.oof.read_bytes() == alone.folder.oof.read_bytes()


def test_every_key_of_a_run_with_twins_is_explained(run: Run) -> None:
    known = [re.escape(key).replace(r"\*", ".*") for key in (*REPORT, *HISTORY)]

    def unknown(keys: Iterable[str]) -> list[str]:
        return [key for key in keys if not any(re.fullmatch(one, key) for one in known)]

    oof, folds = run.report["scores"]["oof"], run.report["scores"]["folds"]
    assert not unknown(f"scores.oof.robust.{key}" for key in oof["robust"] if key != "intervals")
    assert not unknown(f"scores.folds[].{key}" for key in folds[0])
    assert not unknown(f"twins.{key}" for key in run.report["twins"])
    assert not unknown(pd.read_csv(run.folder.fold(0).history).columns)
