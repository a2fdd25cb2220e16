"""JSON and JSON-lines tables, in the shapes that people write: records, columns, a file's label
each, and COCO."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.builtin.coco import is_coco, read_coco
from toolkit.builtin.nested import flat
from toolkit.errors import DataError

FILE, LABEL = "file", "label"
"""Columns of a table that was no table: `{"a.jpg": "cat"}`."""


class NoTable(DataError):
    """A file holds no table at all, which a JSON file seldom does."""


@dataclass(frozen=True)
class Document:
    """A table of text that was no lines of fields."""

    columns: Mapping[str, Sequence[Any]]
    notes: tuple[str, ...] = ()


def read_json_table(file: Path) -> Document:
    """A JSON or JSON-lines file as a table.

    Raises `DataError` where it cannot be read, and `NoTable` where it is no JSON, or no table.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise NoTable(f"{file}: is not encoded in UTF-8, as JSON is") from error
    value = _parsed(file, text)
    if isinstance(value, Mapping) and is_coco(value):
        return Document(*read_coco(file, value))
    columns = _columns(file, value)
    return Document({name: [flat(v) for v in column] for name, column in columns.items()})


def _parsed(file: Path, text: str) -> Any:
    """The value of a JSON file; a list of the lines' values where it is JSON lines."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            return [json.loads(line) for line in lines] if len(lines) > 1 else _broken(file, error)
        except json.JSONDecodeError:
            return _broken(file, error)


def _broken(file: Path, error: json.JSONDecodeError) -> Any:
    raise NoTable(f"{file}: is no JSON: line {error.lineno}: {error.msg}") from error


def _columns(file: Path, value: Any) -> Mapping[str, Sequence[Any]]:
    if isinstance(value, Mapping):
        inner = list(value.values())
        if inner and all(isinstance(v, Mapping) for v in inner):
            return _records([{FILE: key, **v} for key, v in value.items()])
        if inner and all(isinstance(v, list) for v in inner):
            return _of_lists(file, value)
        if inner and not any(isinstance(v, Mapping | list) for v in inner):
            return {FILE: list(value), LABEL: inner}
    if isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
        return _records(value)
    raise NoTable(
        f"{file}: holds no table; expected a list of records, columns, a label for each file "
        "name, or COCO's images and annotations"
    )


def _of_lists(file: Path, value: Mapping[str, list[Any]]) -> Mapping[str, Sequence[Any]]:
    """Columns of one length, one list of records under a name, or the files of each class."""
    if len(value) == 1:
        (only,) = value.values()
        if only and all(isinstance(v, Mapping) for v in only):
            return _records(only)
    if any(isinstance(v, Mapping | list) for column in value.values() for v in column):
        raise NoTable(f"{file}: holds several tables; expected one")
    if len({len(column) for column in value.values()}) == 1:
        return value
    raise NoTable(f"{file}: its columns ({', '.join(value)}) have different lengths")


def _records(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Sequence[Any]]:
    names = list(dict.fromkeys(name for record in records for name in record))
    return {name: [record.get(name) for record in records] for name in names}
