"""Rows of a validation table beside those of the training table."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.builtin.said import Said
from toolkit.errors import listed

if TYPE_CHECKING:
    import pandas as pd


def without_twins(
    rows: pd.DataFrame, column: str, trained: Set[str], file: Path, train: str, said: Said
) -> pd.DataFrame:
    """The rows whose ID is in no training row; the others are a fault.

    Args:
        column: of the IDs.
        trained: IDs of the training rows.
        train: the training table, for words.
    """
    twice = rows[column].isin(list(trained))
    if twice.any():
        said.problems.append(
            f"{file}: {int(twice.sum())} of its {len(rows)} IDs are in {train}, too "
            f"({listed(list(rows[column][twice]))}); a row trains or validates: take it out of "
            'one of them, or leave this table out with valid = "" in [data]'
        )
    return rows[~twice]


def prefixed(rows: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Rows of a `Table` whose IDs have a prefix; so have the parents and groups that they name."""
    if not prefix:
        return rows
    own = {name: f"{prefix}{name}" for name in rows["id"]}
    return rows.assign(
        id=prefix + rows["id"],
        parent=rows["parent"].map(lambda name: own.get(name, name)),
        group=rows["group"].where(rows["group"] != rows["id"], prefix + rows["group"]),
    )


def prefix_of(folder: str, trained: str) -> str:
    """What tells the IDs of a validation table from those of training, where they name images of
    another folder."""
    name = folder.strip("/")
    return f"{name}/" if name not in ("", ".", trained.strip("/")) else ""
