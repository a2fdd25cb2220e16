"""Files are written whole: beside their place first, then renamed into it."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import UserError
from toolkit.runs import lease
from toolkit.runs.machine import WRITING

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def writing(file: Path) -> Iterator[Path]:
    """A path to write to; on success it becomes `file`, on an error nothing is left.

    The data reaches the disk before the name does, so a power cut leaves the old file or the new.
    Raises `Fenced` where another process has taken over the lease of the file's folder.
    """
    half_made = file.with_name(f".{file.name}{lease.suffix(file)}.tmp")
    try:
        yield half_made
        with half_made.open("rb+") as handle:
            os.fsync(handle.fileno())
        with lease.fenced(file):
            half_made.replace(file)
    except Exception as error:
        error.add_note(f"{WRITING}{file}")  # libraries do not name it
        raise
    finally:
        half_made.unlink(missing_ok=True)


def link_or_copy(source: Path, file: Path) -> None:
    """The same bytes under another name: a hard link, or a copy where links cannot be. Files are
    never changed in place, so neither name can harm the other."""
    with writing(file) as half_made:
        half_made.unlink(missing_ok=True)
        try:
            os.link(source, half_made)
        except OSError:
            shutil.copyfile(source, half_made)


def write_text(file: Path, text: str) -> None:
    with writing(file) as half_made:
        half_made.write_text(text, encoding="utf-8", newline="")


def csv_text(rows: pd.DataFrame) -> str:
    """A table as CSV text, the same on every system."""
    text: str = rows.to_csv(index=False, lineterminator="\n")
    return text


def write_json(file: Path, value: Any) -> None:
    """Write a value as JSON, which has no NaN and no infinity.

    Raises `UserError`, which names the value, where one is not finite; nothing is written then.
    """
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        found = next(not_finite(value), None)
        if found is None:  # a circle, or the like
            raise
        where, number = found
        raise UserError(
            f"{file}: not written: {where} is {number}, which is no number; whatever gave it is "
            "at fault: a component, or a value in the data"
        ) from error
    write_text(file, text + "\n")


def not_finite(value: Any, at: str = "") -> Iterator[tuple[str, float]]:
    """Dotted key and value of every NaN and infinity in a JSON value."""
    if isinstance(value, float) and not math.isfinite(value):
        yield at, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from not_finite(item, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from not_finite(item, f"{at}[{number}]")
