"""A large folder is walked once, and again where a folder of it changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from toolkit.builtin import known_listing, sources
from toolkit.builtin.known_listing import list_known
from toolkit.data.evict import clear


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


@pytest.mark.parametrize("source", ["csv", "folder"])
def test_a_listing_that_cannot_be_kept_is_said_once(
    root: Path, tmp_path: Path, source: str
) -> None:
    (root / "train.csv").write_text("ID,target\n1,a\n2,b\n")
    os.utime(root, (1e9, 1e9))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "listings").write_text("a file")
    read = _source(source, root)
    said = [note for note in read.read().notes if "cannot be written" in note]
    assert len(said) == 1
    assert str(tmp_path / "cache" / "listings") in said[0]


def test_clearing_the_cache_removes_listings(root: Path, tmp_path: Path) -> None:
    list_known(root)
    assert list((tmp_path / "cache" / "listings").iterdir())
    clear(tmp_path / "cache")
    assert not list((tmp_path / "cache" / "listings").iterdir())


def _source(name: str, root: Path) -> sources.Csv | sources.Folder | sources.Archived:
    if name == "csv":
        return sources.csv(root=str(root), train_images=".")
    return sources.folder(root=str(root))
