"""What a live process has open is never evicted, however that process ends."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from toolkit.cli import run_command
from toolkit.contracts import Event, ImageSpec, ignore
from toolkit.data import cache
from toolkit.data.cache import Pack, open_pack
from toolkit.data.evict import clear, evict, packs
from toolkit.data.pack import Index
from toolkit.data.table import file_hashes
from toolkit.errors import UserError
from toolkit.files import lease
from toolkit.files.lease import alone, hold

SaveImage = Callable[..., Path]


@pytest.fixture
def files(save_image: SaveImage) -> dict[str, str]:
    paths = [str(save_image(f"images/{n}.png", seed=n)) for n in range(3)]
    return {str(content): path for path, content in file_hashes(paths).items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "packs"


def opened(files: dict[str, str], spec: ImageSpec, folder: Path) -> Pack:
    found, _ = open_pack(files, spec, ignore, folder)
    assert found is not None
    return found


def keys(folder: Path) -> list[str]:
    return [found.key for found in packs(folder)]


def use(pickled: bytes, pipe: Connection) -> None:
    """A loader process: unpickles a pack, and reads from it when it is told to."""
    found: Pack = pickle.loads(pickled)
    pipe.send("ready")
    pipe.recv()
    pipe.send(found.images[0].tobytes())
    pipe.recv()


@contextmanager
def loader(pickled: bytes) -> Iterator[tuple[multiprocessing.process.BaseProcess, Connection]]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=use, args=(pickled, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == "ready"
    try:
        yield process, ours
    finally:
        process.kill()
        process.join()
        ours.close()


def test_a_pack_that_this_process_has_open_stays(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    found = opened(files, spec, folder)
    assert evict(folder, limit=0) == []
    assert clear(folder) == []
    assert packs(folder)[0].in_use
    del found
    gc.collect()
    assert not packs(folder)[0].in_use
    assert len(clear(folder)) == 1
    assert list(folder.iterdir()) == []


def test_a_pack_stays_for_a_process_that_outlives_its_parents_and_goes_when_it_is_killed(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    found = opened(files, spec, folder)
    pixels = found.images[0].tobytes()
    with loader(pickle.dumps(found)) as (process, pipe):
        del found
        assert evict(folder, limit=0) == []
        pipe.send("read")
        assert pipe.recv() == pixels
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert len(evict(folder, limit=0)) == 1


def test_building_another_pack_beyond_the_limit_leaves_those_in_use(
    files: dict[str, str], spec: ImageSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run's own source pack, while it draws its offline copies."""
    monkeypatch.setenv("TOOLKIT_CACHE_GB", "0")
    source = opened(files, spec, folder)
    unused = opened(dict(list(files.items())[:1]), spec, folder).path.parent.name
    events: list[Event] = []
    copies, _ = open_pack(dict(list(files.items())[1:]), spec, events.append, folder)
    assert copies is not None
    assert set(keys(folder)) == {source.path.parent.name, copies.path.parent.name}
    assert unused not in keys(folder)
    assert "above TOOLKIT_CACHE_GB = 0: all of it is in use" in events[-1].text
    np.testing.assert_array_equal(source.images[0], pickle.loads(pickle.dumps(source)).images[0])


