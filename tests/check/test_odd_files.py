"""What is called like a table and is none, or cannot be read, is named and never passed over."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from toolkit.builtin.listing import list_folder
from toolkit.builtin.sources import csv
from toolkit.check.survey import survey
from toolkit.errors import DataError
from toolkit.files import is_there


def fifo(file: Path) -> None:
    os.mkfifo(file)


def bound_socket(file: Path) -> None:
    place = os.getcwd()
    os.chdir(file.parent)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(file.name)
    os.chdir(place)


def device(file: Path) -> None:
    file.symlink_to("/dev/null")


def folder(file: Path) -> None:
    file.mkdir()


def dangling(file: Path) -> None:
    file.symlink_to("nowhere.csv")


def loop(file: Path) -> None:
    file.symlink_to(file.name)


def unreadable(file: Path) -> None:
    file.write_text("id,label\n")
    file.chmod(0)


ODD: list[tuple[Callable[[Path], None], str]] = [
    (fifo, "a FIFO"),
    (bound_socket, "a socket"),
    (device, "a device"),
    (folder, "is a folder"),
    (dangling, "is a link that leads nowhere"),
    (loop, "is a link that leads in a circle"),
    (unreadable, "Permission denied"),
]
odd = pytest.mark.parametrize(
    ("make", "words"), ODD, ids=lambda value: getattr(value, "__name__", "")
)


@pytest.fixture
def denied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files without rights cannot be opened, whoever runs the tests."""
    opened = os.open

    def refusing(path: str | Path, *args: int, **options: int) -> int:
        if os.path.exists(path) and not os.stat(path).st_mode & 0o777:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **options)

    monkeypatch.setattr(os, "open", refusing)


def drawn(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(root / name)
    return root


@odd
@pytest.mark.usefixtures("denied")
def test_beside_class_folders_it_is_named(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    names = ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")
    root = drawn(tmp_path / "data", *(f"train/{name}" for name in names))
    make(root / "train.csv")
    said = [line for line in survey(root).left if "train.csv" in line]
    assert len(said) == 1
    assert words in said[0]


@odd
@pytest.mark.usefixtures("denied")
def test_where_nothing_else_says_labels_the_refusal_names_it(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    root = drawn(tmp_path / "data", *(f"train/p{n}x.png" for n in range(3)))
    make(root / "train.csv")
    with pytest.raises(DataError) as error:
        survey(root)
    assert any("train.csv" in line and words in line for line in error.value.lines)


@odd
@pytest.mark.usefixtures("denied")
def test_a_source_that_is_told_of_it_names_it(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    root = drawn(tmp_path / "data", "train/1.png")
    make(root / "train.csv")
    words = words.replace("is a link that leads in a circle", "Too many levels of symbolic links")
    words = words.replace("is a folder", "a folder has that name")
    with pytest.raises(DataError) as error:
        csv(root=str(root)).read()
    assert words in error.value.lines[0]
    assert "Errno" not in error.value.lines[0]


def test_a_link_in_a_circle_among_images_is_named(tmp_path: Path) -> None:
    root = drawn(tmp_path / "data", "cat/1.png")
    loop(root / "cat" / "2.png")
    found = list_folder(root)
    assert found.images == ["cat/1.png"]
    assert found.notes == ("cat/2.png is a link that leads in a circle",)


def test_an_optional_file_that_is_a_dangling_link_is_not_taken_for_absent(tmp_path: Path) -> None:
    dangling(tmp_path / "sample_submission.csv")
    with pytest.raises(OSError, match="leads nowhere"):
        is_there(tmp_path / "sample_submission.csv")
    assert not is_there(tmp_path / "other.csv")
