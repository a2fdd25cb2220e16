"""The reading in which file names say the labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from toolkit.builtin.class_folders import Layout
from toolkit.builtin.folder_source import NUMBERED
from toolkit.builtin.formats import names_an_image
from toolkit.builtin.splits import role_of
from toolkit.check.companions import test_options
from toolkit.check.inventory import Inventory
from toolkit.check.reading import Reading
from toolkit.check.tables import TableSeen
from toolkit.check.vocabulary import CAMERAS


def name_labels(inventory: Inventory, layout: Layout) -> dict[str, str]:
    """The label that each file's name says, below the root; empty where names say none."""
    tested = f"{layout.test}/" if layout.test else None
    head = f"{layout.train}/" if layout.train else ""
    names = [head + name for name in inventory.below(layout.train)]
    names = [name for name in names if tested is None or not name.startswith(tested)]
    if len({name.rpartition("/")[0] for name in names}) > 1:
        return {}  # what the folders mean is not known
    labels = {name: _label_in(name) for name in names}
    counts = Counter(labels.values())
    odd = "" in counts or any(
        label.casefold().strip("_- ") in CAMERAS or role_of(label) is not None for label in counts
    )
    if odd or len(counts) < 2 or min(counts.values()) < 2 or len(counts) > 0.3 * len(labels):
        return {}
    return labels


def _label_in(name: str) -> str:
    stem = name.rpartition("/")[2]
    stem = stem.rpartition(".")[0] if names_an_image(stem) else stem
    found = re.fullmatch(NUMBERED, stem)
    return found["label"].strip() if found else ""


def name_reading(
    labels: dict[str, str], layout: Layout, tables: Sequence[TableSeen], inventory: Inventory
) -> Reading:
    """The options of the source `folder` where file names say the classes, and why."""
    options, lines = test_options(tables, None, labels.keys(), inventory, None)
    options.pop("test_images", None)
    options["leave"] = list(inventory.leave) or None
    example = next(iter(labels))
    why = [
        f"label: from the file names in {layout.train or '.'}/, such as {example}; no table and "
        "no folder says it",
        *lines,
    ]
    return Reading("folder", {"labels": "names", **options}, tuple(why), frozenset(labels))