def test_what_is_in_use_counts_as_used_now(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    old = opened(dict(list(files.items())[:1]), spec, folder)
    os.utime(old.path.parent, (100, 100))
    unused = opened(dict(list(files.items())[1:2]), spec, folder).path.parent.name
    assert keys(folder) == [old.path.parent.name, unused]
    size = packs(folder)[0].gigabytes
    assert [found.key for found in evict(folder, limit=1.5 * size)] == [unused]


def test_an_index_that_is_evicted_while_it_is_opened_is_built_anew(
    files: dict[str, str], spec: ImageSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = opened(files, spec, folder).path.parent
    names = Index.__len__

    def lost(index: Index) -> int:
        monkeypatch.setattr(Index, "__len__", names)
        shutil.rmtree(home)
        return names(index)

    monkeypatch.setattr(Index, "__len__", lost)
    again = opened(files, spec, folder)
    assert set(again.index) == set(files)
    assert again.images.shape[0] == 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"b": 0, "a": 1}'])
def test_a_damaged_index_is_built_anew(
    files: dict[str, str], spec: ImageSpec, folder: Path, text: str
) -> None:
    home = opened(files, spec, folder).path.parent
    (home / "index.json").write_text(text)
    assert set(opened(files, spec, folder).index) == set(files)


def test_an_array_that_was_cut_short_is_built_anew(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    path = opened(files, spec, folder).path
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert opened(files, spec, folder).path.read_bytes() == whole


def test_a_file_that_was_made_anew_is_not_the_one_that_is_leased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened, then removed and made again before the lock was had: the new one is leased."""
    file = tmp_path / "file"
    file.write_text("old")
    lock = lease._try_lock

    def slowly(descriptor: int, place: Path, *, shared: bool) -> bool:
        monkeypatch.setattr(lease, "_try_lock", lock)
        file.unlink()
        file.write_text("new")
        return lock(descriptor, place, shared=shared)

    monkeypatch.setattr(lease, "_try_lock", slowly)
    held = hold(file)
    assert held is not None
    with alone(file) as free:
        assert not free


def test_opening_waits_for_one_that_removes_and_gives_up_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pack" / "images.u8"
    file.parent.mkdir()
    file.write_text("")
    monkeypatch.setattr(lease, "_WAIT_SECONDS", 0.05)
    with alone(file) as free:
        assert free
        with pytest.raises(UserError, match="another process has been removing it"):
            hold(file)


def test_a_file_system_without_locks_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    file = tmp_path / "pack" / "images.u8"
    file.parent.mkdir()
    file.write_text("")
    monkeypatch.setattr("fcntl.flock", none)
    with pytest.raises(UserError, match=r"its file system has no locks .*TOOLKIT_CACHE"):
        hold(file)


def test_on_windows_a_file_that_somebody_has_open_cannot_be_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision alone: there is no Windows here."""
    file = tmp_path / "images.u8"
    file.write_text("pixels")
    monkeypatch.setattr(sys, "platform", "win32")
    with alone(file) as free:
        assert free
        assert not file.exists()  # nobody opens it meanwhile
    assert file.read_text() == "pixels"

    def refused(self: Path, to: Path) -> Path:
        raise PermissionError(13, "used by another process")

    monkeypatch.setattr(Path, "rename", refused)
    with alone(file) as free:
        assert not free


def test_a_pack_that_was_removed_by_hand_is_told_in_a_line(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    found = pickle.loads(pickle.dumps(opened(files, spec, folder)))
    shutil.rmtree(folder)
    with pytest.raises(UserError, match="the decoded images are gone"):
        _ = found.images
    with pytest.raises(UserError, match="the decoded images are gone"):
        _ = pickle.loads(pickle.dumps(found)).images


def test_one_that_waits_for_another_process_says_so(
    files: dict[str, str], spec: ImageSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = opened(files, spec, folder).path.parent
    shutil.rmtree(home)
    monkeypatch.setattr(cache, "_PATIENCE_SECONDS", 0.05)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=lock_for_a_while, args=(home.with_suffix(".lock"), theirs))
    process.start()
    assert ours.recv() == "locked"
    events: list[Event] = []

    def told(event: Event) -> None:
        events.append(event)
        if event.stage == "message":
            ours.send("let go")

    found, _ = open_pack(files, spec, told, folder)
    process.join()
    assert found is not None
    assert events[0].text == f"waiting for another process that fills {home}"


def lock_for_a_while(file: Path, pipe: Connection) -> None:
    from filelock import FileLock

    with FileLock(file):
        pipe.send("locked")
        pipe.recv()


def test_clearing_says_what_is_in_use(
    files: dict[str, str],
    spec: ImageSpec,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TOOLKIT_CACHE", str(folder))
    used = opened(files, spec, folder)
    unused = opened(dict(list(files.items())[:1]), spec, folder).path.parent.name
    assert run_command(["cache"]) == 0
    assert capsys.readouterr().out.count("in use") == 1
    assert run_command(["cache", "clear"]) == 0
    key = used.path.parent.name
    assert capsys.readouterr().out == (
        f"removed 1 pack, 0.00 GB\n{key}: stays, a process uses it (0.00 GB)\n"
    )
    assert unused not in keys(folder)
