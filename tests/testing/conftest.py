"""The broken plugins, installed: real packages, beside the metadata that pip would leave."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SPECIMENS = Path(__file__).parent / "specimens"

Install = Callable[[str, str], None]


def install_into(site: Path, plugin: str, module: str) -> None:
    """What pip leaves of a package whose entry point is `plugin = module`."""
    info = site / f"{plugin}_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {plugin}-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[toolkit]\n{plugin} = {module}\n")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The plugin `broken`, importable and installed."""
    site = tmp_path_factory.mktemp("site")
    install_into(site, "broken", "broken_specimens")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.syspath_prepend(SPECIMENS)
        yield
    for name in [n for n in sys.modules if n.partition(".")[0] == "broken_specimens"]:
        del sys.modules[name]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """`install("acme", source)` installs a plugin whose table has that source."""
    monkeypatch.syspath_prepend(tmp_path)
    names: list[str] = []

    def installed(plugin: str, source: str) -> None:
        names.append(f"{plugin}_kit_plugin")
        (tmp_path / f"{names[-1]}.py").write_text(source)
        install_into(tmp_path, plugin, names[-1])

    yield installed
    for name in names:
        sys.modules.pop(name, None)
