"""Which entry points are installed, even where one package's metadata cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points

from toolkit.errors import cause


@dataclass(frozen=True)
class Installed:
    """The distribution that a plugin comes from."""

    name: str
    version: str


def installed(group: str) -> tuple[list[EntryPoint], list[tuple[str, str]]]:
    """Every installed entry point of a group, and `(package, reason)` of unreadable packages."""
    try:
        return list(entry_points(group=group)), []
    # One package with a damaged entry_points.txt fails the whole listing, in its own way.
    except Exception:  # noqa: BLE001
        return _one_by_one(group)


def _one_by_one(group: str) -> tuple[list[EntryPoint], list[tuple[str, str]]]:
    points: dict[str, list[EntryPoint]] = {}
    unreadable: dict[str, str] = {}
    for distribution in distributions():
        package = _read(distribution).name
        if package in points or package in unreadable:
            continue  # an earlier folder of sys.path has it: this one is shadowed
        try:
            points[package] = list(distribution.entry_points.select(group=group))
        except Exception as error:  # noqa: BLE001
            unreadable[package] = f"its entry_points.txt cannot be read: {cause(error)}"
    return [p for found in points.values() for p in found], list(unreadable.items())


def distribution_of(point: EntryPoint) -> Installed:
    """The distribution of an entry point."""
    return Installed("unknown", "unknown") if point.dist is None else _read(point.dist)


def _read(distribution: Distribution) -> Installed:
    """Name and version. `distribution.metadata` would parse the whole file, as an e-mail, twice."""
    try:
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    except (OSError, UnicodeDecodeError):
        text = ""
    head = text.partition("\n\n")[0]
    name, version = (re.search(rf"^{key}:(.*)$", head, re.M) for key in ("Name", "Version"))
    return Installed(*("unknown" if m is None else m[1].strip() for m in (name, version)))
