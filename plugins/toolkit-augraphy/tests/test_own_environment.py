"""augraphy in an environment of its own, installed as README.md says, with all other tests in it.

Its own means: numba and augraphy are there and nowhere else. Behind them are the packages of the
environment that runs this test, which spares installing torch once more.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]
README = (PACKAGE / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of a new environment, with augraphy and without a second OpenCV."""
    home = tmp_path_factory.mktemp("own") / "venv"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.check_output([python, "-c", where], text=True).strip()
    behind = sysconfig.get_path("purelib")
    Path(packages, "behind.pth").write_text(f"import site; site.addsitedir({behind!r})\n")
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    (alone,) = re.findall(r"^pip install (--no-deps augraphy==\S+)", README, re.MULTILINE)
    for arguments in (project["optional-dependencies"]["effects"], alone.split()):
        subprocess.run([python, "-m", "pip", "install", "--quiet", *arguments], check=True)
    return python


@pytest.mark.slow
def test_all_tests_pass_in_an_environment_that_has_augraphy(python: Path) -> None:
    tests = ["-m", "pytest", "-q", "-m", "", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run([python, *tests], cwd=PACKAGE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 100  # a few would mean that they were not found


@pytest.mark.slow
def test_opencv_is_still_the_one_without_windows(python: Path) -> None:
    program = "import augraphy, cv2; print(cv2.version.headless)"
    assert subprocess.check_output([python, "-c", program], text=True).strip() == "True"
