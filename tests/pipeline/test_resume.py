"""Pulling the plug loses nothing: killed runs go on where they stopped, to the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SECONDS = 120


def start(recipe: Path, runs: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "toolkit", "run", str(recipe), "--runs", str(runs), *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command,
        stdout=pipe,
        stderr=pipe,
        text=True,
        cwd=recipe.parent,
        # A shell's background job ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(process: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def long_recipe(tiny_recipe: Path) -> Path:
    """Long enough to be killed in the middle."""
    text = tiny_recipe.read_text().replace("epochs = 2", "epochs = 12")
    tiny_recipe.write_text(text)
    return tiny_recipe


def test_a_run_killed_in_its_second_fold_ends_with_the_same_bytes(
    long_recipe: Path, tmp_path: Path
) -> None:
    whole = start(long_recipe, tmp_path / "whole")
    _, told = whole.communicate(timeout=SECONDS)
    assert whole.returncode == 0, told
    runs = tmp_path / "killed"
    killed = start(long_recipe, runs)
    wait_for(killed, lambda: bool(list(runs.glob("*/folds/1/state.safetensors"))))
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    (folder,) = runs.iterdir()
    assert not (folder / "report.json").exists()
    first_fold = (folder / "folds/0/weights.safetensors").stat().st_mtime_ns
    again = start(long_recipe, runs)
    _, told = again.communicate(timeout=SECONDS)
    assert again.returncode == 0, told
    assert "fold 1: resumed behind epoch" in told
    assert [folder] == list(runs.iterdir())
    assert (folder / "folds/0/weights.safetensors").stat().st_mtime_ns == first_fold
    (uninterrupted,) = (tmp_path / "whole").iterdir()
    for name in ("oof.parquet", "test.parquet", "submission.csv", "folds.csv"):
        assert (folder / name).read_bytes() == (uninterrupted / name).read_bytes(), name


def test_an_interrupted_run_says_how_to_go_on(long_recipe: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    process = start(long_recipe, runs)
    wait_for(process, lambda: bool(list(runs.glob("*/folds/0/state.safetensors"))))
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, told
    assert "goes on where this one stopped" in told
    assert "Traceback" not in told


def test_the_second_of_two_starts_says_so_and_stops(long_recipe: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    long_recipe.write_text(long_recipe.read_text().replace("epochs = 12", "epochs = 5000"))
    first = start(long_recipe, runs)
    wait_for(first, lambda: bool(list(runs.glob("*/.lock-holder"))))
    second = start(long_recipe, runs)
    _, told = second.communicate(timeout=SECONDS)
    assert second.returncode == 2, told
    assert f"under way (process {first.pid}" in told
    assert first.poll() is None  # the first one goes on undisturbed
    assert len(list(runs.iterdir())) == 1
    first.kill()
    first.communicate()
