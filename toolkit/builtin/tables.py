"""Reads a table as people have them: any encoding, separator and format, as text.

What had to be found out or mended is told, never done in silence: a `Rows` says how the file was
read and what was cleaned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.builtin.delimited import Delimited, read_delimited
from toolkit.builtin.nested import flat
from toolkit.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".tab", ".psv"})
TABLE_SUFFIXES = TEXT_SUFFIXES | {".json", ".jsonl", ".ndjson", ".parquet"}


@dataclass(frozen=True)
class Rows:
    """A table as text, and how it was read."""

    frame: pd.DataFrame
    """Every cell is text, without space around it; an empty cell is ""."""
    raw: pd.DataFrame
    """The same with every space as it stands in the file."""
    notes: tuple[str, ...] = ()
    """What was found out or mended, a line each, without the file's name."""
    ragged: tuple[int, ...] = ()
    """Rows whose line has more fields than the header, or fewer."""
    header: bool = True
    """Whether the first line names the columns; else they are `column_1`, `column_2`, ..."""


def read_rows(
    file: Path, encoding: str = "auto", separator: str = "auto", header: bool | str = "auto"
) -> Rows:
    """Read a CSV (or its kin), JSON, JSON-lines or parquet table.

    Args:
        encoding: of a text file; "auto" tells UTF-8, UTF-16, CP949 and Latin-1 apart.
        separator: between the fields of a line; "auto" chooses among `,` `;` tab `|`.
        header: whether the first line names the columns; "auto" looks.

    Raises `DataError` in one line where the file is no table, or where two readings are as good.
    """
    suffix = file.suffix.lower()
    if suffix in (".json", ".jsonl", ".ndjson"):
        from toolkit.builtin.documents import read_json_table

        found = read_json_table(file)
        return cleaned(file, text_frame(found.columns), list(found.notes), (), header=True)
    if suffix == ".parquet":
        return cleaned(file, _parquet(file), [], (), header=True)
    read = read_delimited(file, encoding, separator, header)
    return cleaned(file, _frame(read), list(read.notes), read.ragged, header=read.header)


def _frame(found: Delimited) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(dict(enumerate(found.columns)), dtype=str).set_axis(found.names, axis=1)


def _parquet(file: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
    except (OSError, ValueError, pa.ArrowException) as error:
        first = str(error).partition("\n")[0]
        raise DataError(f"{file}: cannot be read as parquet: {first}") from error
    images = [f.name for f in table.schema if _holds_images(f.type)]
    if images:
        raise DataError(
            f"{file}: the column {images[0]} holds no text or numbers; images inside a table are "
            "not read: write them as files, and name them in the table"
        )
    columns = {n: table.column(n).to_pylist() for n in table.column_names}
    return text_frame({name: [flat(v) for v in column] for name, column in columns.items()})


def _holds_images(kind: Any) -> bool:
    """Whether a column's values are bytes, or records with bytes in them."""
    import pyarrow as pa

    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    inner = range(kind.num_fields) if pa.types.is_nested(kind) else ()
    return any(_holds_images(kind.field(place).type) for place in inner)


def text_frame(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Columns of any values as text: 3.0 stays "3.0", None and NaN are empty."""
    import pandas as pd

    texts = {str(name): [as_text(value) for value in column] for name, column in columns.items()}
    return pd.DataFrame(texts, dtype=str)


def as_text(value: Any) -> str:
    """One value as a cell's text."""
    if value is None or value != value:  # NaN differs from itself
        return ""
    return value if isinstance(value, str) else str(value)


def cleaned(
    file: Path, raw: pd.DataFrame, notes: list[str], ragged: tuple[int, ...], *, header: bool
) -> Rows:
    """Without spaces around names and values, said once."""
    names = [str(name).strip() for name in raw.columns]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{file}: two columns are called {twice[0]!r}; rename one")
    spaced = [str(name) for name in raw.columns if str(name) != str(name).strip()]
    if spaced:
        notes.append(f"spaces around column names were left out ({_quoted(spaced)})")
    frame = raw.set_axis(names, axis=1)
    changed: list[str] = []
    for name in names:
        stripped = frame[name].str.strip()
        differs = stripped != frame[name]
        if differs.any():
            changed += frame.loc[differs, name].tolist()
            frame = frame.assign(**{name: stripped})
    if changed:
        verb = "value was" if len(changed) == 1 else "values were"
        text = f"spaces around {len(changed)} {verb} left out ({_quoted(changed)})"
        notes.append(text)
    return Rows(frame, raw.set_axis(names, axis=1), tuple(notes), ragged, header)


def _quoted(texts: Iterable[str], limit: int = 3) -> str:
    texts = list(dict.fromkeys(texts))
    more = ", ..." if len(texts) > limit else ""
    return ", ".join(repr(text) for text in texts[:limit]) + more
