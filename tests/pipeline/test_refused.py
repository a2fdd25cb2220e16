"""Where the machine refuses in the midst of a run, it says so, and the same command goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import toolkit
from toolkit.errors import MachineError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="has no such limits"),
]


def start(
    recipe: Path, runs: Path, prepare: Callable[[], None] | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "toolkit", "run", str(recipe), "--runs", str(runs)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=prepare,
        env={**os.environ, **environ},
    )


def require_told(done: subprocess.CompletedProcess[str], says: str) -> None:
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert says in last
    assert "the same command goes on" in last
    assert "Traceback" not in done.stderr


def require_goes_on(done: subprocess.CompletedProcess[str], runs: Path) -> None:
    assert done.returncode == 0, done.stderr
    assert len(list(runs.glob("*/report.json"))) == 1
    assert len(list(runs.iterdir())) == 1


def test_a_file_that_may_not_grow_so_large(tiny_recipe: Path, tmp_path: Path) -> None:
    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    runs = tmp_path / "runs"
    require_told(start(tiny_recipe, runs, limit), "safetensors: a file may not grow so large here")
    (log,) = runs.glob("*/log.txt")
    assert "may not grow so large" in log.read_text()
    assert "Traceback" not in log.read_text()
    require_goes_on(start(tiny_recipe, runs), runs)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_under_the_runs(tiny_recipe: Path, full_disk: Path) -> None:
    runs = full_disk / "runs"
    require_told(start(tiny_recipe, runs), "no space is left on its disk: make room")
    subprocess.run(["mount", "-o", "remount,size=100m", str(full_disk)], check=True)
    require_goes_on(start(tiny_recipe, runs), runs)


def test_a_full_disk_under_the_cache_and_under_temporary_files(
    tiny_recipe: Path, full_disk: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    (full_disk / "rest").write_bytes(b"x" * 380_000)
    cache = str(full_disk / "cache")
    done = start(tiny_recipe, runs, TOOLKIT_CACHE=cache, TMPDIR=str(full_disk))
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (full_disk / "rest").unlink()
    require_goes_on(start(tiny_recipe, runs, TOOLKIT_CACHE=cache, TMPDIR=str(full_disk)), runs)


def test_too_few_open_files(tiny_recipe: Path, tmp_path: Path) -> None:
    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))

    runs = tmp_path / "runs"
    require_told(start(tiny_recipe, runs, limit), "too many files are open: raise the limit")
    require_goes_on(start(tiny_recipe, runs), runs)


def test_from_python_a_refusal_is_a_machine_error(tiny_recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(MachineError, match="runs: a file is where a folder should be"):
        toolkit.run(tiny_recipe, runs=tmp_path / "runs")
