"""What lies below large folders, kept in the cache until a folder of it changes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from toolkit.builtin.listing import Listing, list_folder, unchanged
from toolkit.files import cache_folder

LARGE = 20_000
"""Images from which on a listing is kept; a smaller folder is walked in a moment."""
LISTINGS = "listings"
"""The folder of the cache that keeps them."""
_SETTLED = 2.0  # seconds; a folder that changed so shortly before may change again at that time


def list_known(root: Path, below: Sequence[str] = ("",)) -> Listing:
    """As `list_folder`; a large folder that is as it was is not walked again."""
    file = _file(root, below)
    known = _read(file, root)
    if known is not None:
        return known
    started = time.time()
    found = list_folder(root, below)
    latest = max(found.folders.values(), default=0) / 1e9
    if len(found.images) >= LARGE and latest < started - _SETTLED:
        return replace(found, unkept=_write(file, found))
    return found


def _file(root: Path, below: Sequence[str]) -> Path:
    place = json.dumps([os.path.abspath(root), *below])
    return cache_folder() / LISTINGS / f"{hashlib.sha256(place.encode()).hexdigest()[:32]}.json"


def _read(file: Path, root: Path) -> Listing | None:
    """A kept listing; None where there is none, it is damaged, or a folder changed since."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
        images, folders, others, notes = (
            found[key] for key in ("images", "folders", "others", "notes")
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not unchanged(root, folders):
        return None
    return Listing(root, images, folders, Counter(others), tuple(notes))


def _write(file: Path, found: Listing) -> str:
    """Keep a listing. Returns why it cannot be kept, and the next start walks again; "" where it
    is."""
    text = json.dumps(
        {
            "images": found.images,
            "folders": found.folders,
            "others": found.others,
            "notes": found.notes,
        }
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=file.parent, encoding="utf-8", delete=False
        ) as part:
            part.write(text)
        os.replace(part.name, file)
    except OSError as error:
        return (
            f"{file.parent}: cannot be written ({error.strerror or error}), so that large folders "
            "are walked again at each start; move the cache with TOOLKIT_CACHE"
        )
    return ""
