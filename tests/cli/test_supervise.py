"""What trains works in a child: its death is told, its exit code and its signals are passed on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from toolkit.cli.supervise import command_to_supervise, obituary, supervise
from toolkit.runs.signals import interruptible, killed_by

SECONDS = 60

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")

# A child that does what a run does, without what a run imports.
CHILD = """
import os, signal, sys, time
from pathlib import Path
from toolkit.runs.signals import interruptible
from toolkit.runs.supervised import VARIABLE, begin, dying_words, mark

begin(os.environ.pop(VARIABLE))
{body}
"""

# A supervisor of such a child, as the command line starts one.
PARENT = """
import sys
from toolkit.cli.supervise import supervise

sys.exit(supervise([sys.executable, "-c", sys.argv[1]], "toolkit run"))
"""

WORKS = """
try:
    with interruptible():
        print(os.getpid(), flush=True)
        while True:
            time.sleep(0.01)
except KeyboardInterrupt as error:
    time.sleep(0.3)  # bookkeeping
    print("kept the books at", error, flush=True)
    sys.exit(130)
"""


def child(body: str) -> list[str]:
    return [sys.executable, "-c", CHILD.format(body=body)]


def start(body: str, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PARENT, CHILD.format(body=body)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, **options)  # type: ignore[call-overload]


def default_signals() -> None:
    # A shell's background job ignores Ctrl-C, and so would what it starts.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("code", [0, 1, 2, 3, 130])
def test_the_childs_exit_code_is_passed_on_without_a_word(
    code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert supervise(child(f"sys.exit({code})"), "toolkit run") == code
    assert capfd.readouterr() == ("", "")


def test_a_death_in_native_code_is_told_with_its_place_and_what_to_try(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    body = f"""
mark(stage="plan")
log = Path({str(tmp_path)!r}) / "log.txt"
mark(folder={str(tmp_path)!r}, log=str(log))
def the_loss_that_crashes():
    import ctypes
    ctypes.string_at(0)
with dying_words(log):
    mark(stage="train", fold=1, folds=5)
    mark(epoch=3, epochs=10)
    the_loss_that_crashes()
