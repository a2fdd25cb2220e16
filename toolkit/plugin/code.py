"""Tells one state of a plugin's code from another, where its version does not."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def loaded_code(module: str) -> str:
    """`code_digest`, read once in a process: Python, too, reads a module's code only once.

    Ask before the module is imported, so that an edit in between shows.
    """
    return code_digest(module)


def code_digest(module: str) -> str:
    """16 hex digits over the Python files of the package that a module belongs to.

    An author edits far more often than the version changes, and scores of the code of yesterday
    are not those of today's. Nothing is imported but the parents of a namespace package. Empty
    where the package has no Python files to read.
    """
    files = _python_files(module)
    if not files:
        return ""
    digest = hashlib.sha256()
    for name, file in sorted(files.items()):
        content = file.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def place_of(module: str) -> Path | None:
    """Folder of the outermost package of a module that is no namespace, or the file of a module
    that stands alone; None where there is neither."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        try:
            spec = find_spec(".".join(parts[:depth]))
        except (ImportError, ValueError):  # a parent that is gone, a module without a spec
            return None
        if spec is None:
            return None
        if spec.origin is None:  # a namespace, which many distributions share
            continue
        origin = Path(spec.origin)
        return origin if spec.submodule_search_locations is None else origin.parent
    return None


def _python_files(module: str) -> dict[str, Path]:
    """The files of the package of a module, by relative path."""
    place = place_of(module)
    if place is None:
        return {}
    if not place.is_dir():
        return {place.name: place} if place.suffix == ".py" else {}
    found = {f.relative_to(place).as_posix(): f for f in place.rglob("*.py") if f.is_file()}
    return {name: file for name, file in found.items() if not _hidden(name)}


def _hidden(name: str) -> bool:
    """Locks and copies of editors: `.#losses.py`, `.ipynb_checkpoints/losses.py`."""
    return any(part.startswith(".") for part in name.split("/"))
