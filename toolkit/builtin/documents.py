"""JSON and JSON-lines tables, in the shapes that people write: records, columns, a file's label
each, and COCO."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

FILE, LABEL = "file", "label"
"""Columns of a table that was no table: `{"a.jpg": "cat"}`."""


def read_json_table(file: Path) -> pd.DataFrame:
    """A JSON or JSON-lines file as a table of text.

    Raises `DataError` where it is no JSON, or holds no table.
    """
    from toolkit.builtin.tables import text_frame

    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: is not encoded in UTF-8, as JSON is") from error
    value = _parsed(file, text)
    columns = _columns(file, value)
    flat: dict[str, Sequence[Any]] = {
        name: [_flat(file, name, v) for v in column] for name, column in columns.items()
    }
    return text_frame(flat)


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
    raise DataError(f"{file}: is no JSON: line {error.lineno}: {error.msg}") from error


def _columns(file: Path, value: Any) -> Mapping[str, Sequence[Any]]:
    if isinstance(value, Mapping):
        if _is_coco(value):
            return coco_columns(file, value)
        inner = list(value.values())
        if inner and all(isinstance(v, Mapping) for v in inner):
            return _records([{FILE: key, **v} for key, v in value.items()])
        if inner and all(isinstance(v, list) for v in inner):
            return _of_lists(file, value)
        if inner and not any(isinstance(v, Mapping | list) for v in inner):
            return {FILE: list(value), LABEL: inner}
    if isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
        return _records(value)
    raise DataError(
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
        raise DataError(f"{file}: holds several tables; expected one")
    if len({len(column) for column in value.values()}) == 1:
        return value
    raise DataError(f"{file}: its columns ({', '.join(value)}) have different lengths")


def _records(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Sequence[Any]]:
    names = list(dict.fromkeys(name for record in records for name in record))
    return {name: [record.get(name) for record in records] for name in names}


def _flat(file: Path, name: str, value: Any) -> Any:
    """A cell's value; a list of one is that one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, Mapping | list):
        raise DataError(
            f"{file}: {name!r} holds several values in a row ({json.dumps(value)[:60]}); images "
            "with several labels are not supported"
        )
    return value


def _is_coco(value: Mapping[str, Any]) -> bool:
    return all(isinstance(value.get(key), list) for key in ("images", "annotations"))


def coco_columns(file: Path, value: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
    """`file_name` and the category of each annotated image of a COCO file.

    Raises `DataError` where an image has several categories, or an annotation leads nowhere.
    """
    names = {c["id"]: c.get("name", c["id"]) for c in value.get("categories", [])}
    files = {image["id"]: image.get("file_name", image["id"]) for image in value["images"]}
    labels: dict[Any, Any] = {}
    for annotation in value["annotations"]:
        image, category = annotation.get("image_id"), annotation.get("category_id")
        if image not in files:
            raise DataError(f"{file}: an annotation names the image {image!r}, which is not there")
        if names and category not in names:
            raise DataError(f"{file}: an annotation names the category {category!r}, not there")
        label = names.get(category, category)
        if labels.setdefault(image, label) != label:
            raise DataError(
                f"{file}: {files[image]} has several categories ({labels[image]}, {label}); "
                "images with several labels are not supported"
            )
    annotated = [image for image in files if image in labels]
    return {
        "file_name": [files[image] for image in annotated],
        "category": [labels[image] for image in annotated],
    }
