"""An ID leads to one file, in whatever way it names it, or it is listed."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from toolkit.builtin.listing import list_folder, unchanged
from toolkit.builtin.names import resolve, unresolved_lines

JPEG = b"\xff\xd8\xff\xe0 a JPEG's first bytes"


def lay(root: Path, *paths: str, content: bytes = JPEG) -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a.jpg", "train/a.jpg"),
        ("train/a.jpg", "train/a.jpg"),
        ("./train/a.jpg", "train/a.jpg"),
        ("train\\a.jpg", "train/a.jpg"),
        ("a", "train/a.JPG"),
        ("a.png", "train/a.jpg"),
        ("A.JPG", "train/a.jpg"),
        ("scan.v1.0.final", "train/scan.v1.0.final.jpg"),
        (unicodedata.normalize("NFC", "한글.jpg"), unicodedata.normalize("NFD", "train/한글.jpg")),
        (unicodedata.normalize("NFD", "é.jpg"), unicodedata.normalize("NFC", "train/é.jpg")),
        ("7.jpg", "images/train/0/7.jpg"),
    ],
)
def test_an_id_finds_its_file(name: str, file: str, tmp_path: Path) -> None:
    found = resolve([name], [file, "train/other.jpg"], str(tmp_path))
    assert found.files == [file]


def test_an_absolute_path_inside_the_root_is_found_and_one_outside_is_not(tmp_path: Path) -> None:
    inside, outside = str(tmp_path / "train" / "a.jpg"), "/elsewhere/train/a.jpg"
    found = resolve([inside, outside], ["train/a.jpg"], str(tmp_path))
    assert found.files == ["train/a.jpg", None]


def test_the_folder_that_is_named_decides_between_equal_names(tmp_path: Path) -> None:
    files = ["test/0.jpg", "train/0.jpg"]
    assert resolve(["0.jpg"], files, str(tmp_path), ["train"]).files == ["train/0.jpg"]
    both = resolve(["0.jpg"], files, str(tmp_path))
    assert both.files == [None]
    assert set(both.ambiguous["0.jpg"]) == set(files)


def test_two_files_of_one_stem_are_ambiguous_and_an_exact_name_is_not(tmp_path: Path) -> None:
    found = resolve(["a", "b.png"], ["a.jpg", "a.png", "b.jpg", "b.png"], str(tmp_path))
    assert found.files == [None, "b.png"]


def test_names_that_differ_in_case_alone_are_told_apart(tmp_path: Path) -> None:
    found = resolve(["a.jpg", "A.jpg", "B.JPG"], ["A.jpg", "a.jpg", "b.jpg"], str(tmp_path))
    assert found.files == ["a.jpg", "A.jpg", "b.jpg"]


def test_an_id_that_leaves_the_folder_finds_nothing(tmp_path: Path) -> None:
    assert resolve(["../a.jpg", "C:\\a.jpg"], ["a.jpg"], str(tmp_path)).files == [None, None]


def test_what_is_missing_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    files = ["train/00000.jpg", "train/00001.jpg"]
    (line,) = unresolved_lines(resolve(["0", "1"], files, str(tmp_path)), files, "training")
    assert line == (
        "2 training IDs name no image (0, 1); there is train/00000.jpg: the IDs lost their "
        "leading zeros; write them as text into the table"
    )


def test_a_folder_is_listed_without_what_systems_leave_behind(tmp_path: Path) -> None:
    lay(tmp_path, "cat/0.jpg", "cat/1.JFIF", "cat/._0.jpg", "__MACOSX/cat/._0.jpg", "cat/plain")
    lay(tmp_path, ".hidden/2.jpg", "cat/Thumbs.db", "cat/notes.txt", "@eaDir/x.jpg")
    lay(tmp_path, "cat/unnamed", content=b"no image")
    found = list_folder(tmp_path)
    assert found.images == ["cat/0.jpg", "cat/1.JFIF", "cat/plain"]
    assert found.others == {".txt": 1, "": 1}


def test_a_linked_folder_is_read_once_and_a_loop_is_told(tmp_path: Path) -> None:
    lay(tmp_path, "store/0.jpg", "data/cat/1.jpg")
    (tmp_path / "data" / "dog").symlink_to(tmp_path / "store")
    (tmp_path / "data" / "cat" / "again").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    found = list_folder(tmp_path / "data")
    assert found.images == ["cat/1.jpg", "dog/0.jpg"]
    assert any("cat/again/" in note for note in found.notes)
    assert any("gone.jpg" in note for note in found.notes)


def test_a_fifo_among_the_images_is_named_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert list_folder(tmp_path).images == []
    assert "pipe.jpg is no ordinary file" in list_folder(tmp_path).notes[0]


def test_a_new_file_makes_a_listing_outdated(tmp_path: Path) -> None:
    lay(tmp_path, "a/0.jpg")
    found = list_folder(tmp_path)
    assert unchanged(tmp_path, found.folders)
    os.utime(tmp_path / "a", ns=(0, 0))
    assert not unchanged(tmp_path, found.folders)


def test_a_file_of_the_same_name_elsewhere_is_no_lost_zero() -> None:
    got = resolve(["/elsewhere/p00.jpg"], ["train/p00.jpg"], "/data")
    (line,) = unresolved_lines(got, ["train/p00.jpg"], "training")
    assert "there is train/p00.jpg" in line
    assert "zeros" not in line
