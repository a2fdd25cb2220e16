"""What a source tells of what it read."""

from __future__ import annotations

from dataclasses import dataclass, field

from toolkit.builtin.places import Found


@dataclass
class Said:
    """Notes are told once; problems stop a run until they are mended."""

    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, found: Found) -> list[str]:
        """The paths that were found, once the rest of it is noted."""
        self.notes += [note for note in found.notes if note not in self.notes]
        self.problems += found.problems
        return found.paths
