"""Reads tar archives, plain or compressed by gzip, bzip2 or xz."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, BinaryIO

from toolkit.files.entries import Contents, Damaged, Entry, Kind, reading
from toolkit.files.entry_names import encoding_of, safe_path

_BLOCK = 512  # bytes; two of zeros are an archive's end mark
_CHUNK = 1 << 20
_MOST_BEHIND = 1 << 30  # bytes that are read behind the end mark, to see the compression's checksum


def open_tar(archive: str, file: BinaryIO) -> Contents:
    """The entries of a tar archive. Raises `Damaged` where it is none."""
    with reading():
        # It stays open while its entries are read; the file is the caller's.
        opened = tarfile.open(  # noqa: SIM115
            fileobj=file, mode="r:*", encoding="utf-8", errors="surrogateescape"
        )
    notes: list[str] = []
    return Contents(_entries(archive, opened, notes), notes)


def _entries(archive: str, opened: tarfile.TarFile, notes: list[str]) -> Iterator[Entry]:
    told: set[str] = set()
    while True:
        with reading():
            member = opened.next()
        if member is None:
            break
        opened.members = []  # type: ignore[attr-defined]  # a million of them would take a gigabyte
        path = safe_path(archive, _legible(member.name, notes, told), backslashes=False)
        kind = _kind(member)
        if kind == "copy":
            target = _legible(member.linkname, notes, told)
            yield Entry(path, kind, target=safe_path(archive, target, backslashes=False))
        elif kind == "link":
            yield Entry(path, kind, target=_legible(member.linkname, notes, told))
        else:
            yield Entry(path, kind, member.size, open=partial(_opened, opened, member))
    _require_end(opened)


def _kind(member: tarfile.TarInfo) -> Kind:
    if member.isreg():
        return "file"
    if member.isdir():
        return "folder"
    if member.issym():
        return "link"
    return "copy" if member.islnk() else "other"


def _legible(name: str, notes: list[str], told: set[str]) -> str:
    """A name that is no UTF-8 as it was meant; said once for each encoding."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raw = name.encode("utf-8", "surrogateescape")
        encoding = encoding_of([raw], "latin-1")
        name = raw.decode(encoding)
        if encoding not in told:
            told.add(encoding)
            notes.append(f"file names that are no UTF-8 are read as {encoding.upper()} ({name})")
    return name


@contextmanager
def _opened(opened: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[IO[bytes]]:
    with reading(member.name):
        content = opened.extractfile(member)
        assert content is not None  # it is a regular file
        with content:
            yield content


def _require_end(opened: tarfile.TarFile) -> None:
    """Raise `Damaged` where the archive ends before its end mark: `tarfile` takes a header that
    it cannot read for the end, and what is behind it would be lost without a word."""
    source = opened.fileobj
    assert source is not None
    with reading():
        source.seek(opened.offset)
        if source.read(_BLOCK) != bytes(_BLOCK):
            raise Damaged("it ends before its end mark")
        read = 0
        while read < _MOST_BEHIND and (chunk := source.read(_CHUNK)):
            read += len(chunk)
