"""The doctor: looks at all that a recipe reads, and says what is wrong with it. It changes nothing
and stops at nothing; `toolkit run` stops where it must."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from toolkit.check.findings import (
    Classes,
    Finding,
    Seen,
    class_findings,
    group_findings,
    leak_findings,
    shift_findings,
    table_findings,
    weigh,
)
from toolkit.check.near import NearFound, near_found
from toolkit.check.patch import patch_of
from toolkit.check.shift import Shift, shift_of
from toolkit.check.sizes import Sizes, size_lines, sizes_of
from toolkit.check.spurious import Link, links_of
from toolkit.contracts import Event, Floats, Ints, Notify, Table
from toolkit.data.assignment import units
from toolkit.data.depth import resolve_depth
from toolkit.data.digests import content_digests
from toolkit.data.duplicates import CONTENT, with_contents
from toolkit.data.form import Gap
from toolkit.data.given import training
from toolkit.data.kin import unmarked_copies
from toolkit.data.known import Known
from toolkit.data.looks import look_at
from toolkit.data.near import groups_of, near_duplicates
from toolkit.data.rare import table_for
from toolkit.files import why_unreadable
from toolkit.recipe.plan import Plan


@dataclass(frozen=True)
class Checkup:
    """What the doctor found."""

    table: Table
    findings: tuple[Finding, ...]
    classes: Classes
    near: NearFound
    links: tuple[Link, ...]
    sizes: Sizes | None
    shift: Shift | None
    patch: Mapping[str, object] = field(default_factory=dict)
    """Dotted keys of the recipe and the values that are proposed."""

    @property
    def grave(self) -> int:
        return sum(finding.weight == "grave" for finding in self.findings)


def examine(plan: Plan, cache: Path, notify: Notify) -> Checkup:
    """Look at a plan's table and at every image.

    Raises `DataError` where the source cannot read its table at all.
    """
    for line in plan.notes:
        notify(Event("message", line))
    seen = see(plan, cache, notify)
    table = seen.table
    notify(Event("message", "looking for near-duplicates"))
    pairs = near_duplicates(seen.looks)
    near = near_found(table, seen.looks, pairs)
    row_of = {content: row for row, content in enumerate(seen.looks.contents)}
    group = groups_of(pairs, len(seen.looks))
    train = table.train
    original = _looked_at(table, row_of)
    rows = np.array([row_of[c] for c in train[CONTENT][original]], dtype=np.int64)
    near_unit = _joined(units(train)[original], group[rows])
    features = seen.looks.features[rows]
    labels = train["label"].to_numpy()[original]
    links = links_of(features, labels, near_unit)
    sizes = sizes_of(features, plan.image) if len(features) else None
    notify(Event("message", "comparing training and test images"))
    shift = _shift(train[CONTENT][original].tolist(), seen, features, near_unit, group, row_of)
    classes = _classes(table, labels, near_unit)
    copies = unmarked_copies(table, seen.files, seen.image, seen.known, notify)
    findings = [
        *table_findings(seen),
        *leak_findings(seen, near, copies),
        *group_findings(plan),
        *class_findings(plan, classes),
        *(Finding("links", x.sentence(table.classes), weigh(grave=x.grave)) for x in links),
        *(Finding("sizes", line, "note") for line in size_lines(sizes, plan.image)),
        *shift_findings(table, shift),
    ]
    order = {"grave": 0, "note": 1, "good": 2}
    findings.sort(key=lambda finding: order[finding.weight])
    patch = dict(patch_of(plan, near, bool(copies), sizes, shift))
    return Checkup(table, tuple(findings), classes, near, links, sizes, shift, patch)


def see(plan: Plan, cache: Path, notify: Notify) -> Seen:
    table = table_for(plan, notify)
    for note in table.notes:
        notify(Event("message", note))
    known = Known(cache, notify)
    tested = [] if table.test is None else table.test["path"].tolist()
    paths = [path for path in (*table.train["path"], *tested) if not isinstance(path, Gap)]
    digests = content_digests(paths, notify, known)
    files = {content: path for path, content in digests.items() if content is not None}
    trained = ((digests.get(path), path) for path in training(table.train)["path"])
    depths = {content: path for content, path in trained if content is not None}
    image = resolve_depth(depths, plan.image, known, notify)
    notify(Event("message", f"looking at {len(files):,} images"))
    looks, unread = look_at(files, image, known, notify)
    faults = {path: f"{path}: {why_unreadable(path)}" for path in paths if digests[path] is None}
    for path in paths:
        content = digests[path]
        if content in unread:
            faults[path] = path + unread[content].removeprefix(files[content])
    return Seen(plan, with_contents(table, digests), files, image, looks, faults, known)


def _looked_at(table: Table, contents: Collection[str]) -> npt.NDArray[np.bool_]:
    """Which training rows are originals of a class that there is, and can be read `(n,)`."""
    train = table.train
    known = train["label"].between(0, len(table.classes) - 1)
    looked_at = (train["parent"] == train["id"]) & train[CONTENT].isin(list(contents)) & known
    found: npt.NDArray[np.bool_] = looked_at.to_numpy(dtype=bool)
    return found


def _joined(unit: Ints, group: Ints) -> Ints:
    """Units that near-duplicates join `(n,)`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(unit):
        return unit
    first, count = int(unit.max()) + 1, int(unit.max()) + int(group.max()) + 2
    edges = coo_array((np.ones(len(unit)), (unit, group + first)), shape=(count, count))
    found: Ints = connected_components(edges, directed=False)[1][unit].astype(np.int64)
    return found


def _shift(
    contents: Sequence[str],
    seen: Seen,
    features: Floats,
    unit: Ints,
    group: Ints,
    row_of: Mapping[str, int],
) -> Shift | None:
    test = seen.table.test
    if test is None or not len(features):
        return None
    rows = np.array([row_of[c] for c in test[CONTENT] if c in row_of], dtype=np.int64)
    # A test image that is a near-duplicate of a training image is of its unit.
    train_group: dict[int, int] = {}
    for content, own in zip(contents, unit.tolist(), strict=True):
        train_group.setdefault(int(group[row_of[content]]), own)
    first = int(unit.max()) + 1
    of_test = [train_group.get(int(group[row]), first + int(group[row])) for row in rows]
    return shift_of(features, seen.looks.features[rows], unit, np.array(of_test, dtype=np.int64))


def _classes(table: Table, labels: Ints, unit: Ints) -> Classes:
    count = len(table.classes)
    images = np.bincount(labels, minlength=count)
    own = [len(np.unique(unit[labels == label])) for label in range(count)]
    return Classes(table.classes, tuple(int(n) for n in images[:count]), tuple(own))
