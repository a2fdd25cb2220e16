"""Each file is read once: a later start takes its digest from the store."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.contracts import Event, ignore
from toolkit.data import digests, known
from toolkit.data.digests import content_digests
from toolkit.data.known import Known
from toolkit.data.table import file_hashes
from toolkit.errors import UserError


@pytest.fixture
def old(tmp_path: Path) -> Callable[[str, str], str]:
    """Writes a file that was last changed long ago, and gives its path."""

    def write(name: str, text: str) -> str:
        file = tmp_path / name
        file.write_text(text)
        os.utime(file, (1000, 1000))
        return str(file)

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose content was read."""
    found: list[str] = []
    read = digests._read

    def counted(path: str) -> digests._Read:
        found.append(Path(path).name)
        return read(path)

    monkeypatch.setattr(digests, "_read", counted)
    return found


Old = Callable[[str, str], str]


def digest(path: str, folder: Path, **options: bool) -> str | None:
    return content_digests([path], ignore, Known(folder, ignore), **options)[path]


def test_a_second_start_reads_no_file(old: Old, folder: Path, reads: list[str]) -> None:
    paths = [old("a", "one"), old("b", "two")]
    first = content_digests(paths, ignore, Known(folder, ignore))
    assert sorted(reads) == ["a", "b"]
    assert content_digests(paths, ignore, Known(folder, ignore)) == first == file_hashes(paths)
    assert sorted(reads) == ["a", "a", "b", "b"]  # the second time without a store


def test_a_file_is_found_by_its_place_whatever_the_working_directory(
    old: Old, folder: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    digest(old("a", "one"), folder)
    monkeypatch.chdir(tmp_path)
    digest("a", folder)
    assert reads == ["a"]


@pytest.mark.parametrize("change", ["size", "time", "place"])
def test_another_size_time_or_inode_is_another_content(
    old: Old, folder: Path, change: str, tmp_path: Path
) -> None:
    path = old("a", "one")
    before = digest(path, folder)
    if change == "size":
        old("a", "more")
    elif change == "time":
        Path(path).write_text("two")
        os.utime(path, (1001, 1001))
    else:
        Path(old("b", "two")).replace(path)
    assert digest(path, folder) not in (before, None)


def test_verifying_reads_what_looks_unchanged_and_learns_it(old: Old, folder: Path) -> None:
    path = old("a", "one")
    before = digest(path, folder)
    old("a", "two")  # the same size, time and inode
    assert digest(path, folder) == before
    changed = digest(path, folder, verify=True)
    assert changed == file_hashes([path])[path] != before
    assert digest(path, folder) == changed


def test_a_file_that_changed_a_moment_ago_is_not_trusted(folder: Path, tmp_path: Path) -> None:
    """Its next change may leave the same time."""
    file = tmp_path / "a"
    file.write_text("one")
    stat = file.stat()
    before = digest(str(file), folder)
    file.write_text("two")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert digest(str(file), folder) not in (before, None)


def test_a_file_that_changes_while_it_is_read_is_not_trusted(
    old: Old, folder: Path, monkeypatch: pytest.MonkeyPatch, reads: list[str]
) -> None:
    path, fstat = old("a", "one"), os.fstat
    before = digests._stamp_of(os.stat(path))
    seen: list[int] = []

    def changing(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        seen.append(descriptor)
        os.utime(path, (1000, 1000 + len(seen)))
        return found

    monkeypatch.setattr(os, "fstat", changing)
    digest(path, folder)
    monkeypatch.undo()
    # One look when it is opened, one before it is read (the stamp), one behind it.
    stamp = before.replace(":1000000000000:", ":1001000000000:")
    assert stamp != before
    assert Known(folder, ignore).digests({path: stamp}) == {}


@pytest.mark.parametrize("damage", ["text", "cut", "empty", "no tables", "other version"])
def test_a_damaged_store_is_made_again(old: Old, folder: Path, damage: str) -> None:
    path = old("a", "one")
    right = digest(path, folder)
    file = folder / "known.sqlite"
    if damage == "text":
        file.write_text("no database" * 1000)
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:5000])
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        with sqlite3.connect(file) as store:
            sql = "DROP TABLE digests" if damage == "no tables" else "PRAGMA user_version = 99"
            store.execute(sql)
        store.close()
    assert digest(path, folder) == right
    assert digest(path, folder) == right
    (row,) = sqlite3.connect(file).execute("SELECT digest FROM digests")
    assert row == (right,)


