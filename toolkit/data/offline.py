"""Offline augmentation: copies of the training originals, drawn once and kept in the cache.

Copies never enter the table. A fold adds those of its own training originals, so no copy can
validate, and none can stand on the other side of a split from its parent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.contracts import Augmentation, Image, ImageSpec, Ints, Notify
from toolkit.data.augment import as_callable
from toolkit.data.cache import build_pack
from toolkit.data.images import to_working
from toolkit.data.pack import Pack
from toolkit.errors import DataError

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
    processes: int | None = None,
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
        processes: that draw; by default one a core.

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
        processes,
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
