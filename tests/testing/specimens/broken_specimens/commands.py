"""Commands: each breaks the check of its name, and that one alone."""

from __future__ import annotations

# target_loads: there is no such function here.


def explains_itself(pages: Pages) -> None:  # noqa: F821 - what is broken
    """An annotation that leads nowhere."""
