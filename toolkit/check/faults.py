"""What `toolkit run` would refuse of data that were looked at, and what it can set aside."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import groupby

import pandas as pd

from toolkit.check.survey import Survey
from toolkit.contracts import Table, ignore
from toolkit.data.digests import content_digests
from toolkit.data.duplicates import Duplicates, duplicates_of, with_contents
from toolkit.data.rare import rare_warning
from toolkit.data.table import table_problems
from toolkit.errors import listed

_MANY, _LARGE = 50_000, 2 << 30
"""Files of equal sizes, and their bytes, that a first look reads."""


def refused(found: Survey) -> list[str]:
    """Faults that stop every run, a line each."""
    table = found.table
    problems = table_problems(table, 1)  # classes with fewer images than folds are kept, and told
    if table.test is not None:
        absent = _absent(found, table.test)
        if absent:
            problems.append(
                f"{len(absent)} of {len(table.test)} test IDs name no image ({listed(absent)}); "
                "without an image there is no row in the submission"
            )
            problems += _about(found, "test IDs")
        problems += found.unreadable_test
    missing = _absent(found, table.train)
    if len(missing) == len(table.train) and missing:
        problems.append(f"no training row names an image ({listed(missing)})")
    return problems


def rare(found: Survey, folds: int) -> list[str]:
    """What becomes of classes with fewer images than folds."""
    return [
        f'{line}; they are kept: split.rare = "keep", and "drop" leaves them out'
        for line in rare_warning(found.table, folds)
    ]


def set_aside(found: Survey) -> list[str]:
    """Faults of training images, which `toolkit run --skip-bad` sets aside."""
    table = found.table
    lines = []
    missing = _absent(found, table.train)
    if missing:
        lines.append(
            f"{len(missing)} of {len(table.train)} training IDs name no image ({listed(missing)})"
        )
        lines += _about(found, "training IDs")
    return [*lines, *found.unreadable]


def _about(found: Survey, which: str) -> list[str]:
    return [note for note in found.table.notes if f"{which} name no image" in note]


def _absent(found: Survey, rows: pd.DataFrame) -> list[str]:
    return [
        i
        for i, path in zip(rows["id"], rows["path"], strict=True)
        if not isinstance(path, str) or path in found.absent
    ]


def duplicates(table: Table) -> Duplicates | None:
    """The files that are there more than once. Only those of one size are read; None where these
    are too many for a first look."""
    paths = [*table.train["path"], *([] if table.test is None else table.test["path"])]
    there = sorted((os.stat(p).st_size, p) for p in dict.fromkeys(paths) if os.path.isfile(p))
    size: Callable[[tuple[int, str]], int] = lambda item: item[0]  # noqa: E731
    groups = [list(group) for _, group in groupby(there, size)]
    alike = [item for group in groups if len(group) > 1 for item in group]
    if len(alike) > _MANY or sum(map(size, alike)) > _LARGE:
        return None
    digests = content_digests([path for _, path in alike], ignore)
    return duplicates_of(with_contents(table, {path: digests.get(path) for path in paths}))
