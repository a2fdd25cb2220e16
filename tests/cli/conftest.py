"""An installed plugin of the test's own, and the command line as a function."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from toolkit.cli import run_command

NUMBERS = itertools.count()

ACME = """
from typing import Annotated

from pydantic import Field

from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.backbone("tiny", "{module}:tiny", help="one layer")


def tiny(
    facts,
    /,
    *,
    pretrained: bool = False,
    width: Annotated[int, Field(ge=1, lt=99, description="channels of the layer")] = 8,
):
    '''One layer, and a head.'''
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, width, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""


class Done(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the test, empty."""
    working = tmp_path / "work"
    working.mkdir()
    monkeypatch.chdir(working)
    return working


@pytest.fixture
def add_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """`add_plugin("acme", source)` installs a plugin as pip would leave it; its module's name.

    `{module}` in the source is that name. `source=None`: the module is gone.
    """
    packages = tmp_path / "site"
    packages.mkdir()
    monkeypatch.syspath_prepend(packages)
    names: list[str] = []

    def add(plugin: str, source: str | None, *, package: str = "", version: str = "1.2.3") -> str:
        package = package or f"{plugin}-vision"
        names.append(f"cli_plugin_{next(NUMBERS)}")
        info = packages / f"{package.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text(f"[toolkit]\n{plugin} = {names[-1]}\n")
        if source is not None:
            file = packages / f"{names[-1]}.py"
            file.write_text(source.replace("{module}", names[-1]))
        return names[-1]

    yield add
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def site(add_plugin: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages: `acme` is good, `broke` raises when it is imported."""
    add_plugin("acme", ACME)
    add_plugin("broke", "raise ValueError('no licence file')\n")
    monkeypatch.setenv("TOOLKIT_PLUGINS", "acme,broke")
    return tmp_path / "site"


@pytest.fixture
def toolkit_cli(site: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """`toolkit_cli("validate", "a.toml")` runs a command line in this process."""

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        code = run_command(list(arguments))
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def good(folder: Path) -> str:
    """A recipe that can be planned without timm."""
    text = '[data]\nuse = "folder"\nroot = "pages"\n\n[backbone]\nuse = "acme.tiny"\n'
    (folder / "good.toml").write_text(text)
    return "good.toml"


@pytest.fixture
def bad(folder: Path) -> str:
    """A recipe with six mistakes, on the lines 9, 13, 16, 19, 22 and 24."""
    (folder / "bad.toml").write_text(
        """extends = "toolkit:base"

[data]
use = "folder"
root = "pages"

[backbone]
use = "acme.tiny"
width = 99

[loss]
use = "focal"
alhpa = 0.5

[sampler]
use = "balancd"

[train]
epochs = "many"

[tune.space]
"optimizer.lrr" = { low = 1e-5, high = 1e-3 }

[agument.train]
use = "light"
"""
    )
    return "bad.toml"
