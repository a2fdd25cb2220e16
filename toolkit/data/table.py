"""Reads the table and checks it: everything about rows that needs no pixel."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import pandas as pd

from toolkit.contracts import Event, Notify, Prepares, Source, Table, ignore
from toolkit.data.digests import content_digests
from toolkit.files import reporting
from toolkit.recipe.plan import Choice

TRAIN_COLUMNS = ["id", "path", "label", "parent", "group"]


def read_table(source: Source, notify: Notify = ignore, choice: Choice | None = None) -> Table:
    """The source's table with its columns in order, training rows sorted by ID.

    A source that prepares its data does so first.

    Sorting makes every later step blind to the order of rows and files; the test rows keep the
    order of the submission.

    Args:
        choice: what the recipe calls the source, which is blamed for its faults.
    """

    def blamed(doing: str) -> AbstractContextManager[None]:
        return nullcontext() if choice is None else choice.blamed(doing)

    if isinstance(source, Prepares):
        with blamed("its prepare fails"):
            source.prepare(notify)
    watched = reporting("the table", lambda text: notify(Event("message", text)))
    with watched, blamed("its read fails"):
        table = source.read()
    train = table.train[TRAIN_COLUMNS].sort_values("id", kind="stable").reset_index(drop=True)
    test = None if table.test is None else table.test[["id", "path"]].reset_index(drop=True)
    return replace(table, train=train, test=test)


def table_of(choice: Choice, notify: Notify = ignore) -> Table:
    """The table of the source that a recipe chose, as `read_table` gives it."""
    return read_table(choice.build(), notify, choice)


def table_problems(table: Table, folds: int) -> list[str]:
    """A line for every kind of fault, with the first few rows that have it."""
    return [*table.problems, *_row_problems(table), *_class_problems(table, folds)]


def _row_problems(table: Table) -> Iterable[str]:
    train = table.train
    if not len(train):
        yield "the training table has no rows"
    yield from _duplicates(train["id"], "training")
    if table.test is not None:
        yield from _duplicates(table.test["id"], "test")
        if not len(table.test):
            yield "the test table has no rows; remove it where there is nothing to predict"
    orphans = train[~_among(train["parent"], train["id"])]
    if len(orphans):
        found = listed(orphans["id"])
        yield f"{len(orphans)} training rows name a parent that is no training row ({found})"
    originals = train[train["parent"] == train["id"]]
    nested = train[(train["parent"] != train["id"]) & ~_among(train["parent"], originals["id"])]
    nested = nested[_among(nested["parent"], train["id"])]
    if len(nested):
        yield f"{len(nested)} training rows have a parent with a parent ({listed(nested['id'])})"


def _among(values: pd.Series[Any], known: pd.Series[Any]) -> pd.Series[Any]:
    """`values.isin(known)`; for pandas' own text columns that takes 10 microseconds a row."""
    return values.astype(object).isin(known.astype(object))


def _duplicates(ids: pd.Series[Any], which: str) -> Iterable[str]:
    twice = sorted(set(ids[ids.duplicated()]))
    if twice:
        yield f"{len(twice)} {which} IDs appear twice ({listed(twice)}); keep one row an ID"


def _class_problems(table: Table, folds: int) -> Iterable[str]:
    """Classes are counted over originals: only they are validated."""
    if len(table.classes) < 2:
        yield f"a classification needs two classes, the table has {len(table.classes)}"
    originals = table.train[table.train["parent"] == table.train["id"]]
    counts = originals["label"].value_counts()
    for label, name in enumerate(table.classes):
        count = int(counts.get(label, 0))
        if count == 0:
            yield f'class "{name}" has no training image'
        elif count < folds:
            yield f'class "{name}" has {count} images, fewer than the {folds} folds'
    twins = sorted(name for name, count in Counter(table.classes).items() if count > 1)
    if twins:
        yield f"two classes have the same name ({listed(twins)})"


def file_hashes(paths: Iterable[str]) -> dict[str, str | None]:
    """Content hash (32 hex digits) of every file; None where there is no readable file."""
    return content_digests(paths, ignore)


def fingerprint(table: Table, hashes: dict[str, str | None]) -> str:
    """Hash of IDs, labels, lineage, classes and file contents; blind to order and location."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr(table.classes).encode())
    for row in table.train.itertuples(index=False):
        line = (row.id, int(row.label), row.parent, row.group, hashes[row.path])
        digest.update(repr(line).encode())
    if table.test is not None:
        for row in table.test.sort_values("id").itertuples(index=False):
            digest.update(repr((row.id, hashes[row.path])).encode())
    return digest.hexdigest()


def listed(items: Iterable[Any], limit: int = 5) -> str:
    """The first few items, and how many more there are."""
    texts = [str(item) for item in items]
    more = f", and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more
