"""The components that docs/plugins.md shows beside the scaffold's do what it says of them, and
every key that a run writes is explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from toolkit.contracts import TEST_COLUMNS, TRAIN_COLUMNS, Event, RunInfo, TrialInfo
from toolkit.plugin.observers import tracker_hooks
from toolkit.report.keys import HISTORY, PREDICTIONS, REPORT
from toolkit.runs.opened import Run

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


def shown(name: str) -> Any:
    """What the page defines under a name, run as it stands."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (code,) = [block for block in blocks if f"def {name}(" in block]
    names: dict[str, Any] = {"__name__": "docs"}
    exec(compile(code, PAGE.name, "exec", dont_inherit=True), names)
    return names[name]


def test_the_source_draws_its_pages_once_and_reads_a_table(tmp_path: Path) -> None:
    source = shown("stripes")(count=12, folder=str(tmp_path / "pages"))
    told: list[Event] = []
    source.prepare(told.append)
    assert (told[-1].stage, told[-1].done, told[-1].total) == ("prepare", 12, 12)
    written = {file: file.stat().st_mtime_ns for file in (tmp_path / "pages").iterdir()}
    source.prepare(told.append)
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "pages").iterdir()} == written
    table = source.read()
    assert set(table.train.columns) == set(TRAIN_COLUMNS)
    assert set(table.test.columns) == set(TEST_COLUMNS)
    assert source.test_labels()["label"].tolist() == [0, 1, 0, 1]


def test_the_tracker_writes_a_line_a_fold_and_a_trial(tmp_path: Path) -> None:
    info = RunInfo("x", str(tmp_path), "0", {})
    hooks = tracker_hooks("best", shown("best")(info))
    hooks.toolkit_fold_end(run=info, fold=1, scores={"macro_f1": 0.5})
    hooks.toolkit_trial_end(study=info, trial=TrialInfo(3, "failed", {"lr": 1}, None, reason="x"))
    assert (tmp_path / "best.txt").read_text().splitlines() == [
        "fold 1: 0.5000",
        "trial 3 {'lr': 1}: failed, x",
    ]


def test_the_command_lists_what_is_wrong(finished: Run, capsys: pytest.CaptureFixture[str]) -> None:
    shown("wrong")(str(finished.path))
    lines = capsys.readouterr().out.splitlines()
    clean = finished.report["scores"]["oof"]["clean"]
    assert len(lines) == round(24 * (1 - clean["accuracy"]))


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """The keys of a report as docs write them."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from leaves(value[0], f"{path}[]")
    else:
        yield path


def test_every_key_of_a_report_is_explained(finished: Run) -> None:
    found = set(leaves(finished.report))
    unknown = {key for key in found if key not in REPORT and not key.startswith("seconds.")}
    unknown -= {"set_aside", "trackers_dropped", "forecast.checks"}  # empty here
    assert not unknown, f"say what they mean in toolkit/report/keys.py: {sorted(unknown)}"
    there = {"submission", "scores.folds[].run", "forecast"} | {
        key for key in REPORT if key.endswith("*")
    }
    of_some = ("set_", "trackers_", "forecast.checks", "twins.")
    there |= {key for key in REPORT if key.startswith(of_some)}
    there |= {"scores.folds[].blend", "scores.folds[].twins"}  # of a run with twins
    assert set(REPORT) - found == there


def test_every_column_of_a_history_and_of_predictions_is_explained(finished: Run) -> None:
    history = pd.read_csv(finished.folder.fold(0).history)
    always = {key for key in HISTORY if not key.endswith("*")} - {"blend"}
    assert set(history.columns) == always
    keys = [key for key in PREDICTIONS if not key.startswith("p_")]
    assert list(finished.oof.columns[: len(keys)]) == keys
