"""Names inside archives: read as they were meant, and as paths that stay inside."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from toolkit.errors import DataError

_LEGIBLE = 0.9  # share of the foreign characters that are Hangul in daily use


def encoding_of(names: Iterable[bytes], otherwise: str) -> str:
    """The encoding of names that an archive does not say it of: UTF-8, CP949 where that gives
    Hangul, and `otherwise`.

    CP949 alone would prove nothing: it reads "Müller" in CP437, too, with a rare syllable in it.
    """
    pooled = b"/".join(names)
    for encoding in ("utf-8", "cp949"):
        try:
            text = pooled.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or _is_korean(text):
            return encoding
    return otherwise


def _is_korean(text: str) -> bool:
    foreign = [c for c in text if ord(c) > 127]
    usual = [c for c in foreign if "가" <= c <= "힣" and len(c.encode("euc_kr")) == 2]
    return len(usual) >= _LEGIBLE * len(foreign)


def safe_path(archive: str, name: str, *, backslashes: bool) -> str:
    """An entry's name as a path below the archive, with `/`; "" is the archive itself.

    Args:
        backslashes: whether they are separators, as programs of Windows write them.

    Raises `DataError` where it leads out of the archive.
    """
    text = name.replace("\\", "/") if backslashes or sys.platform == "win32" else name
    parts = [part for part in text.split("/") if part not in ("", ".")]
    drive = r"[A-Za-z]:" if sys.platform == "win32" else r"[A-Za-z]:/"
    if text.startswith("/") or ".." in parts or re.match(drive, text) or "\0" in text:
        raise DataError(
            f"{archive}: its entry {name!r} leads out of it, so nothing of it is unpacked; pack "
            "the data again, with names below one folder"
        )
    return "/".join(parts)
