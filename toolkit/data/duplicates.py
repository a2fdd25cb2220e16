"""Files with the same content under several IDs: they share a unit, and what they do to labels and
to the test set is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from toolkit.contracts import Table
from toolkit.errors import listed

CONTENT = "content"
"""The column of a checked table with the digest of each file's content."""

NEAR = "near"
"""The column of a table with `split.group = "auto"`: the same for near-duplicates."""


@dataclass(frozen=True)
class Duplicates:
    """How many files of a table are there more than once."""

    train: int = 0
    """Training originals whose content an earlier one has."""
    conflicts: tuple[str, ...] = ()
    """Contents that have two labels or more: `a12.png "letter", b07.png "form"`."""
    test: tuple[str, ...] = ()
    """Test rows whose content a training row has: `t3.png of a12.png`."""

    def conflict(self) -> str | None:
        """The line about contents with two labels."""
        if not self.conflicts:
            return None
        files = "file has" if len(self.conflicts) == 1 else "files have"
        return (
            f"{len(self.conflicts)} {files} several IDs with different labels "
            f"({listed(self.conflicts, between='; ')}); whatever is predicted, one of them counts "
            "as a mistake: keep the right one"
        )

    def warnings(self) -> list[str]:
        """A line for each thing that a reader of the scores must know."""
        lines = []
        conflict = self.conflict()
        if conflict is not None:
            lines.append(f'{conflict}; split.conflicts = "error" stops here')
        if self.test:
            images = "image is a copy" if len(self.test) == 1 else "images are copies"
            lines.append(
                f"{len(self.test)} test {images} of training images ({listed(self.test)}); "
                "a score on them says nothing of new images"
            )
        return lines

    def to_json(self) -> dict[str, int]:
        """For `report.json`."""
        return {"train": self.train, "conflicts": len(self.conflicts), "test": len(self.test)}


def with_contents(table: Table, digests: Mapping[str, str | None]) -> Table:
    """The table with the digest of each row's file."""
    test = table.test
    if test is not None:
        test = test.assign(**{CONTENT: test["path"].map(digests)})
    train = table.train.assign(**{CONTENT: table.train["path"].map(digests)})
    return replace(table, train=train, test=test)


def duplicates_of(table: Table) -> Duplicates:
    """The files that are there more than once; none for a table without `with_contents`."""
    train, test = table.train, table.test
    if CONTENT not in train:
        return Duplicates()
    originals = train[(train["parent"] == train["id"]) & train[CONTENT].notna()]
    again = train[train[CONTENT].duplicated(keep=False) & train[CONTENT].notna()]
    labels = again.groupby(CONTENT, sort=False)["label"].transform("nunique")
    torn = again[labels > 1].drop_duplicates([CONTENT, "label"])
    named = torn["id"] + ' "' + torn["label"].map(dict(enumerate(table.classes))) + '"'
    conflicts = tuple(named.groupby(torn[CONTENT], sort=False).agg(", ".join))
    copies: Iterable[str] = ()
    if test is not None and CONTENT in test:
        # Whatever is trained on counts, made of an original or not; the original has the name.
        named = pd.concat([originals, train[train[CONTENT].notna()]])
        known = named.drop_duplicates(CONTENT).set_index(CONTENT)["id"]
        seen = test[CONTENT].map(known)
        found = test[seen.notna()]["id"]
        copies = (f"{i} of {of}" for i, of in zip(found, seen.dropna(), strict=True))
    return Duplicates(int(originals[CONTENT].duplicated().sum()), conflicts, tuple(copies))


def content_column(rows: pd.DataFrame) -> list[str]:
    """The columns that say which rows are of one content, and which of nearly one, where the table
    has them."""
    return [column for column in (CONTENT, NEAR) if column in rows]
