"""Separated text: how a file is encoded, separated and headed, found out and told."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.builtin.formats import names_an_image
from toolkit.errors import DataError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LOOKED_AT = 200  # lines that decide about separator and header
_LARGEST_FIELD = 1 << 20  # characters; a larger one is a quote that never closes

# A file with one of these begins with what its encoding says.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Delimited:
    """A separated file: its columns as they stand, and how they were read."""

    names: list[str]
    columns: list[list[str]]
    notes: tuple[str, ...]
    ragged: tuple[int, ...]
    header: bool


def read_delimited(
    file: Path, encoding: str = "auto", separator: str = "auto", header: bool | str = "auto"
) -> Delimited:
    """Read a separated text file. Raises `DataError` in one line where it is none."""
    notes: list[str] = []
    text = _decoded(file, encoding, notes)
    if not text.strip():
        raise DataError(f"{file}: is empty")
    if separator == "auto":
        separator = _separator(file, text)
        if separator != ",":
            notes.append(f"its fields are separated by {SEPARATORS[separator]}")
    lines = list(_lines(file, text, separator))
    first = [cell.strip() for cell in lines[0]]
    headed = has_header(first, lines[1:_LOOKED_AT]) if header == "auto" else bool(header)
    if headed:
        names = [name if name.strip() else f"column_{n}" for n, name in enumerate(lines.pop(0), 1)]
    else:
        names = [f"column_{n}" for n in range(1, len(first) + 1)]
        if header == "auto":
            notes.append(
                f"its first line ({', '.join(first[:3])}) is a row like the others: it has no "
                f"header, and its columns are called {', '.join(names[:3])}"
            )
    columns, ragged = _columns(lines, len(names), separator)
    if ragged:
        notes.append(
            f"{len(ragged)} lines have more or fewer fields than its {len(names)} columns; what "
            f"is too much was joined to {names[-1].strip()!r}"
        )
    return Delimited(names, columns, tuple(notes), tuple(ragged), headed)


def _decoded(file: Path, encoding: str, notes: list[str]) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error
    if encoding != "auto":
        try:
            return data.decode(encoding)
        except LookupError as error:
            raise DataError(f"{file}: there is no encoding {encoding!r}") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{file}: is not encoded in {encoding} ({error.reason})") from error
    found = encoding_of(data)
    if found is None:
        raise DataError(
            f"{file}: its encoding cannot be told; save it as UTF-8, or name it in [data]: "
            'encoding = "cp949"'
        )
    if found not in ("utf-8", "utf-8-sig"):
        notes.append(f"it is no UTF-8, and was read as {_spoken(found)}")
    return data.decode(found)


def encoding_of(data: bytes) -> str | None:
    """The encoding of a text file's bytes; None where two fit as well, or none does."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding if _decodes(data, encoding) else None
    head = data[:4096]
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        # Text in Latin letters has a zero in every other byte; no other encoding has zeros.
        if zeros.count(0) > 0.3 * max(1, len(zeros)) and _decodes(data, encoding):
            return encoding
    if b"\0" in head:
        return None
    if _decodes(data, "utf-8"):
        return "utf-8"
    fitting = [name for name, letters in _LETTERS.items() if _reads_as(data, name, letters)]
    return fitting[0] if len(fitting) == 1 else None


# Of the encodings with several bytes a character, those whose text is nothing but these letters;
# Latin-1's single accented letters stand between ASCII letters.
_LETTERS = {
    "cp949": re.compile(r"[가-힣ㄱ-ㅣ·「」『』、。〈〉《》…‘’“”㎡㎏℃㈜※★☆○●△▲□■→]+"),
    "shift_jis": re.compile(r"(?=.*[ぁ-んァ-ヶ])[ぁ-んァ-ヶー一-龠々〆、。「」・（）％ｦ-ﾟ]+"),
    "cp1252": re.compile(r"[À-ÖØ-öø-ÿŒœŠšŽžŸ°ºª§«»–—‘’“”…€£·¡¿ñÑß²³½¼µ®©™]"),
}


