"""What the machine refuses is told in a line with what to do; what is our fault is not."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch

from toolkit.errors import MachineError, UserError
from toolkit.runs.atomic import write_text
from toolkit.runs.log import log_error
from toolkit.runs.machine import GOES_ON, machine_fault, machine_faults


def refusal(number: int, path: str | None = "/runs/b4/oof.parquet") -> OSError:
    return OSError(number, os.strerror(number), path)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "no space is left on its disk: make room"),
        (errno.EDQUOT, "quota"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EACCES, "no permission"),
        (errno.EPERM, "no permission"),
        (errno.EROFS, "read-only"),
        (errno.ENOTDIR, "a file is where a folder should be"),
        (errno.EISDIR, "a folder is where a file should be"),
        (errno.ENAMETOOLONG, "too long"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENFILE, "too many files"),
        (errno.ENOMEM, "memory ran out"),
        (errno.EAGAIN, "ulimit -u"),
        (errno.EIO, "disk fails"),
        (errno.ESTALE, "mount"),
        (errno.ENOLCK, "no locks"),
    ],
)
def test_a_refusal_names_the_path_what_was_found_and_what_to_do(number: int, says: str) -> None:
    fault = machine_fault(refusal(number))
    assert fault is not None
    assert str(fault).startswith("/runs/b4/oof.parquet: ")
    assert says in str(fault)
    assert str(fault).endswith(GOES_ON)
    assert len(fault.lines) == 1
    assert fault.exit_code == 2
    unnamed = machine_fault(refusal(number, None))
    assert unnamed is not None
    assert "None" not in str(unnamed)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "memory ran out"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "memory ran out"),
        (RuntimeError("DataLoader worker (pid 12) is killed by signal: Killed."), "loader process"),
        (RuntimeError("DataLoader worker (pid(s) 12, 13) exited unexpectedly"), "loader process"),
        (
            RuntimeError(
                "DataLoader worker (pid 12) is killed by signal: Bus error. It is ... shm"
            ),
            "--shm-size",
        ),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (Exception('IoError(Os { code: 28, kind: StorageFull, message: "No" })'), "no space"),
        (Exception("I/O error: No space left on device (os error 28)"), "no space"),
        (
            OSError("Caught OSError in DataLoader worker process 0.\n[Errno 24] Too many"),
            "ulimit -n",
        ),
        (RuntimeError("unable to open shared memory: Too many open files (24)"), "ulimit -n"),
        (
            OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space"),
            "no space",
        ),
        (ConnectionResetError(104, "Connection reset by peer"), "network"),
        (TimeoutError("timed out"), "network"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_libraries_say_in_their_own_words_is_understood(error: Exception, says: str) -> None:
    fault = machine_fault(error)
    assert fault is not None
    assert says in str(fault)
    assert "\n" not in str(fault)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("fold"),
        ValueError("shapes (3,) and (4,)"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        FileNotFoundError(errno.ENOENT, "No such file", __file__ + ".none"),
        OSError(errno.EINVAL, "Invalid argument"),
        OSError("cannot identify image file"),
        FileExistsError(errno.EEXIST, "File exists", os.path.dirname(__file__)),
        UserError("loss.use: there is no such loss"),
    ],
    ids=repr,
)
def test_what_is_no_refusal_stays_what_it_is(error: Exception) -> None:
    assert machine_fault(error) is None
    with pytest.raises(type(error)) as caught, machine_faults():
        raise error
    assert caught.value is error


def test_an_error_that_was_raised_from_a_refusal_is_one() -> None:
    error = ValueError("the table cannot be written")
    error.__cause__ = refusal(errno.ENOSPC)
    assert "no space" in str(machine_fault(error))


def test_a_folder_that_was_removed_or_unmounted_under_a_run_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(MachineError, match=r"gone/folds\.csv: its device is gone"),
        machine_faults(),
    ):
        (tmp_path / "gone" / "folds.csv").read_text()


@pytest.mark.parametrize(("winerror", "says"), [(206, "too long"), (32, "in use")])
def test_windows_numbers_are_understood(winerror: int, says: str) -> None:
    """Of the decision alone: there is no Windows here."""

    class WindowsError(OSError):
        pass

    error = WindowsError(errno.ENOENT, "The filename or extension is too long", "C:\\runs")
    error.winerror = winerror  # type: ignore[attr-defined]
    assert says in str(machine_fault(error))


def no_permission(tmp_path: Path) -> None:
    raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "runs"))


def file_for_folder(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    (tmp_path / "runs").mkdir(exist_ok=True)


def file_above_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "file" / "runs").mkdir(parents=True, exist_ok=True)


def folder_for_file(tmp_path: Path) -> None:
    write_text(tmp_path, "text")


def long_name(tmp_path: Path) -> None:
    (tmp_path / ("x" * 300)).mkdir()


def torch_memory(tmp_path: Path) -> None:
    torch.empty(10**15)


def numpy_memory(tmp_path: Path) -> None:
    np.empty(10**15)


def die(number: int) -> None:
    os._exit(9)


def killed_process(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, get_context("fork")) as pool:
        pool.submit(die, 1).result()


@pytest.mark.filterwarnings("ignore:This process")  # forks beside threads; it only exits
@pytest.mark.parametrize(
    ("refused", "says"),
    [
        (no_permission, "no permission"),
        (file_for_folder, "runs: a file is where a folder should be"),
        (file_above_folder, "a file is where a folder should be"),
        (folder_for_file, "a folder is where a file should be"),
        (long_name, "too long"),
        (torch_memory, r"4000000\.0 GB more"),
        (numpy_memory, "memory ran out"),
        (killed_process, "was killed"),
    ],
)
def test_real_refusals_are_told(refused: Callable[[Path], None], says: str, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=says), machine_faults():
        refused(tmp_path)


# Run in a process of their own: a limit stays.
LIMITED = """
import resource, sys
from pathlib import Path
from toolkit.errors import MachineError
from toolkit.runs.machine import machine_faults

