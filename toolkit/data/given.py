"""A validation split that came with the data: joined to training, or held out as it was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.builtin.splits import SPLIT, WhileJoined, role_of
from toolkit.contracts import Table
from toolkit.errors import listed
from toolkit.plugin.schema import toml_text

HELD_OUT = "held_out"
"""The column of a table whose validation split is used as it was given: whether a row is in it."""

Flags = npt.NDArray[np.bool_]


def with_split(table: Table, given: str) -> Table:
    """The table as `split.given` asks for it, and a note of what becomes of the split.

    Args:
        given: the split that validates; "" joins it to training.
    """
    if not given:
        joined = list(joined_note(table))
        train = table.train.drop(columns=SPLIT, errors="ignore")
        return replace(table, train=train, notes=(*table.notes, *joined))
    held, problem = _named(table.train, given)
    train = table.train.drop(columns=SPLIT, errors="ignore").assign(**{HELD_OUT: held})
    notes = tuple(note for note in table.notes if not isinstance(note, WhileJoined))
    if problem:
        return replace(table, train=train, notes=notes, problems=(*table.problems, problem))
    line = (
        f"split.given = {toml_text(given)}: the {int(held.sum())} rows of that split validate, in "
        f"one fold; the other {int((~held).sum())} train"
    )
    return replace(table, train=train, notes=(*notes, line))


def joined_note(table: Table) -> Iterator[str]:
    """What becomes of a validation split that nobody asked to keep apart, where the source of the
    table does not say it."""
    if SPLIT not in table.train or any(isinstance(note, WhileJoined) for note in table.notes):
        return
    counts = table.train[SPLIT].value_counts()
    apart = {name: int(n) for name, n in counts.items() if role_of(str(name)) != "train"}
    if apart and len(counts) > 1:
        named = listed(f"{n} of {name}" for name, n in apart.items())
        yield WhileJoined(
            f"rows of other splits ({named}) are joined to training; the folds validate, and "
            f"{way_to_use(next(iter(apart)))}"
        )


def way_to_use(split: str) -> str:
    """How a recipe asks for a split as it was given."""
    return f"[split] given = {toml_text(split)} validates on them alone"


def _named(train: pd.DataFrame, given: str) -> tuple[Flags, str]:
    """The rows of a split: of that very name, else of a name that means the same; and what is
    wrong where there are none."""
    none = np.zeros(len(train), dtype=bool)
    wanted = f"split.given = {toml_text(given)}: "
    if SPLIT not in train:
        return none, (
            f"{wanted}the data came in no splits; name its column (data.split_column), its table "
            "(data.valid) or its folder (data.valid), or leave split.given out"
        )
    names = train[SPLIT]
    if (names == given).any():
        return (names == given).to_numpy(), ""
    role = role_of(given)
    meant = [name for name in names.unique() if role is not None and role_of(name) == role]
    if meant:
        return names.isin(meant).to_numpy(), ""
    there = listed(f"{name} ({count} rows)" for name, count in names.value_counts().items())
    return none, f"{wanted}no row that trains or validates has that split; there are {there}"


def held_out(train: pd.DataFrame) -> Flags:
    """Which training rows a given split holds out `(n,)`; none where folds validate."""
    if HELD_OUT not in train:
        return np.zeros(len(train), dtype=bool)
    flags: Flags = train[HELD_OUT].to_numpy(dtype=bool)
    return flags


def validated(train: pd.DataFrame) -> Flags:
    """Which rows are validated `(n,)`: originals, and of a given split its own alone."""
    original: Flags = (train["parent"] == train["id"]).to_numpy()
    return original & held_out(train) if HELD_OUT in train else original


def training(train: pd.DataFrame) -> pd.DataFrame:
    """The rows that train: all of them in turn where folds validate."""
    return train[~held_out(train)]


def split_problems(table: Table) -> Iterable[str]:
    """What keeps a given split from being used, but for single classes."""
    train = table.train
    if HELD_OUT not in train or not held_out(train).any():
        return  # folds validate, or the name is the fault, and told
    if not validated(train).any():
        yield "split.given: every row of that split was made from another; only originals validate"
    if held_out(train).all():
        yield "split.given: every row is in that split, and none is left to train on"


def untrained(table: Table) -> dict[int, int]:
    """Label and count of the classes of a given split that no training row has."""
    held = held_out(table.train)
    if held.all():
        return {}  # told as such
    labels: Any = table.train["label"].to_numpy()
    counts = pd.Series(labels[held]).value_counts()
    missing = set(labels[held].tolist()) - set(labels[~held].tolist()) - {-1}
    return {int(label): int(counts[label]) for label in sorted(missing)}


def untrained_problems(table: Table) -> Iterable[str]:
    """A line where classes occur in the given split alone."""
    missing = untrained(table)
    if missing:
        classes = "class occurs" if len(missing) == 1 else "classes occur"
        yield (
            f"{len(missing)} {classes} in the given validation split alone, with no image to "
            f"train on ({named_counts(table, missing)}); add training images"
        )


def named_counts(table: Table, counts: dict[int, int]) -> str:
    """`"b" has 1, "c" has 2`, the rarest first."""
    rarest = sorted(counts.items(), key=lambda item: item[1])
    return listed(f'"{table.classes[label]}" has {count}' for label, count in rarest)
