"""Studies that are killed, shared and joined: no trial is lost, and none counts twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import optuna
import pytest

from toolkit.tune.storage import close_storage, open_storage

SECONDS = 300
TRIALS = 5
SPACE = """
[tune]
prune = "none"

[tune.space]
"optimizer.lr" = { low = 1e-4, high = 1e-2, log = true }
"loss.alpha" = { low = 0.0, high = 1.0 }
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def recipe(tiny_recipe: Path) -> Path:
    """Long enough to be killed in the middle."""
    text = tiny_recipe.read_text().replace("epochs = 2", "epochs = 8")
    tiny_recipe.write_text(text + SPACE)
    return tiny_recipe


def start(
    recipe: Path, runs: Path, *options: str, ignores_ctrl_c: bool = False
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "toolkit", "tune", str(recipe), "--runs", str(runs)]
    command += ["--trials", str(TRIALS), *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command,
        stdout=pipe,
        stderr=pipe,
        text=True,
        cwd=recipe.parent,
        # A shell's background job ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_IGN if ignores_ctrl_c else signal.SIG_DFL
        ),
    )


def wait_for(process: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finish(process: subprocess.Popen[str]) -> str:
    out, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, told
    return out + told


def result(
    runs: Path, url: str | None = None
) -> tuple[dict[str, Any], list[optuna.trial.FrozenTrial]]:
    (folder,) = runs.glob("tune-*")
    facts = json.loads((folder / "tune.json").read_text())
    storage = open_storage(url, folder / "study.journal")
    trials = optuna.load_study(study_name=facts["name"], storage=storage).get_trials()
    close_storage(storage)
    return facts, trials


def nothing_is_lost(facts: dict[str, Any], trials: list[optuna.trial.FrozenTrial]) -> None:
    done = [row for row in facts["trials"] if row["state"] in ("complete", "pruned")]
    assert len(done) == TRIALS
    assert len({row["plan"] for row in done}) == TRIALS
    assert [t.number for t in trials] == list(range(len(trials)))
    assert not [t for t in trials if t.state.name in ("RUNNING", "WAITING")]
    # each failed trial with values was done again, once, with the same values
    for failed in (t for t in trials if t.state.name == "FAIL"):
        (again,) = [t for t in trials if t.user_attrs.get("ticket") == f"retry of {failed.number}"]
        assert failed.params.items() <= again.params.items()
    assert Counter(row["of"] for row in facts["rescore"]["trials"]) == {facts["winner"]: 1}


def test_a_study_killed_at_three_moments_ends_with_the_asked_number(
    recipe: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    moments: tuple[Callable[[], bool], ...] = (
        # in the first trial's first fold; behind the first fold of a later one; while the best
        # is scored again
        lambda: bool(list(runs.glob("*/trials/*/folds/0/state.safetensors"))),
        lambda: (
            len(list(runs.glob("*/trials/*"))) >= 3
            and bool(list(runs.glob("*/trials/*/folds/1/state.safetensors")))
        ),
        lambda: bool(list(runs.glob("*/rescore/*/folds/0/state.safetensors"))),
    )
    for moment in moments:
        process = start(recipe, runs)
        wait_for(process, moment)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    told = finish(start(recipe, runs))
    assert f"{TRIALS} trials so far" in told
    facts, trials = result(runs)
    nothing_is_lost(facts, trials)
    assert sum(t.state.name == "FAIL" for t in trials) == 2


def test_an_interrupted_study_says_how_to_go_on_and_keeps_its_books(
    recipe: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    process = start(recipe, runs)
    wait_for(process, lambda: len(list(runs.glob("*/trials/*"))) >= 2)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, told
    assert "goes on where this one stopped" in told
    assert "Traceback" not in told
    facts, trials = result(runs)
    assert facts["winner"] == 0  # the one that was done
    assert {t.state.name for t in trials} == {"COMPLETE", "FAIL"}
    finish(start(recipe, runs))
    nothing_is_lost(*result(runs))


def test_a_terminated_study_in_the_background_ends_its_workers_and_keeps_its_books(
    recipe: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    # as a shell's background job: it, and all that it starts, ignore Ctrl-C
    process = start(recipe, runs, "--workers", "2", ignores_ctrl_c=True)
    wait_for(process, lambda: len(list(runs.glob("*/trials/*/folds/0/state.safetensors"))) >= 2)
    process.terminate()
    _, told = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, told
    assert "goes on where this one stopped" in told
    assert "Traceback" not in told
    (folder,) = runs.glob("tune-*")
    storage = open_storage(None, folder / "study.journal")
    name = json.loads((folder / "study.json").read_text())["name"]
    trials = optuna.load_study(study_name=name, storage=storage).get_trials()
    assert "RUNNING" not in {trial.state.name for trial in trials}


def test_a_killed_worker_is_replaced_and_its_trial_done_again(recipe: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    process = start(recipe, runs, "--workers", "2")
    wait_for(process, lambda: len(list(runs.glob("*/trials/*/folds/0/state.safetensors"))) >= 1)
    (folder,) = runs.glob("tune-*")
    storage = open_storage(None, folder / "study.journal")
    study = optuna.load_study(
        study_name=json.loads((folder / "study.json").read_text())["name"], storage=storage
    )
    (running, *_) = [t for t in study.get_trials() if "lease" in t.user_attrs]
    os.kill(running.user_attrs["lease"]["pid"], signal.SIGKILL)
    told = finish(process)
    assert "was killed by SIGKILL; another takes over" in told
    nothing_is_lost(*result(runs))


def test_two_starts_share_one_study(recipe: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    first = start(recipe, runs)
    wait_for(first, lambda: bool(list(runs.glob("*/trials/*"))))
    second = start(recipe, runs)
    finish(first)
    finish(second)
    facts, trials = result(runs)
    nothing_is_lost(facts, trials)
    assert len({t.user_attrs["lease"]["pid"] for t in trials if "lease" in t.user_attrs}) == 2


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server of this test's own."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    if find_spec("pg8000") is None and find_spec("psycopg2") is None:
        pytest.skip("no driver for PostgreSQL is installed (pip install pg8000)")
    root = Path(tempfile.mkdtemp(prefix="toolkit-postgres-"))
    # The server refuses to run as root; Debian's package has a user for it.
    prefix = []
    if os.geteuid() == 0:
        shutil.chown(root, "postgres", "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(root / "data")
    initdb = [*prefix, str(programs[-1] / "initdb"), "-D", data, "-U", "postgres", "-A", "trust"]
    subprocess.run([*initdb, "-E", "UTF8", "--locale", "C"], check=True, capture_output=True)
    options = ["-D", data, "-p", str(port), "-k", str(root), "-h", "127.0.0.1", "-F"]
    server = subprocess.Popen(
        [*prefix, str(programs[-1] / "postgres"), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(server, lambda: _answers(port))
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(timeout=SECONDS)
        shutil.rmtree(root)


def _answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_two_machines_share_a_study_through_postgresql(
    recipe: Path, tmp_path: Path, postgres: str
) -> None:
    # a machine has runs of its own: what joins the two is the database alone
    here, there = tmp_path / "here", tmp_path / "there"
    first = start(recipe, here, "--storage", postgres)
    second = start(recipe, there, "--storage", postgres)
    wait_for(second, lambda: bool(list(there.glob("*/trials/*/folds/0/state.safetensors"))))
    os.kill(second.pid, signal.SIGKILL)
    second.communicate()
    second = start(recipe, there, "--storage", postgres)
    finish(first)
    finish(second)
    facts, trials = result(here, postgres)
    nothing_is_lost(facts, trials)
    assert facts["trials"] == result(there, postgres)[0]["trials"]
    assert len({t.user_attrs["lease"]["pid"] for t in trials if "lease" in t.user_attrs}) >= 2


def test_two_workers_share_a_study_through_postgresql(
    recipe: Path, tmp_path: Path, postgres: str
) -> None:
    runs = tmp_path / "runs"
    finish(start(recipe, runs, "--storage", postgres, "--workers", "2"))
    facts, trials = result(runs, postgres)
    nothing_is_lost(facts, trials)
    assert len({t.user_attrs["lease"]["pid"] for t in trials if "lease" in t.user_attrs}) >= 2
