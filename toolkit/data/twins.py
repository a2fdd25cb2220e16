"""Twins: frozen degraded copies of the validation images, drawn once and kept in the cache.

A twin is made from the file at its own resolution, as a scanner or a camera would have met it, and
only then brought to the working size. It depends on the content of the file, the component and its
options, the seed and its number, on nothing else: every model of every run is asked the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.contracts import Augmentation, Image, ImageSpec, Ints, Notify, Table
from toolkit.data.augment import as_callable, build_augmentation
from toolkit.data.cache import build_pack
from toolkit.data.duplicates import CONTENT
from toolkit.data.given import validated
from toolkit.data.images import read_image, to_working
from toolkit.data.pack import Pack
from toolkit.errors import DataError
from toolkit.files import bounded
from toolkit.recipe.plan import Choice
from toolkit.recipe.scores import ROBUST

_STREAM = 3  # apart from the generators of the augmentations, online and offline


@dataclass(frozen=True)
class Twins:
    """The twins of a table's validation images."""

    pack: Pack
    rows: Ints
    """Row of the pack for each training row of the table and each twin, (n, count); -1 where the
    row never validates."""
    drawn: str
    """32 hex digits over what a twin depends on beside its image."""

    @property
    def digest(self) -> str:
        """32 hex digits over all twins: how they are drawn, and of which contents."""
        return _digest([self.drawn, sorted(self.pack.index)])

    @property
    def variants(self) -> tuple[str, ...]:
        """What predictions files call them: `robust`, `robust.2`, ..."""
        return tuple(
            ROBUST if n == 1 else f"{ROBUST}.{n}" for n in range(1, 1 + self.rows.shape[1])
        )


@dataclass(frozen=True)
class _Draw:
    """Draws one twin, in whatever process. Pickles without the augmentation that it builds."""

    build: Callable[[ImageSpec], Any]
    spec: ImageSpec
    seed: int

    @cached_property
    def degrade(self) -> Augmentation:
        return as_callable(self.build(self.spec))

    def __call__(self, item: tuple[str, str, int]) -> Image:
        path, content, number = item

        def made() -> Image:
            rng = np.random.default_rng((self.seed, _STREAM, int(content, 16), number))
            image = np.array(read_image(path, self.spec).image)
            return to_working(self.degrade(image, rng), self.spec)

        return bounded(made, path)

    def __getstate__(self) -> dict[str, object]:
        return {"build": self.build, "spec": self.spec, "seed": self.seed}


def draw_twins(
    choice: Choice,
    count: int,
    seed: int,
    table: Table,
    spec: ImageSpec,
    folder: Path,
    notify: Notify,
) -> Twins:
    """Draw the twins of every row that validates, on all cores, or find them drawn.

    Args:
        choice: what degrades.
        count: twins of each image.
        table: checked, with the content of each file.
        spec: by which the images were decoded.
        folder: the cache folder.

    Raises `DataError` where a file is gone since it was checked, or the component gives no image.
    """
    facts = {
        "use": choice.use,
        "version": choice.entry.version,
        "code": choice.code,
        "options": dict(choice.options),
    }
    drawn = {"twins": facts, "seed": seed}
    train = table.train
    wanted = np.flatnonzero(validated(train))
    contents, paths = train[CONTENT].to_numpy()[wanted], train["path"].to_numpy()[wanted]
    # Files with the same content are one image, and have the same twins.
    items = {
        f"{content}/{number}": (str(path), content, number)
        for content, path in zip(contents, paths, strict=True)
        for number in range(count)
    }
    draw = _Draw(partial(build_augmentation, choice), spec, seed)
    pack, faults = build_pack(items, draw, spec, notify, folder, facts=drawn)
    if pack is None:
        raise DataError(*sorted(set(faults.values())))
    rows = np.full((len(train), count), -1, dtype=np.int64)
    names = (f"{content}/{number}" for content in contents for number in range(count))
    rows[wanted] = pack.rows(names).reshape(-1, count)
    return Twins(pack, rows, _digest([drawn, count, repr(spec)]))


def _digest(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
