"""What joins training rows beside their lineage: near-duplicates, which `split.group = "auto"`
keeps together, and augmented copies whose lineage is missing, which stop the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from toolkit.contracts import Event, ImageSpec, Ints, Notify, Table
from toolkit.data.assignment import units
from toolkit.data.duplicates import CONTENT, NEAR
from toolkit.data.known import Known
from toolkit.data.looks import Looks, look_at
from toolkit.data.near import Pair, groups_of, near_duplicates
from toolkit.data.siblings import is_copy, pointing, spread
from toolkit.errors import listed


def with_near(
    table: Table, files: Mapping[str, str], spec: ImageSpec, known: Known, notify: Notify
) -> Table:
    """The table with the group of near-duplicates of each training row, the name of one of its
    contents. Copies that names point to are joined, too, however they are turned.

    Args:
        table: with contents.
        files: content hash to path.
    """
    looks = _looks(table.train, files, spec, known, notify)
    row_of = {content: row for row, content in enumerate(looks.contents)}
    pairs = list(near_duplicates(looks))
    rows = [row_of.get(content, -1) for content in table.train[CONTENT]]
    for one, other in pointing(list(table.train["id"])):
        a, b = rows[one], rows[other]
        if min(a, b) >= 0 and a != b and is_copy(looks, a, b):
            pairs.append(Pair(a, b, 0, 1.0))
    group = groups_of(pairs, len(looks))
    first = {int(g): looks.contents[row] for row, g in reversed(list(enumerate(group)))}
    near = [
        first[int(group[row])] if row >= 0 else i
        for row, i in zip(rows, table.train["id"], strict=True)
    ]
    table = replace(table, train=table.train.assign(**{NEAR: near}))
    notify(Event("message", joined_line(table.train)))
    return table


def joined_line(train: pd.DataFrame) -> str:
    """What `split.group = "auto"` joined, in words."""
    sizes = train.groupby(NEAR)[CONTENT].nunique()
    sizes = sizes[sizes > 1]
    if not len(sizes):
        return 'split.group = "auto": no near-duplicates among the training images'
    before, after = (len(np.unique(units(t))) for t in (train.drop(columns=NEAR), train))
    return (
        f'split.group = "auto": {int(sizes.sum()):,} training images are near-duplicates, in '
        f"{len(sizes):,} groups, the largest of {int(sizes.max())}; {before:,} units become "
        f"{after:,}"
    )


def near_facts(train: pd.DataFrame) -> dict[str, int]:
    """What `manifest.json` says of them."""
    sizes = train[NEAR].value_counts()
    return {"images": int(sizes[sizes > 1].sum()), "groups": int((sizes > 1).sum())}


def copies_problem(
    table: Table, files: Mapping[str, str], spec: ImageSpec, known: Known, notify: Notify
) -> str | None:
    """The line about augmented copies that nothing joins to what they were made from.

    Args:
        table: with contents.
        files: content hash to path.
    """
    found = unmarked_copies(table, files, spec, known, notify)
    if not found:
        return None
    named = [f"{copy} of {original}" for original, copy in found]
    return (
        f"{len(found)} training rows are copies of other rows by their names and their pixels "
        f"({listed(named)}), and no lineage says so: a copy would validate a model that trained on "
        "its original; name the originals in a column (data.parent_column), or set "
        'split.group = "auto", which keeps near-duplicates in one fold'
    )


def unmarked_copies(
    table: Table, files: Mapping[str, str], spec: ImageSpec, known: Known, notify: Notify
) -> list[tuple[str, str]]:
    """Original and copy of each, by their IDs: of at most so many pairs as `siblings.MOST`."""
    train = table.train
    ids, contents = train["id"].tolist(), train[CONTENT].tolist()
    unit: Ints = units(train)
    apart = [
        (one, other)
        for one, other in pointing(ids)
        if unit[one] != unit[other] and contents[one] in files and contents[other] in files
    ]
    apart = spread(apart)
    if not apart:
        return []
    rows = sorted({row for pair in apart for row in pair})
    looks = _looks(train.iloc[rows], files, spec, known, notify)
    row_of = {content: row for row, content in enumerate(looks.contents)}
    return [
        (ids[one], ids[other])
        for one, other in apart
        if contents[one] in row_of
        and contents[other] in row_of
        and is_copy(looks, row_of[contents[one]], row_of[contents[other]])
    ]


def _looks(
    rows: pd.DataFrame, files: Mapping[str, str], spec: ImageSpec, known: Known, notify: Notify
) -> Looks:
    own = {content: files[content] for content in rows[CONTENT] if content in files}
    return look_at(own, spec, known, notify)[0]
