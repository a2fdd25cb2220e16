"""Decoded images on their way to a machine that does not see them: checked by their content."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from toolkit.errors import UserError
from toolkit.files import cache_folder


def digest(home: Path) -> str:
    """Of the names and contents of a folder's files; empty where it is not there."""
    found = hashlib.blake2b(digest_size=16)
    if not home.is_dir():
        return ""
    for file in sorted(path for path in home.iterdir() if path.is_file()):
        with file.open("rb") as handle:
            found.update(f"{file.name} ".encode())
            found.update(hashlib.file_digest(handle, "blake2b").digest())
    return found.hexdigest()


def read(home: Path) -> dict[str, bytes]:
    """A folder's files, to be sent."""
    return {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}


def place(home: str, node: str, *, sent: bool) -> Path:
    """Where a node keeps what came to it: in its own cache.

    Args:
        sent: nothing that other nodes of the same machine have is taken for one's own.
    """
    if not sent:
        return cache_folder() / Path(home).name
    return Path(tempfile.gettempdir()) / f"toolkit-ray-{node[:12]}" / Path(home).name


def write(home: Path, files: Mapping[str, bytes], expected: str) -> None:
    """Write what came, under its name when it is whole.

    Raises `UserError` where it is not what was sent.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    half_made = Path(tempfile.mkdtemp(prefix=f"{home.name}.", suffix=".tmp", dir=home.parent))
    try:
        for name, content in files.items():
            (half_made / name).write_bytes(content)
        if digest(half_made) != expected:
            raise UserError(f"{home}: what came here is not what was sent; start again")
        if digest(home) != expected:
            shutil.rmtree(home, ignore_errors=True)
            os.replace(half_made, home)
    except OSError:
        if digest(home) != expected:  # another task of this node was faster
            raise
    finally:
        shutil.rmtree(half_made, ignore_errors=True)
