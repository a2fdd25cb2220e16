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
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages: `acme` is good, `broke` raises when it is imported."""
    packages = tmp_path / "site"
    number = next(NUMBERS)
    for plugin, source in (("acme", ACME), ("broke", "raise ValueError('no licence file')\n")):
        module = f"cli_{plugin}_{number}"
        info = packages / f"{plugin}_vision-1.2.3.dist-info"
        info.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {plugin}-vision\nVersion: 1.2.3\n"
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text(f"[toolkit]\n{plugin} = {module}\n")
        (packages / f"{module}.py").write_text(source.replace("{module}", module))
    monkeypatch.syspath_prepend(packages)
    monkeypatch.setenv("TOOLKIT_PLUGINS", "acme,broke")
    yield packages
    sys.modules.pop(f"cli_acme_{number}", None)


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
