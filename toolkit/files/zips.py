"""Reads zip archives."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, BinaryIO

from toolkit.errors import DataError, listed
from toolkit.files.entries import Contents, Entry, Kind, reading
from toolkit.files.entry_names import encoding_of, safe_path

_ENCRYPTED, _UTF8 = 0x1, 0x800  # flags of an entry
_LONGEST_TARGET = 4096  # bytes; of a link
_NOT_READ = {9: "deflate64", 93: "zstd", 95: "xz", 98: "PPMd", 99: "AES"}
_METHODS = {0: "stored", 8: "deflated", 12: "bzip2", 14: "lzma"}


def open_zip(archive: str, file: BinaryIO) -> Contents:
    """The entries of a zip archive.

    Raises `Damaged` where it is none, and `DataError` where it is encrypted or packed in a way
    that is not read.
    """
    with reading():
        opened = zipfile.ZipFile(file)
    infos = opened.infolist()
    locked = [info.filename for info in infos if info.flag_bits & _ENCRYPTED]
    if locked:
        raise DataError(
            f"{archive}: is encrypted ({listed(locked, 3)}); unpack it with its password, and name "
            "the folder"
        )
    strange = sorted({i.compress_type for i in infos} - _METHODS.keys())
    if strange:
        raise DataError(
            f"{archive}: is packed by a method that is not read here "
            f"({listed(map(_method, strange))}); unpack it, and name the folder"
        )
    notes: list[str] = []
    names = _names(infos, notes)
    return Contents(
        (_entry(archive, opened, info, name) for info, name in zip(infos, names, strict=True)),
        notes,
        sum(info.file_size for info in infos),
        len(infos),
    )


def _method(number: int) -> str:
    return _NOT_READ.get(number, f"method {number}")


def _names(infos: list[zipfile.ZipInfo], notes: list[str]) -> list[str]:
    """The entries' names. One that is not marked as UTF-8 was read as CP437, byte for byte."""
    raw = {
        info.orig_filename: info.orig_filename.encode("cp437")
        for info in infos
        if not info.flag_bits & _UTF8 and not info.orig_filename.isascii()
    }
    if not raw:
        return [info.filename for info in infos]
    encoding = encoding_of(raw.values(), "cp437")
    read = {name: content.decode(encoding) for name, content in raw.items()}
    if encoding != "utf-8":
        notes.append(
            f"its file names do not say their encoding, and are read as {encoding.upper()} "
            f"({listed(sorted(read.values()), 3)})"
        )
    return [read.get(info.orig_filename, info.filename) for info in infos]


def _entry(archive: str, opened: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Entry:
    path = safe_path(archive, name, backslashes=True)
    kind = _kind(info, name)
    if kind != "link":
        return Entry(path, kind, info.file_size, open=partial(_opened, opened, info))
    with _opened(opened, info) as content:
        target = content.read(_LONGEST_TARGET).decode("utf-8", "surrogateescape")
    return Entry(path, "link", target=target)


def _kind(info: zipfile.ZipInfo, name: str) -> Kind:
    if name.endswith(("/", "\\")):
        return "folder"
    kinds: dict[int, Kind] = {0: "file", stat.S_IFREG: "file", stat.S_IFLNK: "link"}
    kinds[stat.S_IFDIR] = "folder"
    return kinds.get(stat.S_IFMT(info.external_attr >> 16), "other")


@contextmanager
def _opened(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    with reading(info.filename), opened.open(info) as content:
        yield content
