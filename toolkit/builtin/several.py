"""Labels that are several in one: `rust scab` beside `rust` and `scab`, `a|b`, `["a", "b"]`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_BARS = ("|", ";")
"""Stand between labels alone: no class's name has them in it."""
_BETWEEN = (*_BARS, ",", "+", "/", "&", " and ", " ", "_")
"""A hyphen is left out: `low-medium` beside `low` and `medium` is a step between."""


def several_labels(labels: Iterable[str]) -> str | None:
    """A label that is several in one; None where there is none.

    Its parts are labels of other rows, and so are most parts of all that may be cut so. A class
    whose name has two words is one: its words do not occur alone.
    """
    known = set(labels) - {""}
    for label in sorted(known):
        if _is_list(label):
            return label
    return next((found for sign in _BETWEEN if (found := _joined_by(sign, known))), None)


def several_problem(file: Path, column: str, labels: Iterable[str]) -> str | None:
    """`several_labels` in words, without what to do about it."""
    found = several_labels(labels)
    if found is None:
        return None
    return (
        f"{file}: {column!r} holds several labels in one ({found!r}): images with several labels "
        "are not supported"
    )


def _joined_by(sign: str, known: set[str]) -> str | None:
    parts = {label: _parts(label, sign) for label in sorted(known) if sign in label}
    parts = {label: names for label, names in parts.items() if len(names) > 1}
    counts = Counter(name for names in parts.values() for name in names)
    whole = [label for label, names in parts.items() if names <= known]
    if sign in _BARS:
        again = sum(count > 1 for count in counts.values())
        if not whole and len(parts) > 1 and 2 * again > len(counts):
            return next(iter(parts))
        return whole[0] if whole else None
    alone = counts.keys() & known
    return whole[0] if whole and 2 * len(alone) > len(counts) else None


def _parts(label: str, sign: str) -> set[str]:
    return {part.strip() for part in label.split(sign)} - {""}


def _is_list(label: str) -> bool:
    """Whether a label is a list of several, as programs write lists into a cell."""
    return label[:1] + label[-1:] in ("[]", "{}") and len(_parts(label[1:-1], ",")) > 1