def test_flipped_bytes_anywhere_in_a_store_give_no_traceback(old: Old, folder: Path) -> None:
    path = old("a", "one")
    right = digest(path, folder)
    file = folder / "known.sqlite"
    whole = file.read_bytes()
    for place in range(0, len(whole), 97):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        file.write_bytes(damaged)
        found = digest(path, folder)
        assert found == right or place > 4096  # a flipped byte within a digest is another digest


def test_a_store_that_cannot_be_used_is_done_without_in_words(
    old: Old, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old("a", "one")
    right = digest(path, folder)
    monkeypatch.setattr(known, "_BUSY_SECONDS", 0.01)
    events: list[Event] = []
    with sqlite3.connect(folder / "known.sqlite") as other:
        other.execute("BEGIN EXCLUSIVE")
        found = content_digests([path], ignore, Known(folder, events.append))
    other.close()
    assert found == {path: right}
    (event,) = events
    assert "known.sqlite: cannot be used (database is locked)" in event.text


def test_two_processes_that_learn_at_once_lose_nothing(old: Old, folder: Path) -> None:
    paths = [old(f"{n}", f"content {n}") for n in range(40)]
    halves = [(paths[:30], folder), (paths[10:], folder)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(learn, halves, chunksize=1)
    stamps = {path: digests._stamp_of(os.stat(path)) for path in paths}
    assert Known(folder, ignore).digests(stamps) == file_hashes(paths)


def learn(paths: list[str], folder: Path) -> None:
    for path in paths:
        content_digests([path], ignore, Known(folder, ignore))


def test_the_store_is_bounded_and_what_was_not_asked_for_goes_first(
    old: Old, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "ROWS", 3)
    paths = [old(f"{n}", f"{n}") for n in range(3)]
    day = time.time() - 100 * 86_400
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: day)
        store = Known(folder, ignore)
        stamps = {path: digests._stamp_of(os.stat(path)) for path in paths}
        store.learn_digests((path, stamps[path], "d") for path in paths)
        store.learn_faults("x", {str(n): "bad" for n in range(5)})
    assert len(store.faults("x")) == 3
    assert list(store.digests({paths[1]: stamps[paths[1]]})) == [paths[1]]  # used now
    store.learn_digests([(old("3", "3"), "s", "d"), (old("4", "4"), "s", "d")])
    assert list(store.digests(stamps)) == [paths[1]]


def test_names_in_any_bytes_are_kept(old: Old, folder: Path, tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff\xb0")
    Path(path).write_text("one")
    os.utime(path, (1000, 1000))
    first = digest(path, folder)
    assert Known(folder, ignore).digests({path: digests._stamp_of(os.stat(path))}) == {path: first}


def test_looking_into_a_store_that_is_not_there_makes_none(folder: Path) -> None:
    store = Known(folder, ignore)
    assert store.digests({"a": "s"}) == {}
    assert store.faults("x") == {}
    store.forget()
    assert not folder.exists()


def test_forgetting_empties_the_store(old: Old, folder: Path, reads: list[str]) -> None:
    path = old("a", "one")
    digest(path, folder)
    Known(folder, ignore).learn_faults("x", {"c": "bad"})
    Known(folder, ignore).forget()
    assert Known(folder, ignore).faults("x") == {}
    digest(path, folder)
    assert reads == ["a", "a"]


def test_too_many_open_files_is_no_fault_of_a_file(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object) -> int:
        raise OSError(24, "Too many open files")

    path = old("a", "one")
    monkeypatch.setattr(os, "open", short)
    with pytest.raises(UserError, match=r"a: cannot be read now: Too many open files"):
        file_hashes([path])
