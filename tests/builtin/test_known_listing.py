"""A large folder is walked once, and again where a folder of it changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from toolkit.builtin import known_listing
from toolkit.builtin.known_listing import list_known


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two images in folders that have been as they are for a while; every folder is large."""
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(known_listing, "LARGE", 1)
    root = tmp_path / "data"
    for name in ("a/1.jpg", "b/2.jpg"):
        (root / name).parent.mkdir(parents=True)
        (root / name).touch()
    for folder in (root / "a", root / "b", root):
        os.utime(folder, (1e9, 1e9))
    return root


def test_a_second_reading_walks_no_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = list_known(root)
    monkeypatch.setattr(known_listing, "list_folder", None)  # calling it would raise
    assert list_known(root) == first


def test_a_file_that_came_is_seen(root: Path) -> None:
    list_known(root)
    (root / "b" / "3.jpg").touch()
    assert list_known(root).images == ["a/1.jpg", "b/2.jpg", "b/3.jpg"]


def test_a_folder_that_changed_just_now_is_not_kept(root: Path, tmp_path: Path) -> None:
    (root / "b" / "3.jpg").touch()
    list_known(root)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"images": 3'])
def test_a_damaged_listing_is_made_again(root: Path, tmp_path: Path, text: str) -> None:
    first = list_known(root)
    (file,) = (tmp_path / "cache" / "listings").iterdir()
    file.write_text(text)
    assert list_known(root) == first
