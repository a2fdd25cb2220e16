"""Folds on a cluster: the bytes of a run on one machine, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cluster = Callable[[int], Any]

SECONDS = 400


def start(recipe: Path, runs: Path, *options: str) -> subprocess.Popen[str]:
    """`toolkit run`, of one thread a fold."""
    command = [sys.executable, "-m", "toolkit", "run", str(recipe), "--runs", str(runs), *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=recipe.parent)


def done(process: subprocess.Popen[str], code: int = 0) -> str:
    out, told = process.communicate(timeout=SECONDS)
    assert process.returncode == code, told
    assert "Traceback" not in told
    return out + told


def wait_for(process: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def same_bytes(one: Path, other: Path) -> None:
    names = ["oof.parquet", "folds.csv", *(f"folds/{n}/weights.safetensors" for n in range(2))]
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def trainers(runs: Path) -> dict[int, int]:
    """The process that trains each fold."""
    files = runs.glob("*/folds/*/.lease")
    return {int(f.parent.name): json.loads(f.read_text() or "{}").get("pid", 0) for f in files}


def caught(process: subprocess.Popen[str], runs: Path) -> tuple[int, int]:
    """A fold behind an epoch, and the process that trains it, which stands still from now on: it
    is not done when something happens to it."""
    found: list[tuple[int, int]] = []

    def happened() -> bool:
        for fold, pid in trainers(runs).items():
            if pid and list(runs.glob(f"*/folds/{fold}/state.safetensors")):
                os.kill(pid, signal.SIGSTOP)
                found.append((fold, pid))
                return True
        return False

    wait_for(process, happened)
    return found[0]


def one(runs: Path) -> Path:
    (run,) = runs.iterdir()
    return run


def node_of(cluster: Any, pid: int) -> Any:
    """The node whose raylet a process descends from."""
    import psutil

    above = {parent.pid for parent in psutil.Process(pid).parents()}
    for node in cluster.worker_nodes:
        processes = [p.process.pid for kind in node.all_processes.values() for p in kind]
        if above & set(processes):
            return node
    raise AssertionError("the process belongs to no node")


def test_a_run_on_ray_is_a_run_here(cluster: Cluster, short_recipe: Path, tmp_path: Path) -> None:
    address = cluster(2).address
    told = done(start(short_recipe, tmp_path / "ray", "--on", "ray", "--address", address))
    assert "fold 2/2 epoch 2/2" in told
    done(start(short_recipe, tmp_path / "here"))
    same_bytes(one(tmp_path / "ray"), one(tmp_path / "here"))
    assert not list((tmp_path / "ray").glob("*/.seen*"))


@pytest.mark.slow
def test_a_node_that_is_killed_costs_an_epoch(
    cluster: Cluster, recipe: Path, tmp_path: Path
) -> None:
    nodes, runs = cluster(3), tmp_path / "ray"
    process = start(recipe, runs, "--on", "ray", "--address", nodes.address)
    fold, trainer = caught(process, runs)
    nodes.remove_node(node_of(nodes, trainer), allow_graceful=False)
    told = done(process)
    assert f"fold {fold} was ended by the death of its node; it goes on" in told
    assert "raylet" not in told
    assert f"fold {fold}: resumed behind epoch" in told
    done(start(recipe, tmp_path / "here"))
    same_bytes(one(runs), one(tmp_path / "here"))


@pytest.mark.slow
def test_a_command_that_is_killed_goes_on_with_the_next(
    cluster: Cluster, recipe: Path, tmp_path: Path
) -> None:
    nodes, runs = cluster(2), tmp_path / "ray"
    options = ("--on", "ray", "--address", nodes.address)
    process = start(recipe, runs, *options)
    fold, _ = caught(process, runs)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    told = done(start(recipe, runs, *options))
    assert f"fold {fold}: resumed behind epoch" in told
    done(start(recipe, tmp_path / "here"))
    same_bytes(one(runs), one(tmp_path / "here"))


@pytest.mark.slow
def test_an_interrupted_command_ends_its_tasks(
    cluster: Cluster, recipe: Path, tmp_path: Path
) -> None:
    import psutil

    nodes, runs = cluster(2), tmp_path / "ray"
    options = ("--on", "ray", "--address", nodes.address)
    process = start(recipe, runs, *options)
    fold, trainer = caught(process, runs)
    process.send_signal(signal.SIGTERM)
    os.kill(trainer, signal.SIGCONT)
    assert "goes on where this one stopped" in done(process, 130)
    assert not psutil.pid_exists(trainer)
    assert f"fold {fold}: resumed behind epoch" in done(start(recipe, runs, *options))


@pytest.mark.slow
def test_nothing_needs_to_be_shared(cluster: Cluster, short_recipe: Path, tmp_path: Path) -> None:
    runs, sent = tmp_path / "ray", ("--set", "execute.files=sent")
    address = cluster(2).address
    told = done(start(short_recipe, runs, "--on", "ray", "--address", address, *sent))
    assert told.count("not seen by a node: its images travel") == 1
    assert "stage: train" in (one(runs) / "log.txt").read_text()
    done(start(short_recipe, tmp_path / "here"))
    same_bytes(one(runs), one(tmp_path / "here"))


@pytest.mark.slow
def test_what_the_cluster_has_not_is_said(
    cluster: Cluster, short_recipe: Path, tmp_path: Path
) -> None:
    options = ("--on", "ray", "--address", cluster(1).address)
    told = done(start(short_recipe, tmp_path / "runs", *options, "--set", "execute.cpus=8"), 2)
    assert "no node of the cluster has as many" in told
    told = done(start(short_recipe, tmp_path / "runs", "--on=ray", "--address=127.0.0.1:1"), 2)
    assert "no Ray cluster answers there" in told


SPACE = """
[tune]
prune = "none"

[tune.space]
"optimizer.lr" = { low = 1e-4, high = 1e-2, log = true }
"""


@pytest.mark.slow
def test_a_study_on_ray_loses_no_trial_with_a_node(
    cluster: Cluster, recipe: Path, tmp_path: Path
) -> None:
    recipe.write_text(recipe.read_text() + SPACE)
    nodes, runs = cluster(3), tmp_path / "runs"
    command = [sys.executable, "-m", "toolkit", "tune", str(recipe), "--runs", str(runs)]
    command += ["--trials", "4", "--workers", "2", "--on", "ray", "--address", nodes.address]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=recipe.parent)
    wait_for(process, lambda: len(list(runs.glob("*/trials/*/folds/*/state.safetensors"))) >= 1)
    busy = [node for node in nodes.worker_nodes if works(node)]
    nodes.remove_node(busy[0], allow_graceful=False)
    told = done(process)
    assert "was killed by the death of its node; another takes over" in told
    (report,) = runs.glob("*/tune.json")
    rows = json.loads(report.read_text())["trials"]
    assert len([row for row in rows if row["state"] == "complete"]) == 4
    assert {row["threads"] for row in rows if row["state"] == "complete"} == {1}


def works(node: Any) -> bool:
    """Whether a task has a process of ours on a node."""
    import psutil

    raylets = [p.process.pid for kind in node.all_processes.values() for p in kind]
    below = [child for pid in raylets for child in psutil.Process(pid).children(recursive=True)]
    return any("toolkit worker" in " ".join(child.cmdline()) for child in below)
