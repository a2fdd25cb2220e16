"""Checks the data before anything trains: rows and pixels, all faults shown together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from toolkit.contracts import ImageSpec, Ints, Notify, Table
from toolkit.data.cache import Pack, open_pack
from toolkit.data.table import file_hashes, fingerprint, table_problems
from toolkit.errors import DataError

_SHOWN = 20


@dataclass(frozen=True)
class Data:
    """A checked table, its decoded images, and what was set aside on request."""

    table: Table
    pack: Pack
    train_rows: Ints
    """Row of the pack for each training row."""
    test_rows: Ints | None
    fingerprint: str
    set_aside: tuple[tuple[str, str], ...] = ()
    """(training ID, reason)."""


def check_data(
    table: Table,
    folds: int,
    spec: ImageSpec,
    cache: Path,
    notify: Notify,
    *,
    skip_bad: bool = False,
) -> Data:
    """Check rows and decode every image into the cache.

    Args:
        skip_bad: set unreadable training images aside instead of stopping. A test row is never
            dropped: without its image there is no submission.

    Raises `DataError` with all the faults of table and images.
    """
    test_paths = [] if table.test is None else table.test["path"].tolist()
    hashes = file_hashes([*table.train["path"], *test_paths])
    files = {content: path for path, content in hashes.items() if content is not None}
    pack, decoding = open_pack(files, spec, notify, cache) if files else (None, {})

    def fault(path: str) -> str | None:
        content = hashes[path]
        if content is None:
            there = "cannot be read" if Path(path).exists() else "there is no such file"
            return f"{path}: {there}"
        found = decoding.get(content)
        # Files with the same content were decoded once, under the path of one of them.
        return found and path + found.removeprefix(files[content])

    bad = _faults(table.train, fault)
    bad_test = {} if table.test is None else _faults(table.test, fault)
    if skip_bad and bad and not bad_test:
        kept, set_aside = _without(table, bad)
        data = check_data(kept, folds, spec, cache, notify)
        return replace(data, set_aside=set_aside)
    problems = table_problems(table, folds)
    problems += _shown([*bad.values()], "training") + _shown([*bad_test.values()], "test")
    if bad and not skip_bad:
        problems.append("  --skip-bad sets unreadable training images aside and goes on")
    if problems:
        raise DataError(*problems)
    assert pack is not None
    train_rows = pack.rows(str(hashes[path]) for path in table.train["path"])
    test_rows = None
    if table.test is not None:
        test_rows = pack.rows(str(hashes[path]) for path in table.test["path"])
    return Data(table, pack, train_rows, test_rows, fingerprint(table, hashes))


def _faults(rows: pd.DataFrame, fault: Callable[[str], str | None]) -> dict[str, str]:
    """ID to what is wrong with its file."""
    found = {i: fault(path) for i, path in zip(rows["id"], rows["path"], strict=True)}
    return {i: text for i, text in found.items() if text is not None}


def _without(table: Table, bad: dict[str, str]) -> tuple[Table, tuple[tuple[str, str], ...]]:
    """The table without bad images and without what was made of them."""
    train = table.train
    reasons = dict(bad)
    for i, parent in zip(train["id"], train["parent"], strict=True):
        if parent in bad and i not in bad:
            reasons[i] = f"its parent {parent} was set aside"
    kept = train[~train["id"].isin(list(reasons))].reset_index(drop=True)
    return replace(table, train=kept), tuple(sorted(reasons.items()))


def _shown(faults: list[str], which: str) -> list[str]:
    more = len(faults) - _SHOWN
    rest = [f"  and {more} more {which} images that cannot be read"] if more > 0 else []
    return faults[:_SHOWN] + rest
