"""A fold is written by one process, whatever is left of those that had it before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.contracts import Event, ignore
from toolkit.errors import RunError
from toolkit.runs import lease
from toolkit.runs.atomic import write_text
from toolkit.runs.lease import DEAD_SECONDS, Fenced, Lease, leased, new_token, require_free
from toolkit.runs.process import place, started


@pytest.fixture
def fold(tmp_path: Path) -> Path:
    (tmp_path / "folds" / "0").mkdir(parents=True)
    return tmp_path / "folds" / "0"


def held_by(fold: Path, *, where: str, pid: int, beat: int = 0) -> None:
    facts = {"token": "theirs", "place": where, "pid": pid, "started": started(pid), "beat": beat}
    (fold / ".lease").write_text(json.dumps(facts))


def test_a_lease_is_gone_when_it_is_given_back(fold: Path) -> None:
    with leased(fold, ignore):
        write_text(fold / "done", "yes")
        assert {path.name for path in fold.iterdir()} == {"done", ".lease"}
    assert {path.name for path in fold.iterdir()} == {"done"}


def test_a_fold_that_a_live_process_has_is_refused(fold: Path) -> None:
    held_by(fold, where=place(), pid=os.getpid())
    with pytest.raises(RunError, match=rf"under way \(process {os.getpid()} on "):
        leased(fold, ignore).__enter__()


def test_a_fold_of_a_dead_process_is_taken_over_at_once(fold: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    held_by(fold, where=place(), pid=dead.pid)
    (fold / ".state.safetensors.theirs.tmp").write_text("half")
    with leased(fold, ignore):
        assert not list(fold.glob("*.tmp"))


def test_what_a_former_holder_writes_is_refused(fold: Path) -> None:
    with leased(fold, ignore):
        write_text(fold / "done", "first")
        Lease(fold, new_token()).take(None)  # the host's next start, which knows of no other
        with pytest.raises(Fenced, match="taken this fold over"):
            write_text(fold / "done", "late")
        assert (fold / "done").read_text() == "first"
        assert not list(fold.glob("*.tmp"))
    assert json.loads((fold / ".lease").read_text())["pid"] == os.getpid()  # the successor's


def test_half_made_files_of_two_holders_have_two_names(fold: Path) -> None:
    with leased(fold, ignore):
        one = lease.suffix(fold / "done")
    with leased(fold, ignore):
        assert lease.suffix(fold / "done") != one
    assert lease.suffix(fold / "done") == ""


class Clock:
    """Time that passes by sleeping, and what happens meanwhile."""

    def __init__(self, happens: Callable[[float], None]) -> None:
        self.now, self.happens = 0.0, happens

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.happens(self.now)


def test_another_machines_holder_lives_while_its_pulse_beats(fold: Path) -> None:
    held_by(fold, where="elsewhere/1/2", pid=7)
    clock = Clock(lambda now: held_by(fold, where="elsewhere/1/2", pid=7, beat=int(now) // 15))
    told: list[Event] = []
    with pytest.raises(RunError, match=r"under way \(process 7 on elsewhere"):
        require_free(fold, told.append, clock, clock.sleep)
    assert clock.now < DEAD_SECONDS
    assert [event.text for event in told] == [
        f"{fold}: was held by process 7 on elsewhere; taken over unless its pulse beats within 90 s"
    ]


def test_another_machines_holder_without_a_pulse_is_dead(fold: Path) -> None:
    held_by(fold, where="elsewhere/1/2", pid=7)
    clock = Clock(lambda now: None)
    assert require_free(fold, ignore, clock, clock.sleep) == "theirs"
    assert clock.now > DEAD_SECONDS


def test_what_a_dead_host_has_left_on_another_machine_is_no_reason_to_wait(fold: Path) -> None:
    with leased(fold, ignore, token=new_token()):
        facts = json.loads((fold / ".lease").read_text())
    (fold / ".lease").write_text(json.dumps({**facts, "place": "elsewhere/1/2"}))
    clock = Clock(lambda now: None)
    assert require_free(fold, ignore, clock, clock.sleep, host=True) == facts["token"]
    assert clock.now == 0
    require_free(fold, ignore, clock, clock.sleep)  # who does not hold the run cannot know
    assert clock.now > DEAD_SECONDS


def test_the_faster_of_two_that_watched_a_dead_holder_gets_the_fold(fold: Path) -> None:
    held_by(fold, where="elsewhere/1/2", pid=7)
    Lease(fold, "fast").take(("theirs",))
    with pytest.raises(RunError, match="under way"):
        Lease(fold, "slow").take(("theirs",))


def test_a_lease_that_a_power_cut_left_empty_holds_nobody_off(fold: Path) -> None:
    (fold / ".lease").touch()
    with leased(fold, ignore):
        write_text(fold / "done", "yes")


TRIES = """
import sys
from pathlib import Path
from toolkit.runs.atomic import write_text
from toolkit.runs.lease import Fenced, leased
from toolkit.contracts import ignore

fold, number = Path(sys.argv[1]), sys.argv[2]

with leased(fold, ignore, token=f"{number:0>16}"):
    try:
        for count in range(100_000):
            write_text(fold / "who", f"{number} {count}")

    except Fenced:
        pass

"""


def test_of_many_that_take_a_fold_over_one_writes_at_a_time(fold: Path) -> None:
    command = [sys.executable, "-c", TRIES, str(fold)]
    writers: list[subprocess.Popen[bytes]] = []
    for number in range(4):
        writers.append(subprocess.Popen([*command, str(number)]))
        while not (fold / "who").exists() or (fold / "who").read_text()[0] != str(number):
            assert writers[-1].poll() is None
        for former in writers[:-1]:  # each stops by itself
            assert former.wait(timeout=60) == 0
        assert (fold / "who").read_text()[0] == str(number)
    writers[-1].kill()
    writers[-1].wait()
    assert not [file for file in fold.glob("*.tmp") if "0000000003" not in file.name]
