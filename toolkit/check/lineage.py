"""What joins or parts a table's rows: its columns of groups, parents and splits."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.check.ask import Choice, Chosen, Unclear
from toolkit.check.columns import is_group_name, is_parent, is_split, repeats
from toolkit.errors import DataError, did_you_mean, in_shell, listed

if TYPE_CHECKING:
    import pandas as pd


def group_of(
    file: Path,
    frame: pd.DataFrame,
    taken: Collection[str],
    chosen: Chosen,
    labels: pd.Series[Any] | None = None,
) -> tuple[str | None, str]:
    """The column of things with several images, and why. Raises `Unclear` where two cross, or
    where a class would lie in one group."""
    if chosen.group is not None:
        if chosen.group in ("", "none"):
            return None, ""
        names = [str(column) for column in frame.columns]
        if chosen.group.strip() not in names:
            raise DataError(
                f"--group {in_shell(chosen.group)}: {file} has no column of that name (it has "
                f"{listed(names)}).{did_you_mean(chosen.group, names)}"
            )
        return chosen.group.strip(), "it was chosen"
    found = [
        str(column)
        for column in frame.columns
        if column not in taken and is_group_name(str(column)) and repeats(frame[column])
    ]
    if not found:
        return None, ""
    coarsest = [c for c in found if all(_holds(frame[c], frame[other]) for other in found)]
    if not coarsest:
        choices = [Choice(c, f"{frame[c].nunique()} groups") for c in found]
        choices.append(Choice("none", "each image is on its own"))
        raise Unclear(f"{file}: several columns could be groups", "--group", choices)
    best = coarsest[0]
    if labels is not None:
        of_class = frame[best].groupby(labels).nunique()
        if of_class.min() < 2 and len(set(labels)) < 0.5 * len(labels):
            name = of_class.idxmin()
            choices = [Choice(best, f"{frame[best].nunique()} groups that stay in one fold each")]
            choices.append(Choice("none", "each image is on its own"))
            question = f"{file}: {best!r} looks like groups, and {name!r} lies in one of them"
            raise Unclear(question, "--group", choices)
    return best, "its name says what has several images"


def _holds(coarse: pd.Series[Any], fine: pd.Series[Any]) -> bool:
    """Whether every group of the fine column lies within one of the coarse column."""
    return len(set(zip(coarse, fine, strict=True))) == int(fine.nunique())


def parent_of(frame: pd.DataFrame, id_column: str, taken: Collection[str]) -> str | None:
    ids = frame[id_column]
    others = [str(column) for column in frame.columns if column not in (id_column, *taken)]
    return next((c for c in others if is_parent(c, frame[c], ids)), None)


def split_of(file: Path, frame: pd.DataFrame, taken: Collection[str], chosen: Chosen) -> str | None:
    """The column that says which split a row belongs to."""
    names = [str(column) for column in frame.columns]
    if chosen.split_column is not None:
        if chosen.split_column in ("", "none"):
            return None
        if chosen.split_column.strip() not in names:
            raise DataError(
                f"--split-column {in_shell(chosen.split_column)}: {file} has no column of that "
                f"name (it has {listed(names)}).{did_you_mean(chosen.split_column, names)}"
            )
        return chosen.split_column.strip()
    found = [c for c in names if c not in taken and is_split(frame[c])]
    if len(found) > 1:
        choices = [Choice(c, listed(sorted(frame[c].unique()))) for c in found]
        choices.append(Choice("none", "all rows are for training"))
        raise Unclear(f"{file}: several columns name splits", "--split-column", choices)
    return found[0] if found else None
