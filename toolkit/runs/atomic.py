"""Files are written whole: beside their place first, then renamed into it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.runs.machine import WRITING

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def writing(file: Path) -> Iterator[Path]:
    """A path to write to; on success it becomes `file`, on an error nothing is left.

    The data reaches the disk before the name does, so a power cut leaves the old file or the new.
    """
    half_made = file.with_name(f".{file.name}.tmp")
    try:
        yield half_made
        with half_made.open("rb+") as handle:
            os.fsync(handle.fileno())
        half_made.replace(file)
    except Exception as error:
        error.add_note(f"{WRITING}{file}")  # libraries do not name it
        raise
    finally:
        half_made.unlink(missing_ok=True)


def write_text(file: Path, text: str) -> None:
    with writing(file) as half_made:
        half_made.write_text(text, encoding="utf-8", newline="")


def csv_text(rows: pd.DataFrame) -> str:
    """A table as CSV text, the same on every system."""
    text: str = rows.to_csv(index=False, lineterminator="\n")
    return text


def write_json(file: Path, value: Any) -> None:
    write_text(file, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
