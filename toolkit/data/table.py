"""Reads the table and checks it: everything about rows that needs no pixel."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from toolkit.contracts import Event, Notify, Prepares, Source, Table, ignore
from toolkit.data.digests import content_digests
from toolkit.data.duplicates import NEAR
from toolkit.data.form import in_form, label_column, lacking, text_column
from toolkit.data.given import HELD_OUT, held_out
from toolkit.errors import DataError, listed
from toolkit.files import reporting
from toolkit.recipe.plan import Choice


@runtime_checkable
class TakesTable(Protocol):
    """A source whose rows are handed over in Python, `toolkit.run(recipe, table=frame)`."""

    def with_table(self, train: pd.DataFrame, test: pd.DataFrame | None, /) -> Source:
        """The source of these rows."""


@dataclass(frozen=True)
class Frames:
    """Rows that are handed over in Python."""

    train: pd.DataFrame
    test: pd.DataFrame | None = None


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
        given: object = source.read()
    if not isinstance(given, Table):
        name, whose = ("the source", "") if choice is None else (choice.component, choice.whose)
        raise DataError(f"{name}: read gives a {type(given).__name__}, expected a Table{whose}")
    table, found = in_form(given)
    origin = "" if choice is None or not choice.whose else f"{choice.component}{choice.whose}"
    table = replace(table, problems=(*table.problems, *_of(origin, found)), origin=origin)
    train = table.train.sort_values("id", kind="stable").reset_index(drop=True)
    return replace(table, train=train)


def table_of(choice: Choice, notify: Notify = ignore, frames: Frames | None = None) -> Table:
    """The table of the source that a recipe chose, as `read_table` gives it.

    Args:
        frames: the rows of a source that takes them.
    """
    source = choice.build()
    if frames is not None and isinstance(source, TakesTable):
        source = source.with_table(frames.train, frames.test)
    return read_table(source, notify, choice)


def table_problems(table: Table, folds: int) -> list[str]:
    """A line for every kind of fault, with the first few rows that have it."""
    table, found = in_form(table)
    own = [*found, *_row_problems(table, told=bool(table.problems or found))]
    told = [*table.problems, *_of(table.origin, own)]
    told += [table.submission.problem] if table.submission and table.submission.problem else []
    return [*told, *_class_problems(table, folds, told=bool(told))]


def problems_of_test_labels(labels: object, ids: Collection[str], classes: int) -> list[str]:
    """What keeps a source's test labels from those of the rows with these IDs."""
    fault = lacking(labels, "test_labels", ["id", "label"])
    if fault is not None or not isinstance(labels, pd.DataFrame):
        return [str(fault)]
    found: list[str] = []
    text_column(labels["id"], "test_labels", "id", found)
    values = label_column(labels["label"], "test_labels", found)
    if found:
        return found
    if not len(labels):
        return ["has no rows"]
    twice = sorted(set(labels["id"][labels["id"].duplicated()]))
    if twice:
        found.append(f"{len(twice)} IDs appear twice ({listed(twice)})")
    unknown = sorted(set(labels["id"]) - set(ids))
    if unknown:
        found.append(f"{len(unknown)} IDs are no test IDs of the run ({listed(unknown)})")
    outside = int(((values < 0) | (values >= classes)).sum())
    if outside:
        found.append(f"{outside} labels are outside 0..{classes - 1}")
    return found


def _of(origin: str, lines: Iterable[str]) -> Iterable[str]:
    return (f"{origin}: {line}" if origin else line for line in lines)


def _row_problems(table: Table, *, told: bool) -> Iterable[str]:
    """Args:
    told: faults were told before; a row without a label, or no row at all, may be one of them.
    """
    train = table.train
    if not len(train) and not told:
        yield "the training table has no rows"
    yield from _duplicates(train["id"], "training")
    if table.test is not None:
        yield from _duplicates(table.test["id"], "test")
        if not len(table.test) and not told:
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
    yield from _label_problems(table, told=told)


