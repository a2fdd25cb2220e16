"""Who holds a lease: a machine since its start, and a process since its own."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import optuna
import psutil
import pytest

from toolkit.runs import process
from toolkit.tune import lease as leases
from toolkit.tune.lease import LEASE, Reaper, leased, place, reap

ON_LINUX = Path("/proc/self/stat").exists()


def test_two_machines_with_one_host_name_are_two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    here = place()
    assert here.startswith(socket.gethostname())
    monkeypatch.setattr(process, "_boot", lambda: "another")
    assert place() != here


def test_a_live_trial_of_a_machine_of_the_same_name_is_not_reaped(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = study.ask()
    with monkeypatch.context() as there:
        there.setattr(process, "_boot", lambda: "another")
        where = place()
    trial.set_user_attr(LEASE, {"place": where, "pid": 2**22 + 1, "started": 1.0, "beat": 0})
    assert reap(study, Reaper()) == []  # its pulse is watched


@pytest.mark.skipif(not ON_LINUX, reason="reads /proc")
def test_a_step_of_the_clock_makes_no_recycled_process(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    with leased(study.ask()):
        # psutil reckons a start from the time of the boot, which moves with the clock
        shifted = psutil.Process(os.getpid()).create_time() + 7200
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: shifted)
        monkeypatch.setattr(psutil, "boot_time", lambda: 1.0)
        assert reap(study, Reaper()) == []


@pytest.mark.skipif(not ON_LINUX, reason="reads /proc")
def test_a_start_is_read_behind_a_name_with_brackets_and_spaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = ["S", *map(str, range(4, 30))]  # field 22 holds 22
    for pid, state in ((7, "S"), (8, "Z")):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} (a) b (c) {state} {' '.join(fields[1:])}")
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "stat").write_text("")
    monkeypatch.setattr(process, "_PROC", tmp_path)
    assert process.started(7) == 22.0
    assert process.started(8) is None  # a zombie works on nothing
    assert process.started(9) is None


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError("redis went away"),
        TimeoutError(),
        OSError(5, "io"),
        optuna.exceptions.StorageInternalError(),
        RuntimeError("whatever a driver raises"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_pulse_outlives_a_storage_that_is_out_of_reach(
    study: optuna.Study, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.001)
    trial, beats, beaten = study.ask(), [], threading.Event()
    write = optuna.trial.Trial.set_user_attr

    def fails_twice(self: optuna.trial.Trial, key: str, value: object) -> None:
        if key == LEASE and threading.current_thread().name == "lease":
            beats.append(value)
            if len(beats) <= 2:
                raise error
            beaten.set()
        write(self, key, value)

    monkeypatch.setattr(optuna.trial.Trial, "set_user_attr", fails_twice)
    with leased(trial):
        assert beaten.wait(30)
