"""Folds that are trained side by side, or by one command each: the same bytes, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

import toolkit
from toolkit.cli.options import executed
from toolkit.contracts import Event
from toolkit.errors import RunError, UserError
from toolkit.pipeline import run_plan
from toolkit.plugin.host import load_host
from toolkit.plugin.registry import Entry
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.runs.opened import Run
from toolkit.train.part import Part

SECONDS = 240
SAME = ("oof.parquet", "test.parquet", "submission.csv", "folds.csv")


def same_bytes(one: Path, other: Path) -> None:
    names = [*SAME, *(f"folds/{fold}/weights.safetensors" for fold in range(2))]
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_two_folds_side_by_side_give_the_bytes_of_one_after_the_other(
    finished: Run, tiny_recipe: Path, tmp_path: Path
) -> None:
    told: list[Event] = []
    overrides = {"execute.use": "processes", "execute.cpus": 1, "track.use": "jsonl"}
    run = toolkit.run(tiny_recipe, overrides=overrides, runs=tmp_path / "runs", notify=told.append)
    same_bytes(run.path, finished.path)
    epochs = [(event.data["fold"], event.data["epoch"]) for event in told if event.stage == "epoch"]
    assert sorted(epochs) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert json.loads((run.path / "manifest.json").read_text())["threads"] == 1
    # the tracker, which is here, hears of what happens there
    lines = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines].count("epoch_end") == 4
    assert {line["fold"] for line in lines if line["event"] == "fold_end"} == {0, 1}
    assert (lines[0]["event"], lines[-1]["event"]) == ("run_start", "run_end")


def plan_of(recipe: Path, **overrides: Any) -> Any:
    host = load_host()
    return make_plan(load_recipe(recipe, overrides, host), host)


def test_folds_trained_one_by_one_are_joined_to_the_same_bytes(
    finished: Run, tiny_recipe: Path, tmp_path: Path
) -> None:
    plan, runs = plan_of(tiny_recipe), tmp_path / "runs"
    told: list[str] = []

    def part(part: Part) -> Run:
        return run_plan(plan, runs=runs, part=part, notify=lambda e: told.append(e.text))

    run = part(Part(fold=1))
    assert not run.folder.finished
    assert f"{run.path}: fold 1 is done; missing: 0" in told
    with pytest.raises(RunError, match="fold 0 of 2 is missing; train it with --fold 0"):
        part(Part(join=True))
    trained = (run.path / "folds/1/weights.safetensors").stat().st_mtime_ns
    part(Part(fold=0))
    assert f"{run.path}: fold 0 is done; no fold is missing: --join ends the run" in told
    assert part(Part(join=True)).path == run.path
    same_bytes(run.path, finished.path)
    assert (run.path / "folds/1/weights.safetensors").stat().st_mtime_ns == trained


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (Part(fold=2), "--fold 2: the folds are 0 to 1"),
        (Part(fold=0, join=True), "give one of them"),
    ],
)
def test_a_part_that_a_run_does_not_have_is_refused(
    part: Part, text: str, tiny_recipe: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=text):
        run_plan(plan_of(tiny_recipe), runs=tmp_path / "runs", part=part)
    assert not (tmp_path / "runs").exists()


def test_local_refuses_to_do_several_at_once(tiny_recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"execute\.workers = 2: local does one job after the other"
    ):
        toolkit.run(tiny_recipe, overrides={"execute.workers": 2}, runs=tmp_path / "runs")


def test_where_it_runs_is_outside_of_the_plans_hash(tiny_recipe: Path) -> None:
    one, other = plan_of(tiny_recipe), plan_of(tiny_recipe, **{"execute.use": "processes"})
    assert one.hash("data") == other.hash("data")
    assert one.training_facts() == other.training_facts()
    assert one.components == other.components


def test_a_plugins_only_executor_goes_by_the_plugins_name() -> None:
    host = load_host({"TOOLKIT_PLUGINS": ""})
    assert executed(host, None, None, None) == {}
    assert executed(host, 3, None, None) == {"execute.use": "processes", "execute.workers": 3}
    entry = Entry("executor", "acme.grid", "acme:grid", "a grid", "acme", "acme-vision", "1")
    host.registry.add([entry])
    laid = {"execute.use": "acme.grid", "execute.address": "here"}
    assert executed(host, None, "acme", "here") == laid
    host.registry.add([replace(entry, name="acme.other")])
    assert executed(host, None, "acme", None) == {"execute.use": "acme"}  # which one, is asked


# What happens to commands and their processes.


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


def done(process: subprocess.Popen[str], code: int = 0) -> str:
    out, told = process.communicate(timeout=SECONDS)
    assert process.returncode == code, told
    assert "Traceback" not in told
    return out + told


def states(runs: Path) -> list[Path]:
    return list(runs.glob("*/folds/*/state.safetensors"))


def holders(runs: Path) -> dict[int, int]:
    """The process that trains each fold."""
    return {
        int(file.parent.name): json.loads(file.read_text())["pid"]
        for file in runs.glob("*/folds/*/.lease")
    }


@pytest.fixture
def long_recipe(tiny_recipe: Path) -> Path:
    """Long enough to be killed in the middle."""
    tiny_recipe.write_text(tiny_recipe.read_text().replace("epochs = 2", "epochs = 12"))
    return tiny_recipe


@pytest.fixture(scope="module")
def whole(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the long recipe that nobody disturbed."""
    runs = tmp_path_factory.mktemp("whole")
    recipe = finished.path / "recipe.toml"
    return toolkit.run(recipe, overrides={"train.epochs": 12}, runs=runs).path


