"""Each plugin of the repository, installed alone into an environment of its own, passes its tests.

Alone means: from its built package, beside recipe-toolkit, without plugins that it does not ask
for. Behind the environment are the packages of the one that runs this test, which spares installing
torch again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"

pytestmark = pytest.mark.slow


def packages_without_plugins(folder: Path) -> Path:
    """Links to what this environment has installed, less the plugins of the repository."""
    folder.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("toolkit_", "_toolkit_")):
            (folder / entry.name).symlink_to(entry)
    return folder


def environment(home: Path) -> Path:
    """The python of a new environment."""
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.check_output([python, "-c", where], text=True).strip()
    behind = packages_without_plugins(home / "behind")
    Path(own, "behind.pth").write_text(f"import site; site.addsitedir({str(behind)!r})\n")
    return python


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every plugin as a package: what one asks for of the others comes from here."""
    folder = tmp_path_factory.mktemp("wheels")
    sources = [str(path) for path in PLUGINS.iterdir()]
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), *sources], check=True)
    return folder


@pytest.mark.parametrize("name", sorted(path.name for path in PLUGINS.iterdir()))
def test_a_plugin_installed_alone_passes_its_tests(name: str, wheels: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    pip = [python, "-m", "pip", "install", "--quiet", "--find-links", wheels]
    project = tomllib.loads((PLUGINS / name / "pyproject.toml").read_text())["project"]
    extras = {"test", "recipe"} & project["optional-dependencies"].keys()
    subprocess.run([*pip, f"{name}[{','.join(extras)}]"], check=True)
    # Its tests see what was installed, not the sources.
    module = name.replace("-", "_")
    ignored = shutil.ignore_patterns(module, "__pycache__", ".pytest_cache")
    folder = shutil.copytree(PLUGINS / name, tmp_path / name, ignore=ignored)
    find = f"import {module}; print({module}.__file__)"
    found = subprocess.check_output([python, "-c", find], text=True, cwd=folder)
    assert Path(found).is_relative_to(tmp_path / "venv")
    tests = ["-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run([python, *tests], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ passed", done.stdout)
