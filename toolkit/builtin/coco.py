"""COCO's JSON as a table of labels: `images`, and `annotations` that give each a category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.builtin.nested import flat
from toolkit.errors import DataError, listed

Columns = Mapping[str, Sequence[Any]]


def is_coco(value: Mapping[str, Any]) -> bool:
    """Whether a JSON file's value has the parts of COCO's format."""
    parts = [value.get(key) for key in ("images", "annotations")]
    return all(isinstance(p, list) and all(isinstance(v, Mapping) for v in p) for p in parts)


def read_coco(file: Path, value: Mapping[str, Any]) -> tuple[Columns, tuple[str, ...]]:
    """`file_name` and the category of each annotated image, and what is to be told.

    Several annotations of one category are one label; an image of several categories has the list
    of them as its label, which no reader takes for a class.

    Raises `DataError` where an annotation leads nowhere.
    """
    names = _by_id(file, value.get("categories") or [], "name", "category")
    files = _by_id(file, value["images"], "file_name", "image")
    labels: dict[Any, list[Any]] = {}
    for annotation in value["annotations"]:
        image, category = annotation.get("image_id"), annotation.get("category_id")
        if category is None:
            continue  # a caption, or key points alone
        if image not in files:
            raise DataError(f"{file}: an annotation names the image {image!r}, which is not there")
        if names and category not in names:
            raise DataError(f"{file}: an annotation names the category {category!r}, not there")
        label, own = names.get(category, category), labels.setdefault(image, [])
        if label not in own:
            own.append(label)
    columns = {
        "file_name": [name for image, name in files.items() if image in labels],
        "category": [flat(labels[image]) for image in files if image in labels],
    }
    without = [name for image, name in files.items() if image not in labels]
    if not without:
        return columns, ()
    return columns, (
        f"{len(without)} of its {len(files)} images have no annotation, and are left out "
        f"({listed(without, 3)})",
    )


def _by_id(file: Path, records: Sequence[Any], key: str, what: str) -> dict[Any, Any]:
    """The name of each image or category by its ID."""
    found: dict[Any, Any] = {}
    for record in records:
        if not isinstance(record, Mapping) or record.get("id") is None:
            raise DataError(f"{file}: {what} {len(found) + 1} has no id")
        own = record.get(key, record["id"])
        if found.setdefault(record["id"], own) != own:
            raise DataError(f"{file}: two {what} records have the id {record['id']!r}")
    return found
