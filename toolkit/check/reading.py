"""A reading of the data: which source, with which options, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.builtin.sources import csv, folder


@dataclass(frozen=True)
class Reading:
    """How the data are read."""

    use: str
    options: Mapping[str, Any]
    """Of the source, without its root; those that have their default value, too."""
    why: tuple[str, ...]
    """A line for each thing that was decided."""
    trained: frozenset[str] = frozenset()
    """Images that it trains on, below the root."""
    repeating: Mapping[str, int] = field(default_factory=dict)
    """Other columns whose values repeat, and how many values they have: groups, perhaps."""

    def section(self, root: str) -> dict[str, Any]:
        """The `[data]` section: what differs from the source's defaults."""
        defaults = (csv if self.use == "csv" else folder).__kwdefaults__ or {}
        changed = {k: v for k, v in self.options.items() if v != defaults.get(k)}
        return {"use": self.use, "root": root, **changed}
