"""Processes that we start do not run the script again, unless they need what it defines."""

from __future__ import annotations

import multiprocessing.process
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from toolkit.errors import PluginError, RunError
from toolkit.runs.children import (
    refuse_while_a_script_is_run_again,
    require_travel,
    without_main,
)


def run_script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(text)
    return subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=folder
    )


POOL = """
import os
from functools import partial
from operator import mul

from toolkit.data.pool import in_processes

print("the script runs in", os.getpid(), flush=True)
for result in in_processes(partial(mul, 3), range(8), 2, int, print):
    print(result)
"""


def test_decoding_processes_do_not_need_a_guard_in_the_script(tmp_path: Path) -> None:
    done = run_script(tmp_path, POOL)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the script runs in") == 1
    assert sorted(map(int, done.stdout.splitlines()[1:])) == [0, 3, 6, 9, 12, 15, 18, 21]


NEEDED = """
import toolkit.errors
from toolkit.data.pool import in_processes
from toolkit.runs.children import refuse_while_a_script_is_run_again

def triple(number):
    return 3 * number

{guard}refuse_while_a_script_is_run_again() or print(sorted(
    in_processes(triple, range(4), 2, int, print)
))
"""


def test_what_the_script_defines_travels_with_a_guard_and_is_told_without_one(
    tmp_path: Path,
) -> None:
    done = run_script(tmp_path, NEEDED.format(guard='if __name__ == "__main__":\n    '))
    assert (done.returncode, done.stdout) == (0, "[0, 3, 6, 9]\n"), done.stderr
    done = run_script(tmp_path, NEEDED.format(guard=""))
    assert done.returncode != 0
    assert 'if __name__ == "__main__":\n    toolkit.run(...)\n' in done.stderr
    assert "UserError: the decoding processes died" in done.stderr


UNGUARDED = """
import toolkit

run = toolkit.run({recipe!r}, runs="runs", overrides={{"train.workers": 2}})
print(run.report["rows"]["validated"])
"""


@pytest.mark.slow
def test_a_script_without_a_guard_trains_with_loader_processes(
    tiny_recipe: Path, tmp_path: Path
) -> None:
    done = run_script(tmp_path, UNGUARDED.format(recipe=str(tiny_recipe)))
    assert (done.returncode, done.stdout) == (0, "24\n"), done.stderr
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_the_script_is_hidden_only_while_processes_start() -> None:
    main = sys.modules["__main__"]
    before = (main.__spec__, getattr(main, "__file__", None))
    with without_main():
        assert (main.__spec__, main.__file__) == (None, None)
    assert (main.__spec__, getattr(main, "__file__", None)) == before
    with without_main(b"c__main__\nMine\n"):
        assert (main.__spec__, getattr(main, "__file__", None)) == before


def test_a_process_that_runs_the_script_again_does_not_train(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuse_while_a_script_is_run_again()
    process = multiprocessing.process.current_process()
    monkeypatch.setattr(process, "_inheriting", True, raising=False)
    with pytest.raises(RunError, match='write:\nif __name__ == "__main__":'):
        refuse_while_a_script_is_run_again()


class Sealed:
    def __init__(self) -> None:
        self.lock = threading.Lock()


class OneWay:
    def __reduce__(self) -> tuple[object, ...]:
        return (int, ("no number",))


@pytest.mark.parametrize("what", [lambda image: image, Sealed(), OneWay()])
def test_a_component_that_cannot_travel_is_named_with_a_remedy(what: object) -> None:
    with pytest.raises(PluginError) as caught:
        require_travel(what, "augmentation acme.fog", "set train.workers = 0")
    line = str(caught.value)
    assert line.startswith("augmentation acme.fog: cannot be sent to other processes (")
    assert line.endswith("or set train.workers = 0")
    assert "\n" not in line
    require_travel(len, "augmentation acme.fog", "")
