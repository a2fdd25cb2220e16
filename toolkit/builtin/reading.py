"""Tables that a source was told of: the file must be there and be one, and have the columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.builtin.tables import Rows, read_rows
from toolkit.errors import DataError
from toolkit.files import in_words, is_there, require_regular


@dataclass(frozen=True)
class Reader:
    """Reads the tables of a source as it was told to."""

    encoding: str = "auto"
    separator: str = "auto"
    header: bool | str = "auto"

    def read(self, file: Path, columns: Sequence[str]) -> Rows:
        """A table that has these columns. A first line with all of them is a header.

        Raises `DataError` where the file or a column is not there.
        """
        try:
            require_regular(file)
        except OSError as error:
            raise DataError(f"{file}: {in_words(error)}") from error
        wanted = [column.strip() for column in columns]
        rows = read_rows(file, self.encoding, self.separator, self.header)
        if not rows.header and self.header == "auto" and not set(wanted) <= set(rows.frame.columns):
            headed = read_rows(file, self.encoding, self.separator, header=True)
            if set(wanted) <= set(headed.frame.columns):
                return headed
        missing = [column for column in wanted if column not in rows.frame.columns]
        if missing:
            raise DataError(_without(file, missing, rows))
        return rows


def _without(file: Path, missing: Sequence[str], rows: Rows) -> str:
    has = ", ".join(rows.frame.columns)
    hint = "name the column in [data]"
    if not rows.header:
        first = ", ".join(rows.frame.iloc[0]) if len(rows.frame) else ""
        hint = f"its first line ({first}) is no header: add one, or name the columns so in [data]"
    return f"{file}: has no column {', '.join(missing)} (it has {has}); {hint}"


def is_table(root: Path, name: str) -> bool:
    """Whether an optional file is there. Raises `DataError` for what only has its name: a FIFO."""
    file = root / name
    try:
        return bool(name) and is_there(file)
    except OSError as error:
        raise DataError(f"{file}: {in_words(error)}") from error


def noted(file: Path, rows: Rows) -> list[str]:
    """What was found out or mended in a file, with its name."""
    return [f"{file}: {note}" for note in rows.notes]
