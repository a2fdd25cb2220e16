"""Archives are unpacked once, whole, within a bound, and nothing of one lands elsewhere."""

from __future__ import annotations

import io
import multiprocessing
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from toolkit.data.evict import archives, clear, evict
from toolkit.errors import DataError, UserError
from toolkit.files.archives import Unpacked, opened
from toolkit.files.entry_names import encoding_of

FILES = {"cat/1.jpg": b"one", "cat/2.jpg": b"two", "dog/1.jpg": b"three"}
ENDINGS = ("zip", "tar", "tar.gz", "tgz", "tar.bz2", "tar.xz")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def unpacked(file: Path) -> Unpacked:
    return opened(file, lambda text: None)


def zipped(file: Path, files: Mapping[str, bytes] = FILES) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file


def tarred(file: Path, *members: tarfile.TarInfo, files: Mapping[str, bytes] = FILES) -> Path:
    suffix = file.name.rpartition(".")[2]
    mode = {"tar": "w", "gz": "w:gz", "tgz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}[suffix]
    with tarfile.open(file, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for member in members:
            archive.addfile(member)
    return file


def packed(file: Path) -> Path:
    return zipped(file) if file.suffix == ".zip" else tarred(file)


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_archive_is_its_files(tmp_path: Path, ending: str) -> None:
    found = unpacked(packed(tmp_path / f"pets.{ending}"))
    assert contents(found.root) == FILES
    assert (found.files, found.bytes, found.root.name) == (3, 11, "pets")


def test_what_a_file_is_counts_and_not_its_suffix(tmp_path: Path) -> None:
    file = tarred(tmp_path / "a.tar.gz").rename(tmp_path / "a.tar")
    assert contents(unpacked(file).root) == FILES


@pytest.mark.parametrize("moved", [False, True])
def test_an_archive_is_unpacked_once(
    tmp_path: Path, moved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = packed(tmp_path / "pets.zip")
    first = unpacked(file).root
    if moved:
        (tmp_path / "elsewhere").mkdir()
        file = file.rename(tmp_path / "elsewhere" / "pets.zip")
    monkeypatch.setattr("toolkit.files.archives.unpack", None)  # calling it would raise
    assert unpacked(file).root == first


def test_a_settled_archive_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = packed(tmp_path / "pets.zip")
    os.utime(file, (1e9, 1e9))
    first = unpacked(file).root
    monkeypatch.setattr("toolkit.files.archives._digest", None)
    assert unpacked(file).root == first


def test_an_archive_with_other_content_is_unpacked_anew(tmp_path: Path) -> None:
    first = unpacked(zipped(tmp_path / "pets.zip", {"a.jpg": b"old"})).root
    found = unpacked(zipped(tmp_path / "pets.zip", {"a.jpg": b"new"}))
    assert contents(found.root) == {"a.jpg": b"new"}
    assert first != found.root


LEAVING = {
    "up": "../evil.jpg",
    "deep": "cat/../../evil.jpg",
    "absolute": "/tmp/evil.jpg",
    "drive": "C:/evil.jpg",
}


@pytest.mark.parametrize("name", LEAVING.values(), ids=LEAVING)
@pytest.mark.parametrize("ending", ["zip", "tar"])
def test_no_name_leads_out_of_an_archive(
    tmp_path: Path, cache: Path, name: str, ending: str
) -> None:
    file, files = tmp_path / f"a.{ending}", {"cat/1.jpg": b"", name: b"evil"}
    zipped(file, files) if ending == "zip" else tarred(file, files=files)
    before = everything(tmp_path)
    with pytest.raises(DataError, match="leads out of it"):
        unpacked(file)
    left = {path for path in everything(tmp_path) - before if path.is_file()}
    assert {path.suffix for path in left} <= {".lock"}


def test_backslashes_in_a_zip_are_separators(tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", {"cat\\1.jpg": b"1"})
    assert contents(unpacked(file).root) == {"cat/1.jpg": b"1"}
    with pytest.raises(DataError, match="leads out of it"):
        unpacked(zipped(tmp_path / "b.zip", {"cat\\..\\..\\1.jpg": b"1"}))


LINKS = {
    "absolute": [("l", "/etc")],
    "up": [("l", "../../secret")],
    "chain": [("cat/up", ".."), ("l", "cat/up/../../secret")],
    "through": [("cat/up", ".."), ("l", "cat/up/../x")],
    "below a link": [("cat/up", ".."), ("cat/up/dog/l", "../../x")],
}


@pytest.mark.parametrize("links", LINKS.values(), ids=LINKS)
def test_no_link_leads_out_of_an_archive(tmp_path: Path, links: list[tuple[str, str]]) -> None:
    members = [member(name, tarfile.SYMTYPE, target) for name, target in links]
    with pytest.raises(DataError, match=r"leads out of it|has the place"):
        unpacked(tarred(tmp_path / "a.tar", *members))


def test_no_file_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    info = tarfile.TarInfo("l/evil.jpg")
    file = tmp_path / "a.tar"
    with tarfile.open(file, "w") as archive:
        archive.addfile(member("l", tarfile.SYMTYPE, str(tmp_path / "outside")))
        archive.addfile(info)
    with pytest.raises(DataError):
        unpacked(file)
    assert not list((tmp_path / "outside").iterdir())


def test_links_inside_an_archive_lead_where_they_did(tmp_path: Path) -> None:
    links = (
        member("bird", tarfile.SYMTYPE, "cat"),
        member("dog/2.jpg", tarfile.LNKTYPE, "cat/1.jpg"),
    )
    root = unpacked(tarred(tmp_path / "a.tar", *links)).root
    assert (root / "bird" / "1.jpg").read_bytes() == b"one"
    assert (root / "dog" / "2.jpg").read_bytes() == b"one"


def test_a_link_in_a_zip_is_one(tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip")
    with zipfile.ZipFile(file, "a") as archive:
        info = zipfile.ZipInfo("bird")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "../../etc")
    with pytest.raises(DataError, match="leads out of it"):
        unpacked(file)


def test_a_hard_link_to_what_is_not_in_the_archive_is_refused(tmp_path: Path) -> None:
    file = tarred(tmp_path / "a.tar", member("l", tarfile.LNKTYPE, "etc/passwd"))
    with pytest.raises(DataError, match="hard link"):
        unpacked(file)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(DataError, match="devices"):
        unpacked(tarred(tmp_path / "a.tar", member("null", kind)))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("ending", ["zip", "tar"])
def test_two_files_of_one_name_are_refused(tmp_path: Path, ending: str) -> None:
    file = packed(tmp_path / f"a.{ending}")
    if ending == "zip":
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("cat/./1.jpg", b"other")
    else:
        with tarfile.open(file, "a") as more:
            more.addfile(tarfile.TarInfo("./cat/1.jpg"))
    with pytest.raises(DataError, match=r"two files called 'cat/1.jpg'"):
        unpacked(file)


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has the place of another"):
        unpacked(zipped(tmp_path / "a.zip", {"cat": b"", "cat/1.jpg": b""}))


def test_names_that_differ_in_case_are_two_files_or_refused(tmp_path: Path) -> None:
    (tmp_path / "probe").touch()
    file = zipped(tmp_path / "a.zip", {"a.jpg": b"1", "A.jpg": b"2"})
    if (tmp_path / "PROBE").exists():
        with pytest.raises(DataError, match="same name"):
            unpacked(file)
    else:
        assert contents(unpacked(file).root) == {"a.jpg": b"1", "A.jpg": b"2"}


def test_a_bomb_is_refused_by_what_it_declares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = zipped(tmp_path / "a.zip", {"a.jpg": b"0" * 100_000})
    monkeypatch.setenv("TOOLKIT_UNPACK_GB", "0.00005")
    with pytest.raises(DataError, match="TOOLKIT_UNPACK_GB is a number"):
        unpacked(file)
    monkeypatch.setenv("TOOLKIT_UNPACK_GB", "0.001")
    assert unpacked(file).bytes == 100_000


@pytest.mark.parametrize("ending", ["tar.gz", "tar.xz"])
def test_a_bomb_is_refused_by_what_it_writes(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_UNPACK_GB", "0.00005")
    file = tarred(tmp_path / f"a.{ending}", files={f"{n}.jpg": b"0" * 20_000 for n in range(9)})
    with pytest.raises(DataError, match="more than"):
        unpacked(file)


def test_a_million_empty_files_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_UNPACK_GB", "0.00005")
    with pytest.raises(DataError, match="more than"):
        unpacked(tarred(tmp_path / "a.tar", files={f"{n}.jpg": b"" for n in range(20)}))


def test_a_declared_size_that_no_disk_has_is_refused(tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", {"a.jpg": b"12345"})
    raw = file.read_bytes()
    at = raw.rindex(b"PK\x01\x02") + 24  # the size in the central directory
    file.write_bytes(raw[:at] + struct.pack("<I", 4_000_000_000) + raw[at + 4 :])
    with pytest.raises(DataError, match="more than 1 GB"):
        unpacked(file)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 4])


def cut_behind_a_file(file: Path) -> None:
    """As a copy that broke off between two files: `tarfile` sees nothing of it."""
    file.write_bytes(file.read_bytes()[: 2 * 1024])


def turned(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    for at in [m.start() for m in re.finditer(b"two|three", bytes(raw))] or [len(raw) // 2]:
        raw[at] ^= 0xFF
    file.write_bytes(raw)


def broken_header(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[1024 + 148 : 1024 + 156] = b"9999999\0"  # the second file's checksum
    file.write_bytes(raw)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def a_page(file: Path) -> None:
    file.write_text("<html>please log in</html>" * 50)


DAMAGES: list[tuple[str, Callable[[Path], None]]] = [
    *((f"a.{ending}", cut) for ending in ENDINGS),
    *((f"a.{ending}", emptied) for ending in ENDINGS),
    *((f"a.{ending}", a_page) for ending in ENDINGS),
    ("a.tar", cut_behind_a_file),
    ("a.tar", broken_header),
    ("a.zip", turned),
    ("a.tar.gz", turned),
    ("a.tar.bz2", turned),
    ("a.tar.xz", turned),
]


@pytest.mark.parametrize(
    ("name", "damage"), DAMAGES, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_damaged_archive_is_one_clear_error(
    tmp_path: Path, cache: Path, name: str, damage: Callable[[Path], None]
) -> None:
    file = packed(tmp_path / name)
    damage(file)
    with pytest.raises(UserError) as error:
        unpacked(file)
    assert len(error.value.lines) == 1
    assert str(file) in str(error.value)
    assert archives(cache) == []
    assert not list((cache / "archives").glob("*.tmp"))


def test_an_encrypted_archive_says_so(tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", {"a.jpg": b"1"})
    raw = bytearray(file.read_bytes())
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(raw)
    with pytest.raises(DataError, match="is encrypted"):
        unpacked(file)


def test_a_method_that_is_not_read_is_named(tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", {"a.jpg": b"1"})
    raw = bytearray(file.read_bytes())
    raw[raw.rindex(b"PK\x01\x02") + 10] = 9  # deflate64, as Windows makes them
    file.write_bytes(raw)
    with pytest.raises(DataError, match="deflate64"):
        unpacked(file)


@pytest.mark.parametrize("magic", [b"Rar!\x1a\x07", b"7z\xbc\xaf'\x1c", b"\x28\xb5\x2f\xfd"])
def test_other_kinds_of_archives_are_named(tmp_path: Path, magic: bytes) -> None:
    (tmp_path / "a.7z").write_bytes(magic + bytes(100))
    with pytest.raises(DataError, match="which is not read here"):
        unpacked(tmp_path / "a.7z")


def test_an_archive_that_is_not_there_or_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such archive"):
        unpacked(tmp_path / "a.zip")
    os.mkfifo(tmp_path / "b.zip")
    with pytest.raises(DataError, match="a FIFO"):
        unpacked(tmp_path / "b.zip")


def with_raw_names(file: Path, names: list[bytes]) -> Path:
    """A zip whose names are these bytes, without a word of their encoding."""
    stand_ins = [b"%03d" % n + b"x" * (len(name) - 3) for n, name in enumerate(names)]
    zipped(file, {name.decode(): b"1" for name in stand_ins})
    raw = file.read_bytes()
    for stand_in, name in zip(stand_ins, names, strict=True):
        raw = raw.replace(stand_in, name)
    file.write_bytes(raw)
    return file


NAMES = {
    "cp949": (["고양이/하나.jpg", "강아지/둘.jpg"], "CP949"),
    "utf-8": (["고양이/하나.jpg", "강아지/둘.jpg"], ""),
    "cp437": (["Müller/1.jpg", "Größe/2.jpg"], "CP437"),
}


@pytest.mark.parametrize("encoding", NAMES)
def test_names_in_any_encoding_are_legible(tmp_path: Path, encoding: str) -> None:
    names, said = NAMES[encoding]
    found = unpacked(with_raw_names(tmp_path / "a.zip", [n.encode(encoding) for n in names]))
    assert set(contents(found.root)) == set(names)
    assert [note for note in found.notes if "encoding" in note] == list(found.notes)
    assert said in "".join(found.notes)
    assert bool(found.notes) == bool(said)


def test_a_tar_s_names_in_cp949_are_legible(tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT, encoding="cp949") as archive:
        archive.addfile(tarfile.TarInfo("고양이/하나.jpg"))
    found = unpacked(file)
    assert set(contents(found.root)) == {"고양이/하나.jpg"}
    assert "CP949" in found.notes[0]


def test_rare_syllables_are_no_evidence_of_korean() -> None:
    assert encoding_of(["Müller".encode("cp437")], "cp437") == "cp437"
    assert encoding_of(["뷁 고양이 하나 강아지 둘 토끼".encode("cp949")], "cp437") == "cp949"


def test_an_archive_in_use_is_not_removed(tmp_path: Path, cache: Path) -> None:
    found = unpacked(packed(tmp_path / "pets.zip"))
    assert evict(cache, limit=0) == []
    assert clear(cache) == []
    assert contents(found.root) == FILES
    (info,) = archives(cache)
    assert (info.in_use, info.images, info.archive) == (True, 3, str(tmp_path / "pets.zip"))
    found.lease.release()
    assert [one.archive for one in clear(cache)] == [str(tmp_path / "pets.zip")]
    assert list((cache / "archives").iterdir()) == []
    assert contents(unpacked(tmp_path / "pets.zip").root) == FILES


def test_the_least_recently_used_archive_goes_first(tmp_path: Path, cache: Path) -> None:
    for name in ("old.zip", "new.zip"):
        found = unpacked(zipped(tmp_path / name, {f"{name}.jpg": bytes(1000)}))
        found.lease.release()
    os.utime(found.root.parent, (2e9, 2e9))
    assert [Path(one.archive).name for one in evict(cache, limit=1.5e-6)] == ["old.zip"]


def test_a_kill_in_the_middle_leaves_nothing_half(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = packed(tmp_path / "pets.zip")
    with monkeypatch.context() as patched:
        patched.setattr("toolkit.files.archives.unpack", _written_in_half)
        patched.setattr(shutil, "rmtree", lambda *args, **kwargs: None)  # as a kill would
        with pytest.raises(KeyboardInterrupt):
            unpacked(file)
    assert archives(cache) == []
    assert contents(unpacked(file).root) == FILES


def _written_in_half(archive: str, entries: object, folder: Path, *others: object) -> None:
    (folder / "half.jpg").touch()
    raise KeyboardInterrupt


def _unpack(file: Path, barrier: object, found: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    root = unpacked(file).root
    found.put((root.stat().st_ino, sorted(contents(root))))  # type: ignore[attr-defined]


def test_two_processes_at_once_are_fine(tmp_path: Path) -> None:
    files = {f"{n}.jpg": b"x" * n for n in range(300)}
    file = zipped(tmp_path / "pets.zip", files)
    context = multiprocessing.get_context("fork")
    barrier, found = context.Barrier(2), context.Queue()
    both = [context.Process(target=_unpack, args=(file, barrier, found)) for _ in range(2)]
    for process in both:
        process.start()
    (one, first), (other, second) = (found.get(timeout=60) for _ in both)
    assert first == second == sorted(files)
    assert one == other  # the one that waited did not unpack again
    for process in both:
        process.join()
    assert not list((tmp_path / "cache" / "archives").glob("*.tmp"))


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write_text("a file")
    with pytest.raises(OSError, match=re.escape(str(cache))):
        unpacked(packed(tmp_path / "pets.zip"))
