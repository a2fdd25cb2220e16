"""Near-duplicates in the light of a table: which would leak across folds, which contradict each
other's labels, and which are in the test set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from toolkit.contracts import Ints, Table
from toolkit.data.assignment import units
from toolkit.data.duplicates import CONTENT
from toolkit.data.looks import Looks
from toolkit.data.near import Pair

_TURNS = {
    0: "",
    1: "turned by a quarter",
    2: "upside down",
    3: "turned by a quarter",
    4: "mirrored",
    5: "mirrored and turned",
    6: "mirrored upside down",
    7: "mirrored and turned",
}


@dataclass(frozen=True)
class Alike:
    """Two rows whose images are near-duplicates."""

    one: str
    other: str
    one_path: str
    other_path: str
    how: str
    """How the other is turned; empty where it is not."""
    sure: float
    labels: tuple[str, str] | None = None
    """Where both are training rows, and these differ."""

    def __str__(self) -> str:
        how = f", {self.how}" if self.how else ""
        labels = ' "{}" and "{}"'.format(*self.labels) if self.labels else ""
        return f"{self.other} of {self.one}{how}{labels}"


@dataclass(frozen=True)
class NearFound:
    """The near-duplicates of a table, files with equal content left out."""

    apart: tuple[Alike, ...] = ()
    """Pairs of training rows that no lineage joins."""
    conflicts: tuple[Alike, ...] = ()
    """Pairs of training rows with different labels."""
    test: tuple[Alike, ...] = ()
    """A test row and the training row that is most like it."""
    joined: int = 0
    """Pairs of training rows that lineage joins already."""


def near_found(table: Table, looks: Looks, pairs: Iterable[Pair]) -> NearFound:
    """Sort the pairs by what they do.

    Args:
        table: with contents.
    """
    train, test = table.train, table.test
    unit: Ints = units(train)
    rows: dict[str, list[int]] = {}
    for row, content in enumerate(train[CONTENT]):
        rows.setdefault(content, []).append(row)
    tests: dict[str, list[int]] = {}
    if test is not None:
        for row, content in enumerate(test[CONTENT]):
            tests.setdefault(content, []).append(row)
    ids, paths = train["id"].tolist(), train["path"].tolist()
    names = dict(enumerate(table.classes))
    labels = [names.get(label, f"label {label}") for label in train["label"]]
    apart, conflicts, leaks, joined = [], [], dict[str, Alike](), 0
    for pair in sorted(pairs, key=lambda p: -p.sure):
        contents = looks.contents[pair.one], looks.contents[pair.other]
        ours = [rows.get(content, []) for content in contents]
        if ours[0] and ours[1]:
            a, b = sorted((ours[0][0], ours[1][0]))
            differ = (labels[a], labels[b]) if labels[a] != labels[b] else None
            how = _TURNS[pair.form]
            alike = Alike(ids[a], ids[b], paths[a], paths[b], how, pair.sure, differ)
            conflicts += [alike] if differ else []
            if unit[a] == unit[b]:
                joined += 1
            else:
                apart.append(alike)
        for side in (0, 1):
            for row in tests.get(contents[1 - side], []):
                if test is None or not ours[side] or contents[1 - side] in rows:
                    continue
                a, i = ours[side][0], str(test["id"].iloc[row])
                path = str(test["path"].iloc[row])
                leaks.setdefault(i, Alike(ids[a], i, paths[a], path, _TURNS[pair.form], pair.sure))
    return NearFound(tuple(apart), tuple(conflicts), tuple(leaks.values()), joined)


def units_after(table: Table, found: NearFound) -> tuple[int, int]:
    """Units of the training rows, as they are and with near-duplicates joined."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    unit = units(table.train)
    of = dict(zip(table.train["id"], unit.tolist(), strict=True))
    ends = np.array([(of[a.one], of[a.other]) for a in found.apart], dtype=np.int64).reshape(-1, 2)
    count = int(unit.max()) + 1 if len(unit) else 0
    edges = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return count, int(connected_components(edges, directed=False)[0])
