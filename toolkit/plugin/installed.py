"""Which entry points are installed, even where one package's metadata cannot be read."""

from __future__ import annotations

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
    """Name and version, read once: each look at `dist.metadata` parses the file again."""
    return Installed("unknown", "unknown") if point.dist is None else _read(point.dist)


def _read(distribution: Distribution) -> Installed:
    try:
        metadata = distribution.metadata
        return Installed(metadata["Name"] or "unknown", metadata["Version"] or "unknown")
    # A file that is missing or damaged raises in another way in each version of Python.
    except Exception:  # noqa: BLE001
        return Installed("unknown", "unknown")
