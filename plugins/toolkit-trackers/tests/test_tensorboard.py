"""TensorBoard: what was logged, read back with its own reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import toolkit
from toolkit.contracts import RunInfo, TrialInfo

pytest.importorskip("tensorboard", reason='pip install "toolkit-trackers[tensorboard]"')

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from toolkit_trackers.tensorboard import TensorBoard

REPORT = {"scores": {"oof": {"clean": {"macro_f1": 0.75}}}}


def logged(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def curve(found: EventAccumulator, name: str) -> dict[int, float]:
    return {event.step: event.value for event in found.Scalars(name)}


def texts(found: EventAccumulator, tag: str) -> list[str]:
    events = found.Tensors(f"{tag}/text_summary")
    return [event.tensor_proto.string_val[0].decode() for event in events]


def compared(found: EventAccumulator) -> dict[str, Any]:
    """The values of the HParams tab."""
    from tensorboard.plugins.hparams import plugin_data_pb2

    metadata = found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    session = plugin_data_pb2.HParamsPluginData.FromString(metadata).session_start_info
    kinds = ("number_value", "string_value", "bool_value")
    return {
        name: next(getattr(value, kind) for kind in kinds if value.HasField(kind))
        for name, value in session.hparams.items()
    }


def test_a_run_is_read_back_whole(
    tmp_path: Path, write_recipe: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = tmp_path / "desk"
    desk.mkdir()
    monkeypatch.chdir(desk)
    run = toolkit.run(write_recipe(tmp_path, "trackers.tensorboard"), runs=tmp_path / "runs")
    assert list(desk.iterdir()) == []  # all of it lies in the run folder
    folder = run.path / "tracking" / "tensorboard"
    whole = logged(folder)
    (recipe,) = texts(whole, "recipe")
    assert "| loss.alpha | `0.5` |" in recipe
    assert f"| plan | `{run.report['plan']}` |" in recipe
    for fold in range(2):
        history = pd.read_csv(run.path / "folds" / str(fold) / "history.csv")
        found = logged(folder / f"fold{fold}")
        for name in ("train_loss", "clean_f1", "lr"):
            assert curve(found, name) == pytest.approx({1: history[name][0], 2: history[name][1]})
        score = run.report["scores"]["folds"][fold]["accuracy"]
        assert curve(found, "oof/accuracy") == pytest.approx({0: score})
    clean = run.report["scores"]["oof"]["clean"]
    assert curve(whole, "oof/clean/macro_f1") == pytest.approx({0: clean["macro_f1"]})
    assert compared(whole)["loss.use"] == "focal"
    assert compared(whole)["loss.alpha"] == 0.5
    assert texts(whole, "status") == ["finished"]


def test_a_run_that_fails_is_marked_as_failed(run_info: RunInfo) -> None:
    tracker = TensorBoard(run_info)
    tracker.toolkit_run_start(run=run_info)
    tracker.toolkit_epoch_end(fold=0, epoch=1, metrics={"clean_f1": 0.25})
    tracker.toolkit_run_error(error=ValueError("out of luck"))
    assert texts(logged(tracker.folder), "status") == ["failed: ValueError: out of luck"]


def test_a_resumed_run_goes_on_in_the_same_curves(run_info: RunInfo) -> None:
    killed = TensorBoard(run_info)
    killed.toolkit_run_start(run=run_info)
    killed.toolkit_epoch_end(fold=0, epoch=1, metrics={"epoch": 1, "clean_f1": 0.25})
    again = TensorBoard(run_info)
    again.toolkit_run_start(run=run_info)
    again.toolkit_epoch_end(fold=0, epoch=2, metrics={"epoch": 2, "clean_f1": 0.5})
    again.toolkit_fold_end(fold=0, scores={"macro_f1": 0.5})
    again.toolkit_run_end(run=run_info, report=REPORT)
    assert curve(logged(again.folder / "fold0"), "clean_f1") == {1: 0.25, 2: 0.5}
    assert curve(logged(again.folder), "oof/clean/macro_f1") == {0: 0.75}


@pytest.mark.slow
def test_a_killed_run_is_told_to_the_end(killed_and_resumed: Callable[[str], Path]) -> None:
    folder = killed_and_resumed("trackers.tensorboard") / "tracking" / "tensorboard"
    # A tracker is told of an epoch when its state is saved: the kill may fall in between.
    lost = set(range(1, 13)) - curve(logged(folder / "fold1"), "clean_f1").keys()
    assert len(lost) <= 1
    assert list(curve(logged(folder / "fold0"), "clean_f1")) == list(range(1, 13))
    assert texts(logged(folder), "status") == ["finished"]


def test_many_runs_can_share_a_log_folder(run_info: RunInfo, tmp_path: Path) -> None:
    tracker = TensorBoard(run_info, folder=str(tmp_path / "logs"))
    tracker.toolkit_run_start(run=run_info)
    tracker.toolkit_run_end(run=run_info, report=REPORT)
    own = tmp_path / "logs" / Path(run_info.folder).name
    assert curve(logged(own), "oof/clean/macro_f1") == {0: 0.75}
    assert not (Path(run_info.folder) / "tracking").exists()


def test_the_trials_of_a_study_stand_side_by_side(run_info: RunInfo) -> None:
    tracker = TensorBoard(run_info)
    lost = TrialInfo(0, "pruned", {"optimizer.lr": 1.0}, None, {1: 0.25})
    won = TrialInfo(1, "complete", {"optimizer.lr": 0.5, "loss.alpha": "none"}, 0.75, {1: 0.5})
    for trial in (lost, won):
        tracker.toolkit_trial_end(trial=trial)
    assert compared(logged(tracker.folder / "trial0")) == {"optimizer.lr": 1.0, "state": "pruned"}
    best = logged(tracker.folder / "trial1")
    assert compared(best)["optimizer.lr"] == 0.5
    assert curve(best, "value") == {0: 0.75}
    assert curve(best, "intermediate") == {1: 0.5}
