"""Offline augmentation: copies of the training originals, drawn once and kept in the cache.

Copies never enter the table. A fold adds those of its own training originals, so no copy can
validate, and none can stand on the other side of a split from its parent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from toolkit.contracts import Augmentation, Image, ImageSpec, Ints, Notify, Table
from toolkit.data.assignment import split_rows
from toolkit.data.augment import as_callable, build_augmentation
from toolkit.data.cache import build_pack
from toolkit.data.check import Data
from toolkit.data.given import held_out
from toolkit.data.images import to_working
from toolkit.data.pack import Pack
from toolkit.data.shares import copies_each
from toolkit.errors import DataError
from toolkit.recipe.offline import Offline
from toolkit.recipe.plan import Plan

_STREAM = 2  # apart from the generators of online augmentation, whose seeds start otherwise


@dataclass(frozen=True)
class Copies:
    """The copies of a table's originals."""

    pack: Pack
    rows: Ints
    """Row of the pack for each row of the table and each copy, (n, copies); -1 where the row is
    no original and has none."""


@dataclass(frozen=True)
class _Draw:
    """Draws one copy, in whatever process. Pickles without the augmentation that it builds."""

    build: Callable[[ImageSpec], Any]
    source: Pack
    spec: ImageSpec
    seed: int

    @cached_property
    def augment(self) -> Augmentation:
        return as_callable(self.build(self.spec))

    def __call__(self, item: tuple[int, str, int]) -> Image:
        row, content, copy = item
        # The generator depends on the image, not on its place: other rows change nothing.
        rng = np.random.default_rng((self.seed, _STREAM, int(content, 16), copy))
        image = self.augment(np.array(self.source.images[row]), rng)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise DataError(
                f"augment.offline gives {image.dtype} {image.shape}, expected uint8 "
                "(height, width, 3)"
            )
        side = self.spec.working_size
        return image if image.shape[:2] == (side, side) else to_working(image, self.spec)

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "augment"}


def draw_copies(
    source: Pack,
    rows: Ints,
    originals: Ints,
    build: Callable[[ImageSpec], Any],
    facts: Mapping[str, Any],
    copies: int | Ints,
    spec: ImageSpec,
    seed: int,
    folder: Path,
    notify: Notify,
) -> Copies:
    """Draw `copies` of every original, or find them drawn.

    Args:
        copies: of all originals, or of each of them.
        source: the decoded images.
        rows: row of `source` for each row of the table (n,).
        originals: rows of the table that are originals.
        build: builds the augmentation for a spec; pickles.
        facts: the component, its version, code and options: what the pixels depend on.
        folder: the cache folder.

    Raises `DataError` where the augmentation gives no image.
    """
    contents = {row: content for content, row in source.index.items()}
    packed = {contents[row]: row for row in rows[originals].tolist()}
    wanted = np.broadcast_to(copies, originals.shape)
    # Rows of the same content do not share their copies: theirs are the next numbers.
    numbers, counts = {}, Counter[str]()
    for row, place, count in zip(originals.tolist(), rows[originals].tolist(), wanted, strict=True):
        content = contents[place]
        numbers[row] = [f"{content}/{counts[content] + copy}" for copy in range(count)]
        counts[content] += int(count)
    items = {
        f"{c}/{copy}": (packed[c], c, copy) for c, count in counts.items() for copy in range(count)
    }
    pack, faults = build_pack(
        items,
        _Draw(build, source, spec, seed),
        spec,
        notify,
        folder,
        facts={"offline": dict(facts), "seed": seed},
    )
    if pack is None:
        raise DataError(*sorted(set(faults.values())))
    table = np.full((len(rows), int(wanted.max(initial=0))), -1, dtype=np.int64)
    if numbers:
        found = pack.rows(name for names in numbers.values() for name in names)
        own = np.repeat(originals, wanted)
        table[own, np.concatenate([np.arange(count) for count in wanted])] = found
    return Copies(pack, table)


def offline_copies(
    plan: Plan, data: Data, folds: Callable[[], pd.DataFrame], notify: Notify
) -> Copies | None:
    """The copies of a plan's training originals, as many as any of its folds trains on; None where
    the recipe asks for none, or where no class lacks any.

    Args:
        folds: gives `id, parent, group, fold`, as `assign_folds` cuts them; asked where the number
            of copies hangs on them.
    """
    if plan.offline is None:
        return None
    choice, table = plan.choice("augment", "offline"), data.table
    if plan.offline.balance_to is None:
        need = fold_copies(table, np.arange(len(table.train)), plan.offline)
        need[held_out(table.train)] = 0
    else:
        need = np.zeros(len(table.train), dtype=np.int64)
        cut = folds()
        for fold in range(plan.folds):
            rows, _ = split_rows(table, cut, fold)
            need[rows] = np.maximum(need[rows], fold_copies(table, rows, plan.offline))
    originals = np.flatnonzero(need)
    if not len(originals):
        return None
    return draw_copies(
        data.pack,
        data.train_rows,
        originals,
        partial(build_augmentation, choice),
        {
            "use": choice.use,
            "version": choice.entry.version,
            "code": choice.code,
            "options": dict(choice.options),
        },
        need[originals],
        data.image,
        plan.seed,
        data.pack.cache,
        notify,
    )


def fold_copies(table: Table, rows: Ints, offline: Offline) -> Ints:
    """Copies of each of a fold's training rows.

    Args:
        rows: of the table.
    """
    train = table.train.iloc[rows]
    original = (train["parent"] == train["id"]).to_numpy()
    return copies_each(train["label"].to_numpy(), original, offline)


@dataclass(frozen=True)
class Joined:
    """Two packs as one: rows of the second follow those of the first."""

    first: Pack
    second: Pack

    @property
    def images(self) -> Joined:
        return self

    def __getitem__(self, row: int) -> Image:
        count = self.first.shape[0]
        image: Image = self.first.images[row] if row < count else self.second.images[row - count]
        return image
