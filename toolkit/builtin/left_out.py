"""Folders and files that are left out by name: masks, thumbnails, what is no data of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate


def kept(paths: Iterable[str], leave: Sequence[str]) -> list[str]:
    """The paths of which no part, folder or file, is named by a pattern: `masks`, `*_mask.*`."""
    if not leave:
        return list(paths)
    named = re.compile("|".join(map(translate, leave)))
    left = {"": False}  # folders are asked about once
    return [path for path in paths if not _is_left(path, named, left)]


def _is_left(path: str, named: re.Pattern[str], left: dict[str, bool]) -> bool:
    folder, _, name = path.rpartition("/")
    if folder not in left:
        left[folder] = _is_left(folder, named, left)
    return left[folder] or named.match(name) is not None
