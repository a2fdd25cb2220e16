"""Augmented copies without lineage: rows whose names point to other rows (`0123_aug2.jpg` to
`0123.jpg`), and whose pixels say the same. Names alone say nothing: `page_1_2` may be a page."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

import numpy as np

from toolkit.data.features import NAMES
from toolkit.data.looks import Looks
from toolkit.data.resemblance import FORMS, in_form, resemblance, turned_resemblance

SURE = 0.75
"""Of `resemblance`: the names say it, too."""
MOST = 400
"""Pairs whose pixels are looked at, spread over all."""

_CUT = re.compile(r"[\s_\-.(]+")
_CUTS = 3
_MADE = re.compile(
    r"aug|copy|crop|flip|rot|turn|mirror|noise|noisy|blur|bright|dark|contrast|jitter|shift|zoom|"
    r"scale|warp|gamma|transf|variant|synth|version|^v\d",
    re.IGNORECASE,
)
_BITS = 6


def pointing(ids: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of rows, the second named as made from the first, or both from a third that is gone."""
    stems = [_stem(i) for i in ids]
    rows = {stem: row for row, stem in reversed(list(enumerate(stems)))}
    orphans: dict[str, list[int]] = defaultdict(list)
    for row, stem in enumerate(stems):
        bases = [stem[: cut.start()] for cut in list(_CUT.finditer(stem))[-_CUTS:] if cut.start()]
        known = next((rows[base] for base in reversed(bases) if base in rows), None)
        if known is not None and known != row:
            yield known, row
            continue
        made = next((base for base in bases if _MADE.search(stem[len(base) :])), None)
        if made is not None:
            orphans[made].append(row)
    for own in orphans.values():
        yield from pairwise(own)


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix else name


def spread(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """At most `MOST` of them."""
    if len(pairs) <= MOST:
        return list(pairs)
    return [pairs[k] for k in np.linspace(0, len(pairs) - 1, MOST).round().astype(int)]


def is_copy(looks: Looks, one: int, other: int) -> bool:
    """Whether two images are copies of one, however turned."""
    first, second = looks.picture(one), looks.picture(other)
    apart = np.bitwise_count(looks.hashes[one, FORMS] ^ looks.hashes[other, :FORMS])
    form = int(apart.argmin())
    if apart[form] <= 2 * _BITS and resemblance(first, in_form(second, form)) >= SURE:
        return True
    shapes = _shape(looks, one), _shape(looks, other)
    return turned_resemblance(first, second, *shapes) >= SURE


def _shape(looks: Looks, row: int) -> tuple[float, float]:
    """Width and height, pixels."""
    size, aspect = (float(looks.features[row, NAMES.index(n)]) for n in ("size", "aspect"))
    return 2 ** (size + aspect / 2), 2 ** (size - aspect / 2)