{before}
folder = Path(sys.argv[1])
resource.setrlimit(resource.{limit}, ({value}, {value}))
try:
    with machine_faults():
        {work}
except MachineError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
@pytest.mark.parametrize(
    ("limit", "value", "before", "work", "says"),
    [
        (
            "RLIMIT_FSIZE",
            1000,
            "from toolkit.runs.atomic import write_text",
            "write_text(folder / 'report.json', 'x' * 10_000)",
            "{folder}/report.json: a file may not grow so large here: raise the limit (ulimit -f)",
        ),
        (
            "RLIMIT_FSIZE",
            1000,
            "import torch\nfrom toolkit.train.state import save_tree",
            "save_tree(folder / 'state.safetensors', {'w': torch.zeros(10_000)})",
            "{folder}/state.safetensors: a file may not grow so large here",
        ),
        (
            "RLIMIT_NOFILE",
            30,
            "",
            "files = [open(folder / str(n), 'w') for n in range(100)]",
            "too many files are open: raise the limit (ulimit -n)",
        ),
    ],
)
def test_limits_of_the_system_are_told(
    limit: str, value: int, before: str, work: str, says: str, tmp_path: Path
) -> None:
    code = LIMITED.format(limit=limit, value=value, before=before, work=work)
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert says.format(folder=tmp_path) in done.stdout


def test_the_log_has_a_line_for_a_refusal_and_a_traceback_for_our_faults(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    for error in (refusal(errno.ENOSPC), UserError("lower the rate"), KeyboardInterrupt("SIGTERM")):
        log_error(log, error)
    text = log.read_text()
    assert "Traceback" not in text
    assert [line.partition("error: ")[2] for line in text.splitlines()] == [
        str(machine_fault(refusal(errno.ENOSPC))),
        "lower the rate",
        "KeyboardInterrupt: SIGTERM",
    ]
    try:
        {}["fold"]
    except KeyError as error:
        log_error(log, error)
    assert "Traceback" in log.read_text()
    assert "KeyError: 'fold'" in log.read_text()
    log_error(tmp_path / "gone" / "log.txt", KeyError())  # raises nothing of its own
