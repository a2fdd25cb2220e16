"""The files below a data folder, walked once: images, what is left out and why, loops and junk."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.builtin.formats import IMAGE_SUFFIXES
from toolkit.files import NOWHERE, kind_of

# What systems and programs leave behind.
_JUNK_FOLDERS = frozenset(
    {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found", "__pycache__"}
)
_JUNK_FILES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"})

# First bytes of the formats whose files are met without a suffix.
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")


@dataclass(frozen=True)
class Listing:
    """What lies below a folder. Paths are relative to it, with `/`, in the order of their names."""

    root: Path
    images: list[str]
    folders: dict[str, int]
    """Every folder (`""` is the root), in the order of the walk, and its time of change (ns)."""
    others: Counter[str] = field(default_factory=Counter)
    """Files that are no images, counted by suffix."""
    notes: tuple[str, ...] = ()
    """What was passed over and should be known: loops, links that lead nowhere, odd files."""
    unkept: str = field(default="", compare=False)
    """Why a large listing is not kept for the next start."""


def list_folder(root: Path, below: Sequence[str] = ("",)) -> Listing:
    """Walk a folder once, or these folders below it. Linked folders are followed once, behind
    those that are no links, and loops are not; hidden files, and what systems leave behind, are
    passed over."""
    images: list[str] = []
    folders: dict[str, int] = {}
    others: Counter[str] = Counter()
    notes: list[str] = []
    # A link to a folder that holds the root, or one of these, is a loop, too.
    above = (
        {root / up for folder in below for up in Path(folder).parents} if "" not in below else ()
    )
    seen = _identities([*above, *root.resolve().parents])
    waiting, linked = list(reversed(below)), list[str]()
    while waiting or linked:
        relative = waiting.pop() if waiting else linked.pop(0)
        place = root / relative if relative else root
        found = os.stat(place)
        if (found.st_dev, found.st_ino) in seen:
            notes.append(f"{relative}/ leads to a folder that was read already, and is left out")
            continue
        seen.add((found.st_dev, found.st_ino))
        folders[relative] = found.st_mtime_ns
        inner: list[str] = []
        links: list[str] = []
        for entry in _entries(place):
            path = f"{relative}/{entry.name}" if relative else entry.name
            kind = _kind(entry)
            if kind is None:
                notes.append(f"{path} {_lost(entry)}")
            elif stat.S_ISDIR(kind):
                (links if entry.is_symlink() else inner).append(path)
            elif not stat.S_ISREG(kind):
                notes.append(f"{path} is no ordinary file ({kind_of(kind)}), and is left out")
            elif _is_image(entry):
                images.append(path)
            else:
                others[os.path.splitext(entry.name)[1].lower()] += 1
        waiting += sorted(inner, reverse=True)
        linked += sorted(links)
    images.sort()
    return Listing(root, images, folders, others, tuple(notes))


def _identities(folders: Iterable[Path]) -> set[tuple[int, int]]:
    found = (os.stat(folder) for folder in folders)
    return {(one.st_dev, one.st_ino) for one in found}


def subfolders(place: Path) -> list[str]:
    """Names of the folders in a folder, sorted, without hidden ones, what systems leave, and links
    to what is read already."""
    try:
        found = [entry for entry in _entries(place) if _is_folder(entry)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(e.name for e in found if not (e.is_symlink() and _leads_back(e.path, place)))


def _leads_back(link: str, place: Path) -> bool:
    """Whether a link leads to a folder above, or to one that is reached without it."""
    target, own = Path(link).resolve(), place.resolve()
    if target == own or target in own.parents:
        return True
    inside = target.relative_to(own).parts if own in target.parents else ()
    return bool(inside) and not any(is_junk(part, folder=True) for part in inside)


def holds_images(place: Path, *, below: bool = True) -> bool:
    """Whether there is an image in a folder, or also in those below it; links that lead back are
    not followed."""
    seen = _identities(place.resolve().parents)
    waiting, linked = [place], list[Path]()
    while waiting or linked:
        folder = waiting.pop() if waiting else linked.pop()
        found = os.stat(folder)
        if (found.st_dev, found.st_ino) in seen:
            continue
        seen.add((found.st_dev, found.st_ino))
        for entry in _entries(folder):
            kind = _kind(entry)
            if kind is not None and stat.S_ISDIR(kind) and below:
                (linked if entry.is_symlink() else waiting).append(Path(entry.path))
            elif kind is not None and stat.S_ISREG(kind) and _is_image(entry):
                return True
    return False


def unchanged(root: Path, folders: dict[str, int]) -> bool:
    """Whether no folder of a listing gained or lost a file since."""
    try:
        return all(os.stat(root / f).st_mtime_ns == then for f, then in folders.items())
    except OSError:
        return False


def is_junk(name: str, *, folder: bool) -> bool:
    """Whether a file or folder is hidden, or left behind by a system or program."""
    if name.startswith("."):
        return True
    return name in _JUNK_FOLDERS if folder else name.lower() in _JUNK_FILES


def _entries(place: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(place) as entries:
        for entry in entries:
            if not is_junk(entry.name, folder=_is_folder(entry)):
                yield entry


def _kind(entry: os.DirEntry[str]) -> int | None:
    """The mode of what an entry leads to; None where it leads nowhere."""
    if entry.is_symlink():
        try:
            return entry.stat().st_mode
        except OSError:
            return None
    if entry.is_dir(follow_symlinks=False):
        return stat.S_IFDIR
    if entry.is_file(follow_symlinks=False):
        return stat.S_IFREG
    return entry.stat(follow_symlinks=False).st_mode


def _lost(entry: os.DirEntry[str]) -> str:
    """What is wrong with a link that leads to no file."""
    try:
        entry.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "is a link that leads in a circle"
    return NOWHERE


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry leads to a folder; a link in a circle does not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_image(entry: os.DirEntry[str]) -> bool:
    suffix = os.path.splitext(entry.name)[1].lower()
    if suffix in IMAGE_SUFFIXES:
        return True
    if suffix and not suffix[1:].isdigit():
        return False
    with open(entry.path, "rb") as file:  # a name without a suffix: its first bytes tell
        return file.read(8).startswith(_MAGIC)
