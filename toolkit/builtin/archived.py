"""A source whose data lie in an archive: it is unpacked into the cache, and read there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.builtin.folder_source import Folder
from toolkit.builtin.listing import holds_images, subfolders
from toolkit.builtin.table_source import Csv
from toolkit.contracts import Event, Notify, Table, ignore
from toolkit.errors import DataError
from toolkit.files.archives import Unpacked, opened


@dataclass(frozen=True)
class Archived:
    """Reads what a source reads, out of an archive."""

    source: Csv | Folder
    """Its root is the archive."""

    def prepare(self, notify: Notify, /) -> None:
        """Unpack the archive, where the cache does not hold its files."""
        unpacked(self.source.root, notify)

    def read(self) -> Table:
        """As the source reads a folder of the same files; the table holds them in the cache.

        Raises `DataError` as the source does, and where the archive cannot be unpacked.
        """
        found = unpacked(self.source.root, ignore)
        try:
            root = _unwrapped(found.root, self.source.own_names)
            table = replace(self.source, root=str(root)).read()
        except DataError as error:
            raise DataError(*map(found.worded, error.lines)) from error
        form = table.submission
        if form is not None and form.problem:
            form = replace(form, problem=found.worded(form.problem))
        return replace(
            table,
            problems=tuple(map(found.worded, table.problems)),
            notes=(*looked_into(found), *(type(n)(found.worded(n)) for n in table.notes)),
            submission=form,
            held=found.lease,
        )


def unpacked(archive: str | Path, notify: Notify) -> Unpacked:
    """The files of an archive, with words on how it goes."""

    def tell(text: str) -> None:
        notify(Event("message", text))

    return opened(archive, tell, _progress(archive, notify))


def _progress(archive: str | Path, notify: Notify) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        notify(Event("prepare", f"unpacking {archive}", done, total))

    return progress


def looked_into(found: Unpacked) -> list[str]:
    """What is to be told of an archive."""
    files = "1 file" if found.files == 1 else f"{found.files:,} files"
    size = f"{found.bytes / 1e6:,.1f} MB" if found.bytes >= 1e5 else f"{found.bytes / 1e3:.1f} KB"
    text = f"is an archive of {files} ({size}), unpacked in and read from {found.root}"
    return [f"{found.archive}: {text}", *(f"{found.archive}: {note}" for note in found.notes)]


def _unwrapped(root: Path, names: tuple[str, ...]) -> Path:
    """Past the one folder that programs pack everything into, where nothing that the source looks
    for lies beside it."""
    while not any(name and (root / name).exists() for name in names):
        inner = subfolders(root)
        if len(inner) != 1 or holds_images(root, below=False):
            break
        root = root / inner[0]
    return root
