"""Units that lie in training and in a given validation split: an error, or left out of training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from toolkit.contracts import Table
from toolkit.data.assignment import units
from toolkit.data.duplicates import CONTENT, NEAR, content_column
from toolkit.data.given import HELD_OUT, held_out
from toolkit.errors import listed

_WORDS = {
    CONTENT: "has the content of",
    NEAR: "is a near-duplicate of",
    "parent": "was made from, or into,",
    "group": "is in the group of",
}


@dataclass(frozen=True)
class Leaks:
    """What a given split shares with training."""

    rows: int = 0
    """Rows of the split that share a unit with training rows."""
    trained: tuple[str, ...] = ()
    """IDs of the training rows that share one with the split."""
    named: tuple[str, ...] = ()
    """A pair for each unit: `valid/a.jpg has the content of train/a.jpg`."""

    def problem(self) -> str | None:
        """The error, with the ways out."""
        if not self.trained:
            return None
        return (
            f"leak: {self.rows} rows of the given validation split share a parent, a group or a "
            f"file's content with {len(self.trained)} training rows "
            f'({listed(self.named, between="; ")}); split.leaks = "drop" leaves those training '
            'rows out, split.given = "" cuts folds that keep them together'
        )

    def warning(self) -> str:
        """What is said where they are left out."""
        return (
            f'split.leaks = "drop": {len(self.trained)} training rows are left out, which share a '
            f"parent, a group or a file's content with {self.rows} rows of the given validation "
            f"split ({listed(self.named, between='; ')})"
        )


def leaks_of(table: Table) -> Leaks:
    """The leaks of a table with a given split; none for one without."""
    train = table.train
    if HELD_OUT not in train:
        return Leaks()
    if CONTENT in train:
        train = train[train[CONTENT].notna()]  # files that cannot be read are not one file
    unit, held = units(train), held_out(train)
    torn = np.isin(unit, np.intersect1d(unit[held], unit[~held]))
    ids = train["id"].to_numpy()
    return Leaks(
        int((torn & held).sum()),
        tuple(ids[torn & ~held]),
        tuple(_pairs(train.assign(unit=unit)[torn])),
    )


def without_leaks(table: Table, leaks: Leaks) -> Table:
    """The table without training rows that leak, and without rows that were made of them."""
    train = table.train
    gone = train["id"].isin(list(leaks.trained))
    gone |= train["parent"].isin(list(train["id"][gone]))
    return replace(table, train=train[~gone].reset_index(drop=True))


def _pairs(torn: pd.DataFrame) -> Iterator[str]:
    """For each unit on both sides, two rows and what they share."""
    for _, rows in torn.groupby("unit", sort=True):
        held = held_out(rows)
        ours, theirs = rows[held], rows[~held]
        for column in (*content_column(rows), "parent", "group"):
            shared = ours[ours[column].isin(list(theirs[column]))]
            if len(shared):
                one = shared.iloc[0]
                other = theirs[theirs[column] == one[column]].iloc[0]
                yield f"{one['id']} {_WORDS[column]} {other['id']}"
                break
        else:  # joined through other rows of the unit
            yield f"{ours['id'].iloc[0]} belongs with {theirs['id'].iloc[0]}"