"""
    assert supervise(child(body), "toolkit run") == 2
    told = capfd.readouterr().err.splitlines()
    assert told[0].startswith(f"{tmp_path}: toolkit run was ended by SIGSEGV")
    assert "in fold 2 of 5, training in epoch 3 of 10" in told[0]
    assert f"{tmp_path / 'log.txt'} has its Python stack" in told[0]
    assert "The same command goes on where this one stopped." in told[1]
    assert "train.channels_last=false" in told[1]
    log = (tmp_path / "log.txt").read_text()
    assert "the_loss_that_crashes" in log
    assert "was ended by SIGSEGV" in log


def test_a_death_before_the_run_has_a_folder_is_told_too(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert supervise(child("mark(stage='decode'); os.abort()"), "toolkit tune") == 2
    told = capfd.readouterr().err
    assert "toolkit tune was ended by SIGABRT" in told
    assert "decoding images" in told


@pytest.mark.parametrize("code", [0, 3])
def test_an_exit_that_a_library_takes_is_told_whatever_its_code(
    code: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.txt"
    body = f"mark(log={str(log)!r}, stage='train', fold=0, folds=2); os._exit({code})"
    assert supervise(child(body), "toolkit run") == 2
    told = capfd.readouterr().err
    said = f"toolkit run was ended by an exit with code {code} (a library or a plugin ended the"
    assert said in told
    assert "in fold 1 of 2, training" in told
    assert "goes on where this one stopped" in told
    assert said in log.read_text()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("SIGKILL", "for want of memory"),
        ("SIGBUS", "disk is full"),
        ("SIGILL", "this processor"),
        ("SIGXCPU", "processor time"),
        ("signal 40", "goes on where this one stopped"),
    ],
)
def test_each_signal_has_its_reason_and_its_advice(name: str, says: str) -> None:
    lines = obituary("toolkit run", name, {"stage": "train"})
    assert f"toolkit run was ended by {name}" in lines[0]
    assert says in "\n".join(lines)


def test_a_death_by_a_signal_is_known_by_its_exit_code_on_every_system() -> None:
    assert [killed_by(code) for code in (0, 1, 2, 3, 130, 255)] == [None] * 6
    assert (killed_by(-9), killed_by(-11), killed_by(-6)) == ("SIGKILL", "SIGSEGV", "SIGABRT")
    assert killed_by(0xC0000005) == "SIGSEGV"  # Windows; only the decision is tested here
    assert killed_by(-200) == "signal 200"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_asks_the_parent_to_end_lets_the_child_keep_its_books(name: str) -> None:
    process = start(WORKS, preexec_fn=default_signals)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(getattr(signal, name))
    out, told = process.communicate(timeout=SECONDS)
    assert (process.returncode, out, told) == (130, f"kept the books at {name}\n", "")


def test_ctrl_c_in_a_terminal_which_reaches_both_interrupts_once() -> None:
    process = start(WORKS, preexec_fn=default_signals, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, out) == (130, "kept the books at SIGINT\n")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_one_press_that_comes_twice_interrupts_once_and_a_second_press_again(name: str) -> None:
    now, number = 100.0, getattr(signal, name)
    before = signal.getsignal(number)
    with interruptible(lambda: now):
        with pytest.raises(KeyboardInterrupt, match=name):
            signal.raise_signal(number)
        now += 0.5
        signal.raise_signal(number)  # the same one, passed on by the parent
        now += 1.5
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_what_nohup_lets_a_run_ignore_stays_ignored() -> None:
    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process = start(WORKS, preexec_fn=ignore)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.send_signal(signal.SIGHUP)
    os.kill(pid, signal.SIGHUP)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=SECONDS)
    assert out == "kept the books at SIGTERM\n"


def test_a_killed_parent_takes_its_child_along_and_leaves_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(folder))
    process = start("print(os.getpid(), flush=True)\ntime.sleep(600)")
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.communicate(timeout=SECONDS)  # the child's ends of the pipes are closed, too
    wait_for(lambda: gone(pid))
    assert list(folder.iterdir()) == []


def test_where_the_system_does_not_tell_the_child_looks_for_its_parent() -> None:
    body = "import psutil; from toolkit.runs import signals; sys.platform = 'elsewhere'\n"
    body += "signals.die_with(os.getppid())\n"
    body += "print(os.getpid(), flush=True)\ntime.sleep(600)"
    code = f"import os, sys, time\n{body}"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.communicate(timeout=SECONDS)
    wait_for(lambda: gone(pid))


def test_what_the_child_starts_is_supervised_by_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    code = supervise(child("print(VARIABLE in os.environ); sys.exit(0)"), "toolkit run")
    assert (code, capfd.readouterr().out) == (0, "False\n")


def test_nothing_is_left_in_the_folder_for_temporary_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    supervise(child("sys.exit(0)"), "toolkit run")
    supervise(child("os.abort()"), "toolkit run")
    assert list(folder.iterdir()) == []


PYTHON = sys.executable


@pytest.mark.parametrize(
    ("whole", "arguments", "again"),
    [
        (["python", "-m", "toolkit", "run", "a"], ["run", "a"], [PYTHON, "-m", "toolkit"]),
        (["python", "/bin/toolkit", "tune"], ["tune"], [PYTHON, "/bin/toolkit"]),
        (["python", "-X", "dev", "t", "run", "a"], ["run", "a"], [PYTHON, "-X", "dev", "t"]),
        (["python", "-m", "pytest", "-q"], ["run", "a"], None),  # called by others
        (["python", "-", "run", "a"], ["run", "a"], None),  # a script that was read already
        (["toolkit", "run", "a"], ["run", "a"], None),  # Python inside a program
        (["python", "t", "run", "--help"], ["run", "--help"], None),
        (["python", "t", "tune", "--dashboard"], ["tune", "--dashboard"], None),
    ],
)
def test_the_child_is_the_same_command_once_more(
    whole: list[str],
    arguments: list[str],
    again: list[str] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "orig_argv", whole)
    monkeypatch.setattr(sys, "gettrace", lambda: None)
    expected = None if again is None else [*again, *arguments]
    assert command_to_supervise(arguments) == expected
