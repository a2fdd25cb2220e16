"""Names of recipes and of the folders that are called after them, in any script."""

from __future__ import annotations

import unicodedata

PATTERN = r"^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$"
"""What a recipe's `name` may be: letters, marks and digits of any script, dots, dashes and
underscores, a letter or digit first."""

_LONGEST = 100  # bytes: a date, a hash and a suffix follow, and file systems end at 255
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10)}


def safe_name(text: str, otherwise: str = "recipe") -> str:
    """A name that every file system takes and that fits `PATTERN`; a name that does both is left
    as it is.

    Args:
        text: a file's or folder's name, or a recipe's.
        otherwise: where nothing of it is left.
    """
    kept = "".join(c if _is_kept(c) else " " for c in unicodedata.normalize("NFC", text))
    name = _shortened("-".join(kept.split()).lstrip("._-")).rstrip(".-")
    while name and unicodedata.category(name[0])[0] == "M":  # a mark without its letter
        name = name[1:].lstrip("._-")
    if name.partition(".")[0].lower() in _DEVICES:  # Windows opens a device, whatever the suffix
        return f"{otherwise}-{name}"
    return name or otherwise


def _is_kept(character: str) -> bool:
    return character in "._-" or unicodedata.category(character)[0] in "LMN"


def _shortened(name: str) -> str:
    return name.encode()[:_LONGEST].decode(errors="ignore")