@pytest.mark.slow
def test_a_fold_whose_process_is_killed_goes_on_behind_its_last_epoch(
    long_recipe: Path, tmp_path: Path, whole: Path
) -> None:
    runs = tmp_path / "runs"
    process = start(long_recipe, runs, "--workers", "2")
    wait_for(process, lambda: len(states(runs)) == 2 and len(holders(runs)) == 2)
    os.kill(holders(runs)[1], signal.SIGKILL)
    told = done(process)
    assert "fold 1 was ended by SIGKILL; often the system's memory ran out" in told
    assert "fold 1: resumed behind epoch" in told
    (run,) = runs.iterdir()
    same_bytes(run, whole)
    assert not list(run.glob("folds/*/.*"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interruption_reaches_the_workers_and_loses_nothing(
    name: str, long_recipe: Path, tmp_path: Path, whole: Path
) -> None:
    runs = tmp_path / "runs"
    process = start(long_recipe, runs, "--workers", "2")
    wait_for(process, lambda: len(states(runs)) == 2)
    workers = holders(runs).values()
    process.send_signal(getattr(signal, name))
    told = done(process, 130)
    assert "goes on where this one stopped" in told
    assert not any(psutil.pid_exists(pid) for pid in workers)
    assert "resumed behind epoch" in done(start(long_recipe, runs, "--workers", "2"))
    (run,) = runs.iterdir()
    same_bytes(run, whole)


@pytest.mark.slow
def test_a_killed_command_takes_its_workers_with_it(
    long_recipe: Path, tmp_path: Path, whole: Path
) -> None:
    runs = tmp_path / "runs"
    process = start(long_recipe, runs, "--workers", "2")
    wait_for(process, lambda: len(states(runs)) == 2)
    workers = list(holders(runs).values())
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert (
        psutil.wait_procs([psutil.Process(p) for p in workers if psutil.pid_exists(p)], 30)[1] == []
    )
    second = start(long_recipe, runs, "--workers", "2")
    done(second)
    (run,) = runs.iterdir()
    same_bytes(run, whole)


@pytest.mark.slow
def test_a_fold_that_always_dies_is_told_and_the_other_is_kept(
    long_recipe: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    process = start(long_recipe, runs, "--workers=1", "--on=processes", "--set=train.epochs=500")
    killed = [0]
    for _ in range(4):
        wait_for(process, lambda: holders(runs).get(0, 0) not in killed)
        killed.append(holders(runs)[0])
        os.kill(killed[-1], signal.SIGKILL)
    told = done(process, 2)
    assert "fold 0 was ended by SIGKILL, each of the 4 times that it was tried" in told


@pytest.mark.slow
def test_of_two_starts_the_second_is_refused(long_recipe: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    first = start(long_recipe, runs, "--workers", "2", "--set", "train.epochs=500")
    wait_for(first, lambda: len(states(runs)) == 2)
    for options in (["--workers", "2"], [], ["--fold", "1"]):
        told = done(start(long_recipe, runs, "--set", "train.epochs=500", *options), 2)
        assert f"under way (process {first.pid}" in told
    first.terminate()
    done(first, 130)


@pytest.mark.slow
def test_an_array_of_jobs_trains_a_run_together(
    long_recipe: Path, tmp_path: Path, whole: Path
) -> None:
    runs = tmp_path / "runs"
    jobs = [start(long_recipe, runs, "--fold", str(fold)) for fold in range(2)]
    wait_for(jobs[1], lambda: bool(list(runs.glob("*/folds/1/state.safetensors"))))
    os.kill(holders(runs)[1], signal.SIGSTOP)  # so that it is still there when its twin comes
    twin = done(start(long_recipe, runs, "--fold", "1"), 2)
    assert "folds/1: this fold is under way (process " in twin
    jobs[1].kill()  # one of them is preempted
    jobs[1].communicate()
    done(jobs[0])
    told = done(start(long_recipe, runs, "--join"), 2)
    assert "fold 1 of 2 is missing; train it with --fold 1" in told
    assert "fold 1: resumed behind epoch" in done(start(long_recipe, runs, "--fold", "1"))
    done(start(long_recipe, runs, "--join"))
    (run,) = runs.iterdir()
    same_bytes(run, whole)
