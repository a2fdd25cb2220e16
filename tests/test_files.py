"""Only regular files are opened, and none is waited for without end."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolkit import files
from toolkit.builtin.sources import csv
from toolkit.builtin.timm_models import _from_file
from toolkit.check.survey import survey
from toolkit.contracts import Event, ignore
from toolkit.data.digests import content_digests
from toolkit.data.images import decode
from toolkit.data.table import read_table
from toolkit.errors import DataError, RecipeError, UserError
from toolkit.files import (
    NoRegularFile,
    bounded,
    in_threads,
    is_there,
    open_regular,
    read_bytes,
    reporting,
    why_unreadable,
)
from toolkit.recipe.load import load_recipe

KINDS = {
    "fifo": "is a FIFO; only regular files are read",
    "socket": "is a socket; only regular files are read",
    "device": "is a device; only regular files are read",
    "folder": "is a folder; only regular files are read",
    "link to a fifo": "is a FIFO; only regular files are read",
}


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Path], Path]]:
    """Puts something of a kind where a file is expected."""
    opened: list[socket.socket] = []

    def made(kind: str, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "socket":
            opened.append(socket.socket(socket.AF_UNIX))
            monkeypatch.chdir(path.parent)  # a socket's path is short
            opened[-1].bind(path.name)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "folder":
            path.mkdir()
        else:
            os.mkfifo(path.with_suffix(".fifo"))
            path.symlink_to(path.with_suffix(".fifo"))
        return path

    yield made
    for one in opened:
        one.close()


MakeKind = Callable[[str, Path], Path]


@pytest.mark.parametrize(("kind", "words"), KINDS.items())
def test_only_regular_files_are_opened(
    make: MakeKind, tmp_path: Path, kind: str, words: str
) -> None:
    path = make(kind, tmp_path / "odd.png")
    with pytest.raises(NoRegularFile, match=words):
        open_regular(path)
    assert why_unreadable(path) == words
    assert content_digests([str(path)], ignore) == {str(path): None}
    with pytest.raises(DataError, match=f"odd.png: {words}"):
        decode(path)


def test_a_link_to_a_file_is_as_good_as_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("file")
    assert read_bytes(tmp_path / "link") == b"text"
    assert is_there(tmp_path / "link")


def test_what_takes_a_files_place_before_it_is_opened_is_not_waited_for(
    make: MakeKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    regular = tmp_path / "regular"
    regular.write_text("")
    fifo, before = make("fifo", tmp_path / "fifo"), os.stat(regular)
    monkeypatch.setattr(os, "stat", lambda path: before)
    with pytest.raises(NoRegularFile, match="is a FIFO"):
        open_regular(fifo)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone", "there is no such file"),
        ("a\0b", "cannot be read: embedded null byte"),
        ("n" * 300, "cannot be read: File name too long"),
    ],
)
def test_what_keeps_a_file_from_being_read_is_said_in_words(
    tmp_path: Path, name: str, words: str
) -> None:
    path = f"{tmp_path}/{name}"
    assert content_digests([path], ignore) == {path: None}
    assert why_unreadable(path) == words


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_what_the_system_is_short_of_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def short(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    (tmp_path / "a").write_text("")
    monkeypatch.setattr(os, "open", short)
    with pytest.raises(UserError, match="a: cannot be read now") as error:
        decode(tmp_path / "a")
    assert not isinstance(error.value, DataError)


@pytest.fixture
def stalled(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Short limits, and an event that ends what stalls."""
    monkeypatch.setattr(files, "REPORT_SECONDS", 0.02)
    monkeypatch.setenv("TOOLKIT_READ_SECONDS", "0.1")
    event = threading.Event()
    yield event
    event.set()


def test_a_file_that_stalls_is_told_of_and_then_given_up(stalled: threading.Event) -> None:
    told: list[str] = []
    with pytest.raises(UserError, match=r"a.png: reading it has taken .*TOOLKIT_READ_SECONDS=0.1"):
        bounded(stalled.wait, "a.png", told.append)
    assert told
    assert told[0].startswith("a.png: reading it has taken")


