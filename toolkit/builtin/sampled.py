"""The test rows and the submission's form, from a sample submission."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.builtin.places import Place, leaves
from toolkit.builtin.reading import Reader, noted
from toolkit.builtin.said import Said
from toolkit.builtin.sample import Classes, asked_by
from toolkit.contracts import Submission
from toolkit.errors import listed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Sample:
    """A sample submission, and how its columns are called."""

    file: Path
    reader: Reader
    id_column: str | None
    """As the recipe says; None: the training table's, else the first."""
    usual: str | None
    """What the training table calls its ID column."""
    target_column: str
    positive: str | None

    def read(
        self, place: Place, suffix: str, classes: Classes, said: Said
    ) -> tuple[pd.DataFrame, Submission]:
        """The test rows in the sample's order, and the form that it asks for."""
        wanted = [] if self.id_column is None else [self.id_column]
        read = self.reader.read(self.file, wanted)
        said.notes += noted(self.file, read)
        column = self._column(list(read.frame.columns), read.frame.iloc[:, 0].is_unique, said)
        rows = inside(read.frame, column, place, said)
        ids = tuple(read.raw.loc[rows.index, column])
        asked, notes = asked_by(rows, ids, column, self.target_column, classes, self.positive)
        said.notes += [f"{self.file}: {note}" for note in notes]
        if asked.problem:
            asked = replace(asked, problem=f"{self.file}: {asked.problem}")
        return found_rows(rows, column, place, suffix, said, "test"), asked

    def _column(self, has: list[str], first_tells_apart: bool, said: Said) -> str:
        if self.id_column is not None:
            return self.id_column.strip()
        if self.usual in has:
            return str(self.usual)
        if not first_tells_apart:
            self.reader.read(self.file, [self.usual or "id"])  # says which columns there are
        if self.usual is not None:
            said.notes.append(
                f"{self.file}: has no column {self.usual}; its first, {has[0]}, is taken for the "
                "IDs"
            )
        return has[0]


def inside(rows: pd.DataFrame, column: str, place: Place, said: Said) -> pd.DataFrame:
    """The rows whose ID names a file below the data folder."""
    outside = rows[column].map(lambda name: leaves(name, place.root)).astype(bool)
    if outside.any():
        found = listed(list(rows.loc[outside, column]))
        said.problems.append(f"{place.folder}: {outside.sum()} IDs leave the folder ({found})")
    return rows[~outside]


def found_rows(
    rows: pd.DataFrame, column: str, place: Place, suffix: str, said: Said, which: str
) -> pd.DataFrame:
    """`id, path` of each row."""
    ids = rows[column]
    paths = said.add(place.find(list(ids), suffix, which))
    return ids.to_frame("id").assign(path=paths)
