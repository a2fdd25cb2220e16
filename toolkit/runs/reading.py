"""Reads our own files. A damaged one is an error of one line: which file, what is wrong with it,
and the way out; whoever can go on without it catches `DamagedFile`.

Files are written whole (`atomic.py`), so that damage comes from elsewhere: a full or failing disk,
a copy that broke off, an editor.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import RunError, cause
from toolkit.files import open_regular, require_no_shortage

if TYPE_CHECKING:
    import pandas as pd


class DamagedFile(RunError):
    """A file of ours is gone, or is not what was written."""

    def __init__(self, file: Path, fault: str, way_out: str = "") -> None:
        super().__init__(f"{file}: {fault}" + (f"; {way_out}" if way_out else ""))
        self.file, self.fault = file, fault


def read_json(
    file: Path,
    way_out: str = "",
    *,
    kind: type[dict[str, Any]] | type[list[Any]] = dict,
    keys: Collection[str] = (),
) -> Any:
    """What a JSON file of ours holds.

    Args:
        way_out: what the error tells to do.
        kind: `dict` or `list`.
        keys: what an object has to have.

    Raises `DamagedFile`.
    """
    text = _text(file, way_out)
    if not text.strip("\0 \t\r\n"):  # a power cut leaves blocks of zeros on some file systems
        raise DamagedFile(file, "is empty", way_out)
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DamagedFile(file, f"is damaged, no JSON ({error})", way_out) from error
    except RecursionError as error:
        raise DamagedFile(file, "is damaged, brackets without an end", way_out) from error
    if not isinstance(found, kind):
        wanted = "an object" if kind is dict else "a list"
        raise DamagedFile(file, f"is damaged, no JSON of {wanted}", way_out)
    missing = [key for key in keys if key not in found]
    if missing:
        raise DamagedFile(file, f"is damaged, it has no {', '.join(missing)}", way_out)
    return found


def read_csv(
    file: Path, columns: Mapping[str, type[str | int | float]], way_out: str = ""
) -> pd.DataFrame:
    """A CSV file of ours.

    Args:
        columns: those that it has to have, with their types; `str` keeps an ID as it is written.

    Raises `DamagedFile`, also where a row broke off.
    """
    import pandas as pd

    text = _text(file, way_out)
    try:
        rows = pd.read_csv(io.StringIO(text), dtype=dict(columns), keep_default_na=False)
    except ValueError as error:  # whatever pandas raises is one, and text that is no UTF-8
        raise DamagedFile(file, f"is damaged, no CSV of ours ({cause(error)})", way_out) from error
    missing = [column for column in columns if column not in rows.columns]
    if missing:
        raise DamagedFile(file, f"is damaged, it has no column {', '.join(missing)}", way_out)
    if not text.endswith("\n"):
        raise DamagedFile(file, "is damaged, it breaks off", way_out)
    return rows


@contextmanager
def reading(file: Path, *errors: type[Exception], way_out: str = "") -> Iterator[None]:
    """Around a reader of another library: what it raises becomes `DamagedFile`.

    Args:
        errors: what the reader raises for a file that is not its own.
    """
    try:
        open_regular(file).close()  # a library would wait for a FIFO
        yield
    except OSError as error:
        require_no_shortage(file, error)
        raise DamagedFile(file, _unread(error), way_out) from error
    except errors as error:
        raise DamagedFile(file, f"is damaged ({cause(error)})", way_out) from error


def _text(file: Path, way_out: str) -> str:
    try:
        with io.TextIOWrapper(open_regular(file), encoding="utf-8") as text:
            return text.read()
    except OSError as error:
        require_no_shortage(file, error)
        raise DamagedFile(file, _unread(error), way_out) from error
    except UnicodeDecodeError as error:
        raise DamagedFile(file, "is damaged, no text", way_out) from error


def _unread(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "is gone"
    return f"cannot be read ({error.strerror or error})"
