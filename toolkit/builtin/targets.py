"""The labels of a table: the numbers that they spell, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import listed

if TYPE_CHECKING:
    import pandas as pd


def unknown_labels(
    file: Path,
    ids: pd.Series[Any],
    targets: pd.Series[Any],
    known: Collection[str],
    fault: str,
) -> Iterator[str]:
    """A line where labels are no class.

    Args:
        fault: what such a label is, `"empty"`.
    """
    unknown = ~targets.isin(list(known))
    if unknown.any():
        pairs = zip(ids[unknown], targets[unknown], strict=True)
        found = listed([f"{row} -> {target!r}" for row, target in pairs])
        yield f"{file}: {int(unknown.sum())} labels are {fault} ({found})"


def strange_labels(file: Path, targets: pd.Series[Any], ragged: Sequence[int]) -> Iterator[str]:
    """A line where lines with more or fewer fields than the header have labels of their own."""
    broken = targets[targets.index.isin(ragged)]
    strange = sorted(set(broken) - set(targets.drop(broken.index)) - {""})
    if strange:
        yield (
            f"{file}: lines with more or fewer fields than its header have labels that no "
            f"other line has ({listed(strange)}); a field with a separator in it needs quotes"
        )


def number_in(target: str) -> Any:
    """The number that a target spells. "007" stays text: a submission repeats it as it is."""
    return int(target) if target.isdecimal() and str(int(target)) == target else target
