"""How OpenMP's threads wait is chosen before torch is imported, from the load that is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from toolkit.train.waiting import POLICY, choose, load_of_others


class Load:
    """So many cores are busy; counts how often somebody looked."""

    def __init__(self, cores: float) -> None:
        self.cores, self.looks = cores, 0

    def __call__(self, cores: Sequence[int]) -> float:
        self.looks += 1
        return self.cores


def test_alone_nothing_is_chosen_and_nothing_said() -> None:
    environ: dict[str, str] = {}
    assert choose(environ, (), [0, 1], Load(0.2)) is None
    assert environ == {}


def test_beside_a_busy_process_threads_wait_passively_and_it_is_said_why() -> None:
    environ: dict[str, str] = {}
    line = choose(environ, (), [0, 1], Load(1.0))
    assert environ == {POLICY: "PASSIVE"}
    assert line is not None
    assert line.startswith("other processes use 1.0 of 2 cores: ")
    assert f"{POLICY}=PASSIVE" in line
    assert "\n" not in line


def test_cores_that_training_does_not_use_may_be_busy() -> None:
    told = {"OMP_NUM_THREADS": "4"}
    environ = dict(told)
    assert choose(environ, (), range(16), Load(12.0)) is None
    assert environ == told
    assert choose(environ, (), range(16), Load(12.6)) is not None


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"])
def test_what_the_user_set_wins_and_no_time_is_spent_on_looking(name: str) -> None:
    environ, load = {name: "1"}, Load(2.0)
    assert choose(environ, (), [0, 1], load) is None
    assert environ == {name: "1"}
    assert load.looks == 0


def test_where_torch_is_imported_already_nothing_is_chosen() -> None:
    environ: dict[str, str] = {}
    load = Load(2.0)
    assert choose(environ, ("torch",), [0, 1], load) is None
    assert (environ, load.looks) == ({}, 0)


@pytest.mark.parametrize("threads", ["1", "1,4", " 1 "])
def test_one_thread_waits_for_nobody(threads: str) -> None:
    load = Load(2.0)
    assert choose({"OMP_NUM_THREADS": threads}, (), [0, 1], load) is None
    assert load.looks == 0


def test_a_load_that_comes_and_goes_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = iter([[100.0, 100.0], [100.0, 0.0], [0.0, 5.0], [90.0, 90.0]])
    monkeypatch.setattr("psutil.cpu_percent", lambda seconds, percpu: next(samples))
    assert load_of_others([0, 1]) == pytest.approx(0.05)


def test_only_the_cores_that_this_process_may_use_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.cpu_percent", lambda seconds, percpu: [100.0, 0.0, 50.0, 0.0])
    assert load_of_others([2, 3]) == pytest.approx(0.5)


LOADED = """
import json, os, sys
import psutil
psutil.cpu_percent = lambda seconds, percpu: [100.0] * (os.cpu_count() or 1)
{how}
from toolkit.train.waiting import waiting
print(json.dumps([os.environ.get("OMP_WAIT_POLICY"), "torch" in sys.modules, waiting()]))
"""


@pytest.mark.parametrize(
    "how",
    [
        "from toolkit import set_up_process; set_up_process(); from toolkit import run",
        "import toolkit; toolkit.set_up_process(); toolkit.run",
    ],
)
def test_from_python_the_policy_is_chosen_before_torch_is_imported(how: str) -> None:
    environ = {k: v for k, v in os.environ.items() if k != POLICY} | {"OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(how=how)],
        capture_output=True,
        text=True,
        check=True,
        env=environ,
    )
    policy, torch, line = json.loads(done.stdout)
    assert (policy, torch) == ("PASSIVE", True)
    assert "other processes use" in line


def test_a_run_from_python_changes_nothing_of_its_process(
    tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    import toolkit

    kept: list[bool] = []
    monkeypatch.setattr("toolkit.train.memory.keep_freed_memory", lambda: kept.append(True))
    state, environ, threads = torch.get_rng_state(), dict(os.environ), torch.get_num_threads()
    toolkit.run(tiny_recipe, overrides={"train.epochs": 1}, runs=tiny_recipe.parent / "runs")
    assert not kept
    assert os.environ.get(POLICY) == environ.get(POLICY)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
