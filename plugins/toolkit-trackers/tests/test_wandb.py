"""W&B: what was logged, read back from its offline files with its own record format."""

from __future__ import annotations

import json
import os
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import toolkit
from toolkit.contracts import RunInfo, TrialInfo

pytest.importorskip("wandb", reason='pip install "toolkit-trackers[wandb]"')

import wandb

from toolkit_trackers.wandb import WandB

BLOCK = 32768


def records(file: Path) -> Iterator[Any]:
    """The records of a `.wandb` file: LevelDB's log format (doc/log_format.md), blocks of 32 KiB
    with records of checksum, length, type and data, behind a header of seven bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, data = file.read_bytes(), 7, b""
    assert content[:4] == b":W&B"
    while place + 7 <= len(content):
        if BLOCK - place % BLOCK < 7:  # the rest of a block is padding
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        data += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            yield Record.FromString(data)
            data = b""


def pairs(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


class Logged:
    """What W&B was told under one ID, in the order of the starts."""

    def __init__(self, files: list[Path]) -> None:
        self.runs: list[Any] = []
        self.history: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self.exits: list[int] = []
        self.steps: dict[str, str] = {}
        for record in (record for file in files for record in records(file)):
            if record.HasField("run"):
                self.runs.append(record.run)
            elif record.HasField("history"):
                self.history.append(pairs(record.history.item))
            elif record.HasField("summary"):
                self.summary |= pairs(record.summary.update)
            elif record.HasField("metric") and record.metric.step_metric:
                self.steps[record.metric.glob_name] = record.metric.step_metric
            elif record.HasField("exit"):
                self.exits.append(record.exit.exit_code)

    @property
    def config(self) -> dict[str, Any]:
        return pairs(self.runs[-1].config.update)

    def curve(self, name: str, step: str = "epoch") -> dict[int, float]:
        return {row[step]: row[name] for row in self.history if name in row}


def logged(folder: str | Path) -> dict[str, Logged]:
    """By display name, what was logged in a run folder."""
    wandb.teardown()  # waits until its process has written everything
    by_id: dict[str, list[Path]] = defaultdict(list)
    for file in sorted(Path(folder).glob("tracking/wandb/offline-run-*/run-*.wandb")):
        by_id[file.stem].append(file)
    found = [Logged(files) for files in by_id.values()]
    return {one.runs[0].display_name: one for one in found}


def test_a_run_is_read_back_whole(
    tmp_path: Path, write_recipe: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = tmp_path / "desk"
    desk.mkdir()
    monkeypatch.chdir(desk)
    run = toolkit.run(write_recipe(tmp_path, "trackers.wandb"), runs=tmp_path / "runs")
    found = logged(run.path)[run.path.name]
    assert list(desk.iterdir()) == []  # all of it lies in the run folder
    assert found.config["loss"] == {"use": "focal", "gamma": 2.0, "alpha": 0.5}
    assert found.config["plan"] == run.report["plan"]
    (described,) = found.runs
    assert described.project == "toolkit"
    assert found.steps == {"*": "epoch"}
    for fold in range(2):
        history = pd.read_csv(run.path / "folds" / str(fold) / "history.csv")
        for name in ("train_loss", "clean_f1", "lr"):
            expected = pytest.approx({1: history[name][0], 2: history[name][1]})
            assert found.curve(f"fold{fold}/{name}") == expected
        score = run.report["scores"]["folds"][fold]["accuracy"]
        assert found.summary[f"fold{fold}/oof/accuracy"] == pytest.approx(score)
    clean = run.report["scores"]["oof"]["clean"]
    assert found.summary["oof/clean/macro_f1"] == pytest.approx(clean["macro_f1"])
    assert found.exits == [0]


def test_a_run_that_fails_is_marked_as_failed(run_info: RunInfo) -> None:
    tracker = WandB(run_info)
    tracker.toolkit_run_start(run=run_info)
    tracker.toolkit_run_error(error=ValueError("out of luck"))
    (found,) = logged(run_info.folder).values()
    assert found.summary["error"] == "ValueError: out of luck"
    assert found.exits == [1]


def test_a_resumed_run_goes_on_under_the_same_id(run_info: RunInfo) -> None:
    killed = WandB(run_info)
    killed.toolkit_run_start(run=run_info)
    killed.toolkit_epoch_end(fold=0, epoch=1, metrics={"epoch": 1, "clean_f1": 0.25})
    killed.toolkit_run_error(error=KeyboardInterrupt())
    time.sleep(1)  # the names of W&B's folders count seconds
    again = WandB(run_info)
    again.toolkit_run_start(run=run_info)
    again.toolkit_epoch_end(fold=0, epoch=2, metrics={"epoch": 2, "clean_f1": 0.5})
    again.toolkit_run_end(report={"scores": {"oof": {"clean": {"macro_f1": 0.75}}}})
    (found,) = logged(run_info.folder).values()
    assert len(found.runs) == 2
    assert found.curve("fold0/clean_f1") == {1: 0.25, 2: 0.5}
    assert found.exits == [1, 0]


@pytest.mark.slow
def test_a_killed_run_is_told_to_the_end(killed_and_resumed: Callable[[str], Path]) -> None:
    folder = killed_and_resumed("trackers.wandb")
    files = list(folder.glob("tracking/wandb/offline-run-*/run-*.wandb"))
    assert len(files) == 2
    (found,) = logged(folder).values()  # both have one ID
    # W&B holds back what it is told for some seconds, and a kill loses that; nothing after it.
    told = sorted(found.curve("fold1/clean_f1"))
    assert told == list(range(told[0], 13))
    assert found.exits == [0]
    assert "oof/clean/macro_f1" in found.summary


def test_options_reach_wandb(run_info: RunInfo) -> None:
    tracker = WandB(run_info, project="pages", entity="lab", group="losses")
    tracker.toolkit_run_start(run=run_info)
    tracker.toolkit_run_end(report={"scores": {"oof": {}}})
    (found,) = logged(run_info.folder).values()
    (described,) = found.runs
    assert (described.project, described.entity) == ("pages", "lab")
    assert described.run_group == "losses"


def test_each_trial_of_a_study_is_a_run_of_the_studys_group(run_info: RunInfo) -> None:
    tracker = WandB(run_info)
    lost = TrialInfo(0, "pruned", {"optimizer.lr": 1.0}, None, {1: 0.1})
    won = TrialInfo(1, "complete", {"optimizer.lr": 1e-3}, 0.75, {1: 0.5, 2: 0.75})
    for trial in (lost, won):
        tracker.toolkit_trial_end(study=run_info, trial=trial)
    study, found = Path(run_info.folder).name, logged(run_info.folder)
    first, second = (found[f"{study}-trial{number}"] for number in range(2))
    assert {run.run_group for run in (*first.runs, *second.runs)} == {study}
    assert first.summary["state"] == "pruned"
    assert second.config["optimizer.lr"] == 1e-3
    assert second.summary["value"] == 0.75
    assert second.curve("value", step="_step") == {1: 0.5, 2: 0.75}


def test_offline_asks_the_network_for_nothing(
    run_info: RunInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_ERROR_REPORTING", raising=False)
    WandB(run_info)
    assert os.environ["WANDB_ERROR_REPORTING"] == "false"
