"""Reads `preprocess.json` back: what a run's models want their images to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.contracts import ImageSpec, Levels, Preprocess
from toolkit.errors import cause
from toolkit.runs.reading import DamagedFile, read_json


def read_preprocess(file: Path, way_out: str = "") -> Preprocess:
    """What `Preprocess.to_json` gave. A key that an older version did not write has its default,
    which is what that version did. Raises `DamagedFile`."""
    found = read_json(file, way_out, keys=("size", "mean", "std"))
    try:
        return _preprocess(found)
    except (TypeError, ValueError) as error:
        fault = f"is damaged, or a newer version wrote it ({cause(error)})"
        raise DamagedFile(file, fault, way_out) from error


def _preprocess(found: Mapping[str, Any]) -> Preprocess:
    image = dict(found)
    mean, std = _channels(image.pop("mean")), _channels(image.pop("std"))
    depth = image.get("depth")
    if isinstance(depth, Mapping):
        ends = {key: (float(low), float(high)) for key, (low, high) in depth.items()}
        image["depth"] = Levels(**ends)
    return Preprocess(ImageSpec(**image), mean, std)


def _channels(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    return red, green, blue