def _label_problems(table: Table, *, told: bool) -> Iterable[str]:
    train, classes = table.train, table.classes
    labels = train["label"]
    outside = train[((labels < 0) & ~((labels == -1) & told)) | (labels >= len(classes))]
    if len(outside) and (classes or not told):
        found = listed(f"{i}: {c}" for i, c in zip(outside["id"], outside["label"], strict=True))
        yield (
            f"the labels of {len(outside)} training rows are outside of the {len(classes)} "
            f"classes, 0 to {len(classes) - 1} ({found})"
        )
    label_of = train.drop_duplicates("id").set_index("id")["label"]
    children = train[train["parent"] != train["id"]]
    theirs = children["parent"].map(label_of)
    known = theirs.between(0, len(classes) - 1) & children["label"].between(0, len(classes) - 1)
    other = children[known & (theirs != children["label"])]
    if len(other):
        found = listed(
            f'{i} is "{classes[c]}", its parent {p} is "{classes[int(label_of[p])]}"'
            for i, c, p in zip(other["id"], other["label"], other["parent"], strict=True)
        )
        yield f"{len(other)} training rows have another label than their parent ({found})"


def _among(values: pd.Series[Any], known: pd.Series[Any]) -> pd.Series[Any]:
    """`values.isin(known)`; for pandas' own text columns that takes 10 microseconds a row."""
    return values.astype(object).isin(known.astype(object))


def _duplicates(ids: pd.Series[Any], which: str) -> Iterable[str]:
    twice = sorted(set(ids[ids.duplicated()]))
    if twice:
        yield f"{len(twice)} {which} IDs appear twice ({listed(twice)}); keep one row an ID"


def _class_problems(table: Table, folds: int, *, told: bool) -> Iterable[str]:
    """Classes are counted over originals: only they are validated."""
    if len(table.classes) < 2 and not (told and not table.classes):
        yield f"a classification needs two classes, the table has {len(table.classes)}"
    originals = table.train[table.train["parent"] == table.train["id"]]
    counts = originals["label"].value_counts()
    found = [(name, int(counts.get(label, 0))) for label, name in enumerate(table.classes)]
    if not told or any(count for _, count in found):  # else the labels are the fault, and told
        yield from _absent([name for name, count in found if not count])
        yield from _few([(name, count) for name, count in found if 0 < count < folds], folds)
    twins = sorted(name for name, count in Counter(table.classes).items() if count > 1)
    if twins:
        yield f"two classes have the same name ({listed(twins)})"


def _absent(names: list[str]) -> Iterable[str]:
    ways_out = "add images, or take it out of the classes (in meta.csv, say)"
    if len(names) == 1:
        yield f'class "{names[0]}" has no training image; {ways_out}'
    elif names:
        found = listed(f'"{name}"' for name in names)
        yield f"{len(names)} classes have no training image ({found}); {ways_out}"


def _few(classes: list[tuple[str, int]], folds: int) -> Iterable[str]:
    """Classes that cannot be in every fold."""
    if not classes:
        return
    rarest = sorted(classes, key=lambda item: item[1])
    name, fewest = rarest[0]
    lower = f"set split.folds = {fewest}, " if fewest > 1 else ""
    ways_out = f"{lower}merge it with another class, take it out, or add images"
    if len(classes) == 1:
        yield f'class "{name}" has {fewest} images, fewer than the {folds} folds; {ways_out}'
        return
    found = listed(f'"{name}" has {count}' for name, count in rarest)
    yield f"{len(classes)} classes have fewer images than the {folds} folds ({found}); {ways_out}"


def file_hashes(paths: Iterable[str]) -> dict[str, str | None]:
    """Content hash (32 hex digits) of every file; None where there is no readable file."""
    return content_digests(paths, ignore)


def fingerprint(table: Table, hashes: dict[str, str | None]) -> str:
    """Hash of IDs, labels, lineage, classes, file contents, of what a given split holds out and of
    which rows are near-duplicates; blind to order and location."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr(table.classes).encode())
    if HELD_OUT in table.train:
        digest.update(repr(sorted(table.train["id"][held_out(table.train)])).encode())
    if NEAR in table.train:
        groups = table.train.groupby(NEAR)["id"].agg(lambda ids: tuple(sorted(ids)))
        digest.update(repr([NEAR, *sorted(group for group in groups if len(group) > 1)]).encode())
    for row in table.train.itertuples(index=False):
        line = (row.id, int(row.label), row.parent, row.group, hashes[row.path])
        digest.update(repr(line).encode())
    if table.test is not None:
        for row in table.test.sort_values("id").itertuples(index=False):
            digest.update(repr((row.id, hashes[row.path])).encode())
    return digest.hexdigest()