def test_one_file_of_many_that_stalls_is_told_of_and_then_given_up(
    stalled: threading.Event,
) -> None:
    told: list[str] = []
    paths = [str(number) for number in range(200)]

    def work(path: str) -> int:
        return stalled.wait() if path == "70" else int(path)

    found: list[tuple[str, int]] = []
    with pytest.raises(UserError, match=r"^70: reading it has taken"):
        found.extend(in_threads(work, paths, told.append))
    assert {line.partition(":")[0] for line in told} == {"70"}


def test_threads_give_the_result_of_every_path_and_raise_what_the_work_raises() -> None:
    paths = [str(number) for number in range(1000)]
    assert dict(in_threads(int, paths, print)) == {path: int(path) for path in paths}
    assert list(in_threads(int, [], print)) == []
    with pytest.raises(ValueError, match="invalid literal"):
        list(in_threads(int, [*paths, "x"], print))


def test_bounded_gives_what_the_call_gives_and_raises_what_it_raises() -> None:
    assert bounded(lambda: 3, "three") == 3
    with pytest.raises(KeyError):
        bounded(dict[str, int]().popitem, "none")


def test_what_may_take_longer_is_only_told_of(stalled: threading.Event) -> None:
    told: list[str] = []
    with reporting("the table", told.append):
        deadline = time.monotonic() + 10
        while not told and time.monotonic() < deadline:
            time.sleep(0.01)
    assert told[0].startswith("the table: reading it has taken")


def test_a_limit_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_READ_SECONDS", "soon")
    with pytest.raises(UserError, match="TOOLKIT_READ_SECONDS=soon: expected a number of seconds"):
        bounded(lambda: 3, "three")


@pytest.mark.parametrize("kind", ["fifo", "device", "socket"])
@pytest.mark.parametrize("name", ["train.csv", "meta.csv", "sample_submission.csv"])
def test_a_source_opens_regular_tables_only(
    make: MakeKind, tmp_path: Path, name: str, kind: str
) -> None:
    (tmp_path / "train.csv").write_text("ID,target\na,0\nb,1\n")
    make(kind, tmp_path / name)
    with pytest.raises(DataError, match=rf"{name}: is a \w+; only regular files are read"):
        csv(root=str(tmp_path)).read()


def test_a_folder_in_place_of_an_optional_table_is_no_table(tmp_path: Path) -> None:
    """`meta = ""` is how a recipe says that there is none."""
    (tmp_path / "train.csv").write_text("ID,target\na,0\nb,1\n")
    table = csv(root=str(tmp_path), meta="", sample="").read()
    assert table.classes == ("0", "1")


def test_a_recipe_and_what_it_extends_are_regular_files(make: MakeKind, tmp_path: Path) -> None:
    fifo = make("fifo", tmp_path / "fifo.toml")
    with pytest.raises(RecipeError, match=r"fifo.toml: cannot be read: it is a FIFO; only"):
        load_recipe(fifo)
    child = tmp_path / "child.toml"
    child.write_text('extends = "fifo.toml"\n')
    with pytest.raises(RecipeError, match=r"fifo.toml: cannot be read: it is a FIFO; only"):
        load_recipe(child)


def test_weights_are_a_regular_file(make: MakeKind, tmp_path: Path) -> None:
    fifo = make("fifo", tmp_path / "weights.safetensors")
    with pytest.raises(UserError, match=r"backbone.weights: .*: is a FIFO"):
        _from_file("test_resnet", str(fifo), {})


def test_a_survey_passes_by_what_is_no_file(make: MakeKind, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"odd: is a FIFO; only regular files are read"):
        survey(make("fifo", tmp_path / "odd"))
    make("fifo", tmp_path / "data" / "train.csv")
    make("fifo", tmp_path / "data" / "a" / "1.png")
    with pytest.raises(DataError, match="found neither a CSV"):
        survey(tmp_path / "data")


def test_a_source_that_takes_long_is_told_of(stalled: threading.Event, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("ID,target\na,0\nb,1\n")
    table = csv(root=str(tmp_path)).read()
    events: list[Event] = []

    class Slow:
        def read(self) -> object:
            deadline = time.monotonic() + 10
            while not events and time.monotonic() < deadline:
                time.sleep(0.01)
            return table

    read_table(Slow(), events.append)  # type: ignore[arg-type]
    assert events[0].text.startswith("the table: reading it has taken")
