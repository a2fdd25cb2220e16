"""Pulling the plug loses nothing: killed runs go on where they stopped, to the same bytes."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_run_says_how_to_go_on_and_tells_its_tracker(
    name: str, long_recipe: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    process = start(long_recipe, runs, "--set", "track.use=jsonl")
    wait_for(process, lambda: bool(list(runs.glob("*/folds/0/state.safetensors"))))
    process.send_signal(getattr(signal, name))
    _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, told
    assert "goes on where this one stopped" in told
    assert "Traceback" not in told
    (events,) = runs.glob("*/events.jsonl")
    last = json.loads(events.read_text().splitlines()[-1])
    assert last == {"event": "run_error", "error": f"KeyboardInterrupt: {name}"}


CRASHES = """
import os
from pathlib import Path
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.loss("native", "crashing:native", help="dies in native code in the second fold")


def native(facts, /):
    import ctypes
    from torch import nn

    class Native(nn.CrossEntropyLoss):
        def forward(self, logits, targets):
            runs = os.environ.get("CRASH_IN")
            if runs and list(Path(runs).glob("*/folds/1/state.safetensors")):
                ctypes.string_at(0)
            return super().forward(logits, targets)

    return Native()
"""


@pytest.mark.slow
def test_a_run_that_dies_in_native_code_is_told_and_goes_on(
    long_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crashing.py").write_text(CRASHES)
    info = tmp_path / "crashing-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: crashing\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[toolkit]\ncrash = crashing\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    text = long_recipe.read_text().replace('use = "focal"\nalpha = 0.5', 'use = "crash.native"')
    long_recipe.write_text(text.replace("epochs = 12", "epochs = 3"))
    runs = tmp_path / "runs"
    monkeypatch.setenv("CRASH_IN", str(runs))
    crashed = start(long_recipe, runs)
    _, told = crashed.communicate(timeout=SECONDS)
    assert crashed.returncode == 2, told
    (folder,) = runs.iterdir()
    line = next(line for line in told.splitlines() if "SIGSEGV" in line)
    assert line.startswith(f"{folder}: toolkit run was ended by SIGSEGV")
    assert "in fold 2 of 2, training in epoch 2 of 3" in line
    assert "The same command goes on" in told
    log = (folder / "log.txt").read_text()
    assert "crashing.py" in log
    assert line.split(" (a fault")[0] in log
    monkeypatch.delenv("CRASH_IN")
    again = start(long_recipe, runs)
    _, told = again.communicate(timeout=SECONDS)
    assert again.returncode == 0, told
    assert "fold 1: resumed behind epoch 1" in told


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
