"""Plugins of a test's own: real modules, beside the metadata that pip would leave."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path

import pytest

from toolkit.plugin.registry import Entry

NUMBERS = itertools.count()


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """`write_module(source)` writes an importable module and returns its name."""
    names: list[str] = []
    monkeypatch.syspath_prepend(tmp_path)

    def write(source: str) -> str:
        names.append(f"plugin_module_{next(NUMBERS)}")
        (tmp_path / f"{names[-1]}.py").write_text(source)
        return names[-1]

    yield write
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def install(tmp_path: Path, write_module: Callable[[str], str]) -> Callable[..., EntryPoint]:
    """`install("acme", source)` installs a plugin and returns its entry point."""

    def installed(
        plugin: str, source: str, *, package: str = "acme-vision", version: str = "1.2.3"
    ) -> EntryPoint:
        info = tmp_path / f"{package.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text(f"[toolkit]\n{plugin} = {write_module(source)}\n")
        (point,) = PathDistribution(info).entry_points
        return point

    return installed


@pytest.fixture
def entry_of(write_module: Callable[[str], str]) -> Callable[..., Entry]:
    """`entry_of(source)` is the entry of the factory `make` in a module with that source."""

    def entry(source: str, kind: str = "loss", names: str | None = None) -> Entry:
        module = write_module(source)
        family = None if names is None else f"{module}:{names}"
        return Entry(
            kind, "acme.poly", f"{module}:make", "help", "acme", "acme-vision", "1", family
        )

    return entry
