"""MLflow: what was logged, read back with its own client."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import toolkit
from toolkit.contracts import RunInfo, TrialInfo

pytest.importorskip("mlflow", reason='pip install "toolkit-trackers[mlflow]"')

import mlflow

from toolkit_trackers.mlflow import MLflow

# MLflow 3.17 still uses a loader that SQLAlchemy 2.1 calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader:DeprecationWarning")

REPORT = {"scores": {"oof": {"clean": {"macro_f1": 0.75}}}}


class Logged:
    """The MLflow runs of a store."""

    def __init__(self, uri: str, experiment: str = "toolkit") -> None:
        self.client = mlflow.MlflowClient(tracking_uri=uri)
        self.experiment = self.client.get_experiment_by_name(experiment)
        found = self.client.search_runs([self.experiment.experiment_id])
        self.runs: dict[str, Any] = {run.info.run_name: run for run in found}

    def curve(self, run: Any, name: str) -> dict[int, float]:
        history = self.client.get_metric_history(run.info.run_id, name)
        return {metric.step: metric.value for metric in history}


def store(folder: str | Path) -> str:
    return f"sqlite:///{folder}/tracking/mlflow.db"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without runs: making its tables takes longer than all else that is tested here."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def run_info(run_info: RunInfo, empty_store: Path) -> RunInfo:
    """The run of the other tests, with an empty store in its folder."""
    folder = Path(run_info.folder, "tracking")
    folder.mkdir()
    shutil.copy(empty_store, folder)
    return run_info


def test_a_run_is_read_back_whole(
    tmp_path: Path, write_recipe: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = tmp_path / "desk"
    desk.mkdir()
    monkeypatch.chdir(desk)
    run = toolkit.run(write_recipe(tmp_path, "trackers.mlflow"), runs=tmp_path / "runs")
    assert list(desk.iterdir()) == []  # all of it lies in the run folder
    logged = Logged(store(run.path))
    found = logged.runs[run.path.name]
    assert found.info.status == "FINISHED"
    assert found.info.artifact_uri.startswith(run.path.resolve().as_uri())
    assert found.data.tags["toolkit.plan"] == run.report["plan"]
    assert found.data.params["loss.use"] == "focal"
    assert found.data.params["loss.alpha"] == "0.5"
    for fold in range(2):
        history = pd.read_csv(run.path / "folds" / str(fold) / "history.csv")
        for name in ("train_loss", "clean_f1", "lr"):
            expected = pytest.approx({1: history[name][0], 2: history[name][1]})
            assert logged.curve(found, f"fold{fold}/{name}") == expected
        score = run.report["scores"]["folds"][fold]["accuracy"]
        assert found.data.metrics[f"fold{fold}/oof/accuracy"] == pytest.approx(score)
    clean = run.report["scores"]["oof"]["clean"]
    assert found.data.metrics["oof/clean/macro_f1"] == pytest.approx(clean["macro_f1"])


def test_a_run_that_fails_is_marked_as_failed(run_info: RunInfo) -> None:
    tracker = MLflow(run_info)
    tracker.toolkit_run_start(run=run_info)
    tracker.toolkit_run_error(error=ValueError("out of luck"))
    (found,) = Logged(store(run_info.folder)).runs.values()
    assert found.info.status == "FAILED"
    assert found.data.tags["toolkit.error"] == "ValueError: out of luck"


def test_a_resumed_run_goes_on_in_the_same_mlflow_run(run_info: RunInfo) -> None:
    killed = MLflow(run_info)
    killed.toolkit_run_start(run=run_info)
    killed.toolkit_epoch_end(fold=0, epoch=1, metrics={"epoch": 1, "clean_f1": 0.25})
    killed.toolkit_run_error(error=KeyboardInterrupt())
    moved = {**run_info.recipe, "data": {"root": "elsewhere"}}  # allowed at a resume
    resumed = RunInfo(run_info.name, run_info.folder, run_info.plan, moved)
    again = MLflow(resumed)
    again.toolkit_run_start(run=resumed)
    logged = Logged(store(run_info.folder))
    assert [run.info.status for run in logged.runs.values()] == ["RUNNING"]
    again.toolkit_epoch_end(fold=0, epoch=2, metrics={"epoch": 2, "clean_f1": 0.5})
    again.toolkit_run_end(report=REPORT)
    logged = Logged(store(run_info.folder))
    (found,) = logged.runs.values()
    assert found.info.status == "FINISHED"
    assert logged.curve(found, "fold0/clean_f1") == {1: 0.25, 2: 0.5}


@pytest.mark.slow
def test_a_killed_run_is_told_to_the_end(killed_and_resumed: Callable[[str], Path]) -> None:
    logged = Logged(store(killed_and_resumed("trackers.mlflow")))
    (found,) = logged.runs.values()
    # A tracker is told of an epoch when its state is saved: the kill may fall in between.
    lost = set(range(1, 13)) - logged.curve(found, "fold1/clean_f1").keys()
    assert len(lost) <= 1
    assert list(logged.curve(found, "fold0/clean_f1")) == list(range(1, 13))
    assert found.info.status == "FINISHED"


def test_many_runs_can_share_a_store(run_info: RunInfo, tmp_path: Path, empty_store: Path) -> None:
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path / 'shared.db')}"
    other = RunInfo("other", str(tmp_path / "runs" / "other-20260709-2b"), "2b", {})
    for info in (run_info, other):
        tracker = MLflow(info, tracking_uri=uri, experiment="losses")
        tracker.toolkit_run_start(run=info)
        tracker.toolkit_run_end(report=REPORT)
    assert sorted(Logged(uri, "losses").runs) == ["other-20260709-2b", "tiny-20260708-1f3a9c20"]


def test_a_recipe_of_many_and_odd_keys_is_logged_whole(run_info: RunInfo) -> None:
    patches = {f"page {n} (2).png": n for n in range(150)}  # more than MLflow takes at once
    run = RunInfo(
        "tiny", run_info.folder, "1f", {"labels": {"patches": patches}, "note": "x" * 900}
    )
    MLflow(run).toolkit_run_start(run=run)
    (found,) = Logged(store(run.folder)).runs.values()
    assert len(found.data.params) == 151
    assert found.data.params["labels.patches.page 7 _2_.png"] == "7"
    assert found.data.params["note"] == "x" * 900


def test_each_trial_of_a_study_is_a_run(run_info: RunInfo) -> None:
    tracker = MLflow(run_info)
    lost = TrialInfo(0, "pruned", {"optimizer.lr": 1.0}, None, {1: 0.25})
    won = TrialInfo(1, "complete", {"optimizer.lr": 0.5}, 0.75, {1: 0.5, 2: 0.75})
    for trial in (lost, won):
        tracker.toolkit_trial_end(study=run_info, trial=trial)
    logged = Logged(store(run_info.folder))
    study = Path(run_info.folder).name
    first, second = (logged.runs[f"{study}-trial{n}"] for n in range(2))
    assert (first.info.status, second.info.status) == ("KILLED", "FINISHED")
    assert second.data.params == {"optimizer.lr": "0.5"}
    assert second.data.metrics["value"] == 0.75
    assert logged.curve(second, "intermediate") == {1: 0.5, 2: 0.75}
    assert second.data.tags["toolkit.study"] == study


def test_usage_statistics_stay_at_home(run_info: RunInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    MLflow(run_info)
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
