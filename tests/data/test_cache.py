"""Decode once: packs are keyed by content, whole or absent, shared and bounded."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from toolkit.contracts import Event, ImageSpec, ignore
from toolkit.data import cache, fill
from toolkit.data.cache import Pack, cache_folder, open_pack
from toolkit.data.evict import PackInfo, clear, evict, limit_gb, packs
from toolkit.data.images import decode, to_working
from toolkit.data.table import file_hashes
from toolkit.errors import UserError

SaveImage = Callable[..., Path]


def contents(files: Iterable[Path]) -> dict[str, str]:
    """Content hash to path."""
    hashes = file_hashes(str(file) for file in files)
    return {str(content): path for path, content in hashes.items()}


@pytest.fixture
def files(save_image: SaveImage) -> dict[str, str]:
    return contents(save_image(f"images/{n}.png", seed=n) for n in range(3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "packs"


def opened(files: dict[str, str], spec: ImageSpec, folder: Path) -> Pack:
    pack, faults = open_pack(files, spec, ignore, folder)
    assert faults == {}
    assert pack is not None
    return pack


def require_whole(pack: Pack, files: dict[str, str], spec: ImageSpec) -> None:
    assert set(pack.index) == set(files)
    assert pack.images.shape == (len(files), spec.working_size, spec.working_size, 3)
    for content, path in files.items():
        (row,) = pack.rows([content])
        np.testing.assert_array_equal(pack.images[row], to_working(decode(path), spec))


def test_a_pack_holds_every_image_at_the_working_size(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    require_whole(opened(files, spec, folder), files, spec)


def test_a_second_opening_decodes_nothing(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    events: list[Event] = []
    open_pack(files, spec, events.append, folder)
    assert [(e.stage, e.done, e.total) for e in events] == [("decode", n, 3) for n in (1, 2, 3)]
    events.clear()
    pack, _ = open_pack(files, spec, events.append, folder)
    assert events == []
    assert pack is not None
    require_whole(pack, files, spec)


def test_renamed_and_moved_files_find_their_pack(
    files: dict[str, str], spec: ImageSpec, folder: Path, tmp_path: Path
) -> None:
    before = opened(files, spec, folder)
    moved = []
    for number, path in enumerate(files.values()):
        moved.append(Path(path).rename(tmp_path / f"other-{number}.png"))
    events: list[Event] = []
    after, _ = open_pack(contents(moved), spec, events.append, folder)
    assert events == []
    assert after == before


@pytest.mark.parametrize(
    "other", [ImageSpec(17), ImageSpec(16, "crop"), ImageSpec(16, fill=9), ImageSpec(16, "stretch")]
)
def test_another_spec_is_another_pack(
    files: dict[str, str], spec: ImageSpec, folder: Path, other: ImageSpec
) -> None:
    first = opened(files, spec, folder)
    require_whole(opened(files, other, folder), files, other)
    require_whole(first, files, spec)
    assert len(packs(folder)) == 2


def test_other_files_are_another_pack(
    files: dict[str, str], spec: ImageSpec, folder: Path, save_image: SaveImage
) -> None:
    first = opened(files, spec, folder)
    more = {**files, **contents([save_image("images/more.png", seed=99)])}
    require_whole(opened(more, spec, folder), more, spec)
    require_whole(first, files, spec)
    assert sorted(pack.images for pack in packs(folder)) == [3, 4]


def test_what_a_killed_process_left_half_made_is_replaced(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    home = opened(files, spec, folder).path.parent
    half_made = home.with_suffix(".tmp")
    home.rename(half_made)  # whole, but never given its name
    (half_made / "images.u8").write_bytes(b"short")
    (half_made / "junk").write_text("")
    require_whole(opened(files, spec, folder), files, spec)
    assert not half_made.exists()
    assert sorted(file.name for file in home.iterdir()) == ["images.u8", "index.json"]


def test_a_pack_that_lost_its_index_is_built_anew(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    pack = opened(files, spec, folder)
    (pack.path.parent / "index.json").unlink()
    pack.path.write_bytes(b"short")
    require_whole(opened(files, spec, folder), files, spec)


def test_decoding_processes_that_die_are_an_error_and_leave_no_pack(
    files: dict[str, str], spec: ImageSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "_WORTH_A_POOL", 2)
    with monkeypatch.context() as patch:
        patch.setattr(fill, "_single_threaded", partial(os._exit, 1))
        with pytest.raises(UserError, match="the decoding processes died"):
            open_pack(files, spec, ignore, folder, processes=2)
    assert packs(folder) == []
    require_whole(opened(files, spec, folder), files, spec)


@pytest.fixture
def bad(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "bad.png"
    file.write_text("no picture")
    return contents([file])


def test_faults_are_told_by_content_and_what_can_be_decoded_is_kept(
    files: dict[str, str], bad: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    ((content, path),) = bad.items()
    pack, faults = open_pack({**files, **bad}, spec, ignore, folder)
    assert faults == {content: f"{path}: is no image that can be read"}
    assert pack is not None
    require_whole(pack, files, spec)
    assert pack == opened(files, spec, folder)  # the same pack as without the bad file
    assert len(packs(folder)) == 1
    assert not list(folder.glob("*.tmp"))


def test_a_pack_without_the_bad_files_has_the_bytes_of_one_that_never_met_them(
    files: dict[str, str], bad: dict[str, str], spec: ImageSpec, tmp_path: Path
) -> None:
    for place in range(3):  # before, between and behind the others, in the order of contents
        content = sorted(files)[place][:-1] + "!"
        mixed = {**files, content: next(iter(bad.values()))}
        pack, _ = open_pack(mixed, spec, ignore, tmp_path / str(place))
        assert pack is not None
        alone = opened(files, spec, tmp_path / "alone")
        assert pack.path.read_bytes() == alone.path.read_bytes()


def test_a_second_opening_decodes_neither_good_files_nor_bad_ones(
    files: dict[str, str], bad: dict[str, str], spec: ImageSpec, folder: Path, tmp_path: Path
) -> None:
    first, faults = open_pack({**files, **bad}, spec, ignore, folder)
    events: list[Event] = []
    assert open_pack({**files, **bad}, spec, events.append, folder) == (first, faults)
    assert events == []
    ((content, path),) = bad.items()
    moved = str(Path(path).rename(tmp_path / "moved.png"))
    _, faults = open_pack({**files, content: moved}, spec, events.append, folder)
    assert faults == {content: f"{moved}: is no image that can be read"}
    assert events == []


def test_a_file_that_cannot_be_read_this_time_is_tried_again(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    path = Path(next(iter(files.values())))
    aside = path.rename(path.with_suffix(".aside"))
    _, faults = open_pack(files, spec, ignore, folder)
    assert list(faults.values()) == [f"{path}: there is no such file"]
    aside.rename(path)
    require_whole(opened(files, spec, folder), files, spec)


def test_another_spec_or_decoder_finds_the_faults_anew(
    bad: dict[str, str], spec: ImageSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(spec: ImageSpec) -> int:
        events: list[Event] = []
        assert len(open_pack(bad, spec, events.append, folder)[1]) == 1
        return len(events)

    assert [decoded(spec), decoded(spec), decoded(ImageSpec(17))] == [1, 0, 1]
    monkeypatch.setattr("PIL.__version__", "99")
    assert decoded(spec) == 1


def test_the_number_of_decoding_processes_changes_no_byte(
    files: dict[str, str], spec: ImageSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "_WORTH_A_POOL", 2)
    alone, _ = open_pack(files, spec, ignore, tmp_path / "alone", processes=1)
    pooled, _ = open_pack(files, spec, ignore, tmp_path / "pooled", processes=2)
    assert alone is not None
    assert pooled is not None
    assert pooled.index == alone.index
    assert pooled.path.read_bytes() == alone.path.read_bytes()
    require_whole(pooled, files, spec)


def test_two_processes_that_build_at_once_both_get_a_whole_pack(
    spec: ImageSpec, folder: Path, save_image: SaveImage
) -> None:
    many = contents(save_image(f"images/{n}.png", n, 200, 150) for n in range(50))
    one = dict(list(many.items())[:1])
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        # Both processes stand ready, all imported, before the race.
        pool.starmap(open_pack, [(one, spec, ignore, folder / str(n), 1) for n in (0, 1)], 1)
        results = pool.starmap(open_pack, [(many, spec, ignore, folder, 1)] * 2, chunksize=1)
    for pack, faults in results:
        assert faults == {}
        require_whole(pack, many, spec)
    assert not list(folder.glob("*.tmp"))


def test_a_pack_pickles_without_its_pixels(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    pack = opened(files, spec, folder)
    assert pack.images.nbytes > 2000
    pickled = pickle.dumps(pack)
    assert len(pickled) < 1000
    again = pickle.loads(pickled)
    assert "images" not in vars(again)
    require_whole(again, files, spec)


def test_the_pixels_of_a_pack_cannot_be_written(
    files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    images = opened(files, spec, folder).images
    with pytest.raises(ValueError, match="read-only"):
        images[0, 0, 0, 0] = 1


@pytest.fixture
def three(files: dict[str, str], spec: ImageSpec, folder: Path) -> list[str]:
    """The keys of three packs of one image each that nobody has open, last used 300, 200 and 100
    seconds after 1970."""
    made = []
    for used, (content, path) in zip((300, 200, 100), files.items(), strict=True):
        home = opened({content: path}, spec, folder).path.parent
        os.utime(home, (used, used))
        made.append(home.name)
    return made


def keys(found: Iterable[PackInfo]) -> list[str]:
    return [pack.key for pack in found]


def test_packs_are_listed_from_the_most_recently_used(three: list[str], folder: Path) -> None:
    assert keys(packs(folder)) == three
    size = packs(folder)[0].gigabytes * 1e9
    # 18 x 18 x 3 bytes of pixels and an index of one 32-digit hash: {"...": 0}
    assert size == pytest.approx(972 + 39)
    assert packs(folder / "none") == []


def test_the_least_recently_used_packs_go_first(three: list[str], folder: Path) -> None:
    size = packs(folder)[0].gigabytes
    removed = evict(folder, limit=2.5 * size)
    assert keys(removed) == three[2:]
    assert keys(packs(folder)) == three[:2]
    assert keys(evict(folder, limit=1.5 * size)) == three[1:2]


def test_the_kept_pack_stays_however_old_and_large_it_is(three: list[str], folder: Path) -> None:
    oldest = three[2]
    assert set(keys(evict(folder, keep=oldest, limit=0))) == set(three[:2])
    assert keys(packs(folder)) == [oldest]


def test_a_large_pack_goes_before_older_ones_that_still_fit(
    files: dict[str, str], spec: ImageSpec, folder: Path, save_image: SaveImage
) -> None:
    (first, *_), (last, *_) = list(files.items()), reversed(files.items())
    large = contents(save_image(f"images/large-{n}.png", 50 + n) for n in range(9))
    homes = [opened(dict(f), spec, folder).path.parent for f in ([first], large, [last])]
    for used, home in zip((300, 200, 100), homes, strict=True):
        os.utime(home, (used, used))
    newest, middle, oldest = (home.name for home in homes)
    size = packs(folder)[0].gigabytes
    # In units of the small packs, from the newest: 1 fits, 1 + 9 do not, 1 + 1 do.
    assert keys(evict(folder, limit=2.5 * size)) == [middle]
    assert keys(packs(folder)) == [newest, oldest]


def test_within_the_limit_nothing_is_removed(three: list[str], folder: Path) -> None:
    assert evict(folder, limit=4 * packs(folder)[0].gigabytes) == []
    assert len(packs(folder)) == 3


def test_building_a_pack_evicts_others_beyond_the_limit(
    three: list[str],
    files: dict[str, str],
    spec: ImageSpec,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOOLKIT_CACHE_GB", "0")
    pack = opened(files, spec, folder)
    assert keys(packs(folder)) == [pack.path.parent.name]


def test_opening_a_pack_makes_it_the_most_recently_used(
    three: list[str], files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    content, path = list(files.items())[2]
    opened({content: path}, spec, folder)
    assert keys(packs(folder))[0] == three[2]


def test_clearing_removes_packs_and_what_killed_builds_left(three: list[str], folder: Path) -> None:
    (folder / "0123.tmp").mkdir()
    (folder / "0123.tmp" / "images.u8").write_bytes(b"half")
    assert keys(clear(folder)) == three
    assert list(folder.iterdir()) == []
    assert clear(folder / "none") == []


def test_clearing_leaves_a_build_that_is_under_way(three: list[str], folder: Path) -> None:
    building = folder / "0123.tmp"
    building.mkdir()
    with FileLock(folder / "0123.lock"):
        clear(folder)
        assert building.is_dir()
    clear(folder)
    assert not building.exists()


def test_the_cache_is_where_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_CACHE", "/somewhere/else")
    assert cache_folder() == Path("/somewhere/else")
    monkeypatch.delenv("TOOLKIT_CACHE")
    assert cache_folder().name == "recipe-toolkit"


def test_the_limit_is_what_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOOLKIT_CACHE_GB", raising=False)
    assert limit_gb() == 20
    monkeypatch.setenv("TOOLKIT_CACHE_GB", "1.5")
    assert limit_gb() == 1.5
    monkeypatch.setenv("TOOLKIT_CACHE_GB", "lots")
    with pytest.raises(UserError, match="TOOLKIT_CACHE_GB=lots: expected a number of gigabytes"):
        limit_gb()


def test_a_disk_without_room_is_told_before_decoding(
    files: dict[str, str], spec: ImageSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 2915  # 3 images x 18 x 18 x 3 bytes need 2,916

    monkeypatch.setattr(cache.shutil, "disk_usage", lambda folder: Full)
    events: list[Event] = []
    with pytest.raises(UserError, match="toolkit cache clear"):
        open_pack(files, spec, events.append, folder)
    assert events == []
    Full.free = 2916
    opened(files, spec, folder)


@pytest.fixture
def stalled(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One of the files, whose decoding does not end before the test does."""
    path, ended = next(iter(files.values())), threading.Event()
    whole = fill.read_image

    def stalling(asked: str, spec: ImageSpec) -> object:
        if asked == path:
            ended.wait()
        return whole(asked, spec)

    monkeypatch.setattr(fill, "read_image", stalling)
    monkeypatch.setattr("toolkit.files.REPORT_SECONDS", 0.02)
    monkeypatch.setenv("TOOLKIT_READ_SECONDS", "0.2")
    yield path
    ended.set()


def test_a_file_whose_decoding_stalls_is_told_of_and_given_up_and_nothing_is_kept(
    stalled: str, files: dict[str, str], spec: ImageSpec, folder: Path
) -> None:
    events: list[Event] = []
    with pytest.raises(UserError, match=rf"{stalled}: reading it has taken"):
        open_pack(files, spec, events.append, folder)
    told = [event.text for event in events if event.stage == "message"]
    # On a busy machine an ordinary file may take longer than the bound of this test, too.
    assert any(text.startswith(f"{stalled}: reading it has taken") for text in told)
    assert packs(folder) == []
    assert not list(folder.glob("*.tmp/*.json"))
