"""What a person asked for beside the recipe."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """The options of `toolkit tune`."""

    trials: int | None
    """Completed and pruned trials of the study in all; None: as many as the time allows."""
    seconds: float | None = None
    workers: int = 1
    storage: str | None = field(default=None, repr=False)
    """It may hold a password: neither shown nor written."""
    skip_bad: bool = False
    verify: bool = False
    """Read every image anew."""
