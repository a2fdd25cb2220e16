"""The tracker in the box."""

from __future__ import annotations

import json
from pathlib import Path

from toolkit.builtin.trackers import jsonl
from toolkit.contracts import RunInfo


def test_every_event_is_a_line_of_json(tmp_path: Path) -> None:
    tracker = jsonl(RunInfo("b4", str(tmp_path), "1f3a", {}))
    tracker.toolkit_run_start(run=RunInfo("b4", str(tmp_path), "1f3a", {}))
    tracker.toolkit_fold_start(fold=0)
    tracker.toolkit_epoch_end(fold=0, epoch=1, metrics={"clean_f1": 0.5})
    tracker.toolkit_fold_end(fold=0, scores={"macro_f1": 0.5})
    tracker.toolkit_run_end(report={"scores": {"oof": 0.5}, "seconds": 3})
    tracker.toolkit_run_error(error=ValueError("no"))
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"event": "run_start", "name": "b4", "plan": "1f3a"},
        {"event": "fold_start", "fold": 0},
        {"event": "epoch_end", "fold": 0, "epoch": 1, "clean_f1": 0.5},
        {"event": "fold_end", "fold": 0, "macro_f1": 0.5},
        {"event": "run_end", "scores": {"oof": 0.5}},
        {"event": "run_error", "error": "ValueError: no"},
    ]


def test_the_file_stays_in_the_run_folder(tmp_path: Path) -> None:
    run = RunInfo("b4", str(tmp_path / "run"), "1f3a", {})
    assert jsonl(run, file="../../log.jsonl").file == tmp_path / "run" / "log.jsonl"
