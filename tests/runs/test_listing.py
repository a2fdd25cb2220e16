"""Which runs there are, in what state, and which one a name means."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.errors import RunError
from toolkit.runs.folder import RunFolder
from toolkit.runs.listing import FINISHED, STOPPED, UNDER_WAY, find, run_folders, state
from toolkit.runs.lock import held, is_held


def make(runs: Path, name: str, *, finished: bool, written: float) -> RunFolder:
    folder = RunFolder(runs / name)
    folder.path.mkdir(parents=True)
    folder.plan.write_text(json.dumps({"hash": name.rpartition("-")[2], "recipe": {}}))
    os.utime(folder.plan, (written, written))
    if finished:
        folder.report.write_text("{}")
        os.utime(folder.report, (written, written))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two finished runs of b4, one of cpu that stopped, and a folder that is no run."""
    make(tmp_path, "b4-20260101-aaaa", finished=True, written=1000)
    make(tmp_path, "b4-20260102-bbbb", finished=True, written=3000)
    make(tmp_path, "cpu-20260101-cccc", finished=False, written=2000)
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_runs_are_listed_with_the_last_written_first(runs: Path) -> None:
    names = [folder.path.name for folder in run_folders(runs)]
    assert names == ["b4-20260102-bbbb", "cpu-20260101-cccc", "b4-20260101-aaaa"]


def test_a_folder_without_runs_lists_none(tmp_path: Path) -> None:
    assert run_folders(tmp_path / "nowhere") == []


def test_without_a_name_the_latest_finished_run_is_meant(runs: Path) -> None:
    assert find(None, runs).path == runs / "b4-20260102-bbbb"


def test_a_run_is_found_by_path_by_name_and_by_the_start_of_its_name(runs: Path) -> None:
    wanted = runs / "cpu-20260101-cccc"
    assert find(str(wanted), runs).path == wanted
    assert find("cpu-20260101-cccc", runs).path == wanted
    assert find("cpu", runs).path == wanted


def test_a_full_name_wins_over_a_longer_one_that_starts_alike(runs: Path) -> None:
    make(runs, "b4-20260101-aaaa-2", finished=True, written=4000)
    assert find("b4-20260101-aaaa", runs).path == runs / "b4-20260101-aaaa"


def test_a_start_that_fits_several_runs_names_them(runs: Path) -> None:
    with pytest.raises(RunError, match=r"b4: fits 2 runs \(b4-20260102-bbbb, b4-20260101-aaaa\)"):
        find("b4", runs)


def test_an_unknown_name_says_what_is_there(runs: Path) -> None:
    with pytest.raises(RunError, match="has no run coat; it holds b4-20260102-bbbb"):
        find("coat", runs)


def test_without_a_finished_run_the_way_to_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no finished run; make one with `toolkit run RECIPE`"):
        find(None, tmp_path)


def test_the_state_is_finished_stopped_or_under_way(runs: Path) -> None:
    stopped = RunFolder(runs / "cpu-20260101-cccc")
    assert state(RunFolder(runs / "b4-20260101-aaaa")) == FINISHED
    assert state(stopped) == STOPPED
    with held(stopped):
        look = f"""
from pathlib import Path
from toolkit.runs.folder import RunFolder
from toolkit.runs.listing import state
print(state(RunFolder(Path({str(stopped.path)!r}))))
"""
        command = [sys.executable, "-c", look]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == UNDER_WAY
    assert state(stopped) == STOPPED


def test_looking_at_the_lock_leaves_the_folder_as_it_was(runs: Path) -> None:
    folder = RunFolder(runs / "cpu-20260101-cccc")
    before = sorted(folder.path.iterdir())
    assert not is_held(folder)
    assert sorted(folder.path.iterdir()) == before
