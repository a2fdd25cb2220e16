"""The plugin is light, and says what is missing where Ray is not installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from toolkit.errors import UserError
from toolkit.plugin.host import load_host

from toolkit_ray import packs, tasks


def test_the_table_imports_no_ray() -> None:
    host = load_host({"TOOLKIT_PLUGINS": "ray"})
    assert host.registry.get("executor", "ray.tasks") is not None
    code = "import sys, toolkit_ray, toolkit_ray.tasks; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_ray_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'pip install "toolkit-ray\[cluster\]"'):
        tasks.tasks()


def test_decoded_images_that_came_are_held_against_what_was_sent(tmp_path: Path) -> None:
    home, other = tmp_path / "a" / "key", tmp_path / "b" / "key"
    home.mkdir(parents=True)
    (home / "images.u8").write_bytes(b"pixels")
    (home / "index.json").write_text("{}")
    expected = packs.digest(home)
    packs.write(other, packs.read(home), expected)
    assert packs.digest(other) == expected
    with pytest.raises(UserError, match="what came here is not what was sent"):
        packs.write(tmp_path / "c" / "key", {"images.u8": b"pixelz", "index.json": b"{}"}, expected)
    assert not list((tmp_path / "c").iterdir())


def test_a_folder_that_is_not_there_is_no_copy_of_any(tmp_path: Path) -> None:
    assert packs.digest(tmp_path / "gone") == ""


def test_ray_is_asked_for_nothing_but_to_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "find_spec", importlib.util.find_spec)
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED")
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    tasks.tasks()
    assert tasks.os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
