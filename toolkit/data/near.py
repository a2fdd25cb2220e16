"""Near-duplicates: images that are copies of one another, recompressed, resized, brightened, turned
by quarters, mirrored, a little rotated or cropped.

Candidates are found by their hashes, every image against every other: 64 bits each, so that ten
thousand images take seconds. Their pixels decide (`resemblance`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.contracts import Floats, Ints
from toolkit.data.looks import Looks
from toolkit.data.resemblance import FORMS, PROBES, in_form, resemblance

VERSION = 1
"""Raise it when the same images give other near-duplicates: it is a part of the fingerprint."""

SURE = 0.92
"""Of `resemblance`: below it lie two texts on one form, above it copies, and pages that differ in
a word or a colour. Of 1,827 pages that share templates, the pairs around it were looked at."""

_BITS = 10  # of 64 in which the hashes of copies differ, at most
_COARSE = 0.7  # correlation at 32 px, below which no pixel is looked at
_AT_ONCE = 4096  # pairs
_ROWS = 256  # of the hashes that are compared at once
_MANY = 20_000  # images; of more, only unchanged hashes are compared, not those of probes
_EACH = 40  # candidates of an image whose pixels are looked at, the likeliest

_Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pair:
    """Two images that are near-duplicates."""

    one: int
    other: int
    form: int
    """How `other` is turned or mirrored to be like `one`: 0 not at all."""
    sure: float
    """0 to 1."""


def near_duplicates(
    looks: Looks, told: Callable[[int, int], None] | None = None
) -> tuple[Pair, ...]:
    """Every pair of near-duplicates among images of different content.

    Args:
        told: gets how many candidates were looked at, and of how many.
    """
    candidates = list(_likeliest(looks))
    pairs: list[Pair] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as crew:
        for done, pair in enumerate(crew.map(lambda c: _judged(looks, c), candidates), 1):
            if pair is not None:
                pairs.append(pair)
            if told is not None and done % 1000 == 0:
                told(done, len(candidates))
    best: dict[tuple[int, int], Pair] = {}
    for pair in pairs:
        known = best.get((pair.one, pair.other))
        if known is None or pair.sure > known.sure:
            best[pair.one, pair.other] = pair
    return tuple(best[key] for key in sorted(best))


def groups_of(pairs: Sequence[Pair], images: int) -> Ints:
    """The group of each image `(images,)`: those joined by pairs, directly or through others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.array([(p.one, p.other) for p in pairs], dtype=np.int64).reshape(-1, 2)
    edges = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(images, images))
    component: Ints = connected_components(edges, directed=False)[1].astype(np.int64)
    return component


@dataclass(frozen=True)
class _Candidate:
    one: int
    other: int
    form: int
    probe: int
    rough: float


def _likeliest(looks: Looks) -> Iterator[_Candidate]:
    """Pairs whose hashes are near, one for each pair and form, the likeliest of each image."""
    found: dict[tuple[int, int, int], _Candidate] = {}
    flat = looks.flat
    straight = looks.coarse(0)
    for probe in range(PROBES if len(looks) <= _MANY else 1):
        left = straight if probe == 0 else looks.coarse(probe)
        for form in range(FORMS):
            ones, others = _near(looks.hashes[:, FORMS + probe], looks.hashes[:, form])
            kept = (ones != others) & ~flat[ones] & ~flat[others]
            if probe == 0:
                kept &= ones < others  # the other order is the inverse form
            ones, others = ones[kept], others[kept]
            rough = _correlated(left, straight[:, _order_of(form)], ones, others)
            likely = rough > _COARSE
            for one, other, value in zip(
                ones[likely].tolist(), others[likely].tolist(), rough[likely].tolist(), strict=True
            ):
                known = found.get((one, other, form))
                if known is None or value > known.rough:
                    found[one, other, form] = _Candidate(one, other, form, probe, value)
    per_image: dict[int, list[_Candidate]] = {}
    for candidate in found.values():
        per_image.setdefault(candidate.one, []).append(candidate)
    for _, own in sorted(per_image.items()):
        yield from sorted(own, key=lambda c: (-c.rough, c.other, c.form))[:_EACH]


def _order_of(form: int) -> _Rows:
    """Of the values of a 32 px picture in a form, where they are in the picture `(1024,)`."""
    places = np.arange(32 * 32).reshape(32, 32)
    return np.asarray(in_form(places, form).ravel(), dtype=np.int64)


def _correlated(left: Floats, right: Floats, ones: _Rows, others: _Rows) -> Floats:
    found = np.empty(len(ones), dtype=np.float32)
    for start in range(0, len(ones), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        found[rows] = np.einsum("ij,ij->i", left[ones[rows]], right[others[rows]])
    return found


def _near(some: npt.NDArray[np.uint64], all_: npt.NDArray[np.uint64]) -> tuple[_Rows, _Rows]:
    """Rows of both whose bits differ in no more than `_BITS`."""

    def of_rows(start: int) -> tuple[_Rows, _Rows]:
        apart = np.bitwise_count(some[start : start + _ROWS, None] ^ all_[None])
        rows, columns = np.nonzero(apart <= _BITS)
        return rows + start, columns

    with ThreadPoolExecutor(os.cpu_count() or 1) as crew:
        parts = list(crew.map(of_rows, range(0, len(some), _ROWS)))
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _judged(looks: Looks, candidate: _Candidate) -> Pair | None:
    one, other = looks.picture(candidate.one), looks.picture(candidate.other)
    sure = resemblance(one, in_form(other, candidate.form), candidate.probe)
    if sure < SURE:
        return None
    first, second = sorted((candidate.one, candidate.other))
    form = candidate.form if first == candidate.one else _inverse(candidate.form)
    return Pair(first, second, form, sure)


def _inverse(form: int) -> int:
    """A quarter turn is undone by three, a mirror image by itself."""
    return form if form >= 4 else (4 - form) % 4
