"""Files of corrected labels: `labels.patch.csv`, read with every mistake told."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.errors import did_you_mean, in_shell
from toolkit.files import in_words, read_bytes

COLUMNS = ("id", "from", "to", "reason", "author", "date")
NEEDED = COLUMNS[:3]


@dataclass(frozen=True)
class Correction:
    """One row of a patch."""

    file: str
    line: int
    id: str
    before: str
    after: str

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Patch:
    """A file of corrections, as it was read."""

    file: str
    digest: str = ""
    """SHA-256 of its content."""
    rows: tuple[Correction, ...] = ()
    problems: tuple[str, ...] = ()


def read_patch(file: str) -> Patch:
    """Read a patch: CSV in UTF-8 with the columns `id, from, to`, and perhaps `reason, author,
    date`. What is wrong with it is told, not raised."""
    try:
        content = read_bytes(file)
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        text = (
            f"labels.patches: there is no file {in_shell(file)}; paths start at the working folder"
        )
        return Patch(file, problems=(text,))
    except OSError as error:
        return Patch(file, problems=(f"{file}: {in_words(error)}",))
    except UnicodeDecodeError:
        return Patch(file, problems=(f"{file}: is no UTF-8; save it as CSV in UTF-8",))
    problems: list[str] = []
    rows = tuple(_rows(file, text, problems))
    return Patch(file, hashlib.sha256(content).hexdigest(), rows, tuple(problems))


def _rows(file: str, text: str, problems: list[str]) -> Iterator[Correction]:
    lines = _lines(file, text, problems)
    head = next(lines, None)
    if head is None:
        if not problems:
            problems.append(f"{file}: is empty; its first line names the columns {_NAMES}")
        return
    names = [cell.strip().casefold() for cell in head[1]]
    fault = _fault_of(names)
    if fault:
        problems.append(f"{file}:{head[0]}: {fault}")
        return
    places = [names.index(name) for name in NEEDED]
    for line, cells in lines:
        if len(cells) != len(names):
            text = f"{len(cells)} fields, expected {len(names)} as in the first line"
            problems.append(f"{file}:{line}: {text}")
            continue
        values = [cells[place] for place in places]
        missing = [name for name, value in zip(NEEDED, values, strict=True) if not value]
        if missing:
            problems.append(f"{file}:{line}: {' and '.join(missing)} empty")
            continue
        yield Correction(file, line, *values)


_NAMES = ", ".join(COLUMNS)


def _fault_of(names: list[str]) -> str:
    """What is wrong with a header."""
    missing = [name for name in NEEDED if name not in names]
    if missing:
        others = [name for name in names if name not in COLUMNS]
        guess = next((g for name in missing if (g := did_you_mean(name, others))), "")
        return f"no column {' or '.join(missing)}; a patch has {_NAMES}.{guess}"
    twice = sorted({name for name in names if name in COLUMNS and names.count(name) > 1})
    return f"the column {twice[0]} stands twice" if twice else ""


def _lines(file: str, text: str, problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each line that is not empty; a record over several lines has the number
    of its first."""
    first = text.partition("\n")[0]
    separator = ";" if ";" in first and "," not in first else ","  # as spreadsheets save it
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            problems.append(f"{file}:{line}: cannot be read as CSV: {error}")
            return
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells
