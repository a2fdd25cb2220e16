"""Values that are nested, in a table's cell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def flat(value: Any) -> Any:
    """A cell's value; a list of one is that one, and what else is nested is its JSON text."""
    if isinstance(value, list) and len(value) < 2:
        value = value[0] if value else None
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value
