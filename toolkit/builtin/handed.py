"""The source `table`: rows that are handed over in Python, and lie in no file."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.builtin.places import Place
from toolkit.builtin.said import Said
from toolkit.builtin.sample import Classes
from toolkit.builtin.table_source import Csv, Test
from toolkit.builtin.tables import Rows, cleaned
from toolkit.contracts import Table
from toolkit.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TRAIN, TEST = "the table", "the test table"
"""What words call them, which have no file."""


@dataclass(frozen=True)
class Handed:
    """Reads rows that somebody hands over; `with_table` gives it them."""

    root: str
    path_column: str
    labels: Csv
    """How labels, splits and lineage are read: as in a file."""
    train: Rows | None = None
    test: Rows | None = None

    def with_table(self, train: pd.DataFrame, test: pd.DataFrame | None, /) -> Handed:
        """The source of these rows."""
        predicted = None if test is None else rows_of(TEST, test)
        return replace(self, train=rows_of(TRAIN, train), test=predicted)

    def read(self) -> Table:
        """Raises `DataError` where nobody handed rows over."""
        if self.train is None:
            raise DataError(
                '[data] use = "table": its rows were handed over in Python and lie in no file; '
                "hand them over again: toolkit.run(RECIPE, table=ROWS)"
            )
        said = Said([f"{TRAIN}: {note}" for note in self.train.notes])
        train = self.train.frame

        def found(rows: pd.DataFrame) -> pd.DataFrame:
            return self._found(rows, train, "training", said)

        return self.labels.table_of(Path(TRAIN), self.train, said, found, self._test)

    def _test(
        self, root: Path, train: pd.DataFrame, tested: pd.DataFrame, classes: Classes, said: Said
    ) -> Test:
        """The test table's rows, else those of a test split."""
        if self.test is not None:
            said.notes += [f"{TEST}: {note}" for note in self.test.notes]
            rows = self.test.frame
            if len(tested):
                said.notes.append(
                    f"{root}: the {len(tested)} rows of its test split are left out, since there "
                    "is a test table"
                )
        elif len(tested):
            rows = tested
            said.notes.append(
                f"{root}: the {len(rows)} rows of the test split are predicted; what labels they "
                "have are not used"
            )
        else:
            return None, None
        return self._found(rows, rows, "test", said), None

    def _found(
        self, rows: pd.DataFrame, source: pd.DataFrame, which: str, said: Said
    ) -> pd.DataFrame:
        """`id, path` of each row."""
        column = self.labels.id_column
        if column not in source:  # of the test table, which may name its files alone
            column = self.path_column
        names = list(source.loc[rows.index, self.path_column])
        return rows[[column]].set_axis(["id"], axis=1).assign(path=self.paths(names, which, said))

    def paths(self, names: list[str], which: str, said: Said) -> list[str]:
        """The file of each name. Below a root they may be written in any way; without one they are
        paths, since nobody wants the working directory walked."""
        if self.root:
            return said.add(self._place.find(names, "", which))
        return names

    @cached_property
    def _place(self) -> Place:
        return Place(Path(self.root), ".")


def rows_of(what: str, frame: pd.DataFrame) -> Rows:
    """A pandas table as text, as a file's rows are.

    Args:
        what: what words call it.

    Raises `DataError` where a cell holds more than one value.
    """
    import pandas as pd

    texts = {}
    for number, name in enumerate(frame.columns):
        column = frame.iloc[:, number]
        cells = column.astype(object)
        holding = [cell for cell in cells if _is_several(cell)]
        if holding:
            raise DataError(
                f"{what}: the column {str(name)!r} holds {type(holding[0]).__name__} "
                f"({str(holding[0])[:40]}); expected one text or number a row. Images are named by "
                "their paths, and images with several labels are not supported"
            )
        gone = column.isna().to_numpy()
        texts[number] = ["" if gap else _text(c) for c, gap in zip(cells, gone, strict=True)]
    raw = pd.DataFrame(texts, dtype=str).set_axis([str(name) for name in frame.columns], axis=1)
    return cleaned(Path(what), raw, [], (), header=True)


def _is_several(cell: Any) -> bool:
    return not isinstance(cell, str | os.PathLike) and (
        isinstance(cell, bytes) or hasattr(cell, "__len__") or hasattr(cell, "__array_interface__")
    )


def _text(cell: Any) -> str:
    return os.fspath(cell) if isinstance(cell, os.PathLike) else str(cell)