def _reads_as(data: bytes, encoding: str, letters: re.Pattern[str]) -> bool:
    """Whether every run of letters beyond ASCII is one of that language's."""
    if not _decodes(data, encoding):
        return False
    runs = re.findall(r"[^\x00-\x7f]+", data.decode(encoding))
    if encoding == "cp1252":  # a run of many accents is another encoding's bytes
        return all(len(run) <= 2 and all(letters.fullmatch(c) for c in run) for run in runs)
    return all(letters.fullmatch(run) for run in runs)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _spoken(encoding: str) -> str:
    return {"cp1252": "Latin-1", "shift_jis": "Shift-JIS"}.get(encoding, encoding.upper())


def _separator(file: Path, text: str) -> str:
    """The separator whose lines agree best on a number of fields; a comma where there is one
    column. Raises `DataError` where two are as good."""
    head = text[:200_000]
    scores = {sign: _agreement(head, sign) for sign in SEPARATORS}
    best = max(scores.values())
    if best == 0:
        return ","
    close = [sign for sign, score in scores.items() if score >= best - 0.02]
    if len(close) > 1:
        names = " and ".join(SEPARATORS[sign] for sign in close)
        raise DataError(
            f"{file}: could be separated by {names}; say which in [data]: "
            f'separator = "{close[0]}"'.replace("\t", "\\t")
        )
    return close[0]


def _agreement(head: str, separator: str) -> float:
    """Share of the lines with as many fields as the first; 0 where that is one field."""
    lines = []
    for line in csv.reader(io.StringIO(head, newline=""), delimiter=separator):
        if line:
            lines.append(len(line))
        if len(lines) >= _LOOKED_AT:
            break
    if not lines or lines[0] < 2:
        return 0.0
    return Counter(lines)[lines[0]] / len(lines)


def _lines(file: Path, text: str, separator: str) -> Iterator[list[str]]:
    """The lines' fields, without empty lines. Raises `DataError` where a quote never closes."""
    before = csv.field_size_limit(_LARGEST_FIELD)
    try:
        try:
            lines = list(_reader(text, separator, strict=True))
        except csv.Error as error:
            if "end of data" in str(error):
                raise
            lines = list(_reader(text, separator, strict=False))  # text behind a closing quote
    except csv.Error as error:
        raise DataError(f"{file}: cannot be read as a table: {error}; is a quote open?") from error
    finally:
        csv.field_size_limit(before)
    return (line for line in lines if any(cell.strip() for cell in line))


def _reader(text: str, separator: str, *, strict: bool) -> Iterator[list[str]]:
    return csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=strict
    )


def has_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first line names columns. It is a row where one of its cells names an image
    file, or where each of its cells is such as stand below it."""
    if any(names_an_image(cell) for cell in first):
        return False
    if not rows:
        return True
    return not all(
        _like(cell, [row[place].strip() for row in rows if place < len(row)])
        for place, cell in enumerate(first)
    )


def _like(cell: str, below: Sequence[str]) -> bool:
    """Whether a cell is a value of its column: it occurs there, or is a number among numbers."""
    if cell in below:
        return True
    return _is_number(cell) and bool(below) and all(_is_number(value) for value in below if value)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?\d+([.,]\d+)?", text) is not None


def _columns(
    lines: Sequence[list[str]], width: int, separator: str
) -> tuple[list[list[str]], list[int]]:
    """The columns, and the rows whose line was too long or too short."""
    columns: list[list[str]] = [[] for _ in range(width)]
    ragged = []
    for number, line in enumerate(lines):
        if len(line) != width:
            if len(line) > width and not any(cell.strip() for cell in line[width:]):
                line = line[:width]  # a separator at the end of the line
            else:
                ragged.append(number)
            line = [*line[: width - 1], separator.join(line[width - 1 :])]
            line += [""] * (width - len(line))
        for column, cell in zip(columns, line, strict=True):
            column.append(cell)
    return columns, ragged
