"""Class folders with folders in them that may be the classes, or splits."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolkit.builtin.splits import role_of
from toolkit.errors import DataError, listed

PARTS = re.compile(
    r"(part|batch|chunk|shard|split|fold|dir|folder|page|set|size|res|scale|images?|imgs?)"
    r"[\W_]*\d+(px)?$|\d+x\d+(px)?$",
    re.IGNORECASE,
)
"""Names of parts of one set, or of its sizes."""


def refuse_nested(label_of: Mapping[str, str], places: Sequence[str], root: Path) -> None:
    """Raises `DataError` where the folders in class folders may be the classes, or are splits.

    Args:
        places: the folders that hold the class folders, below the root.
    """
    heads = [f"{place}/" if place else "" for place in places]
    inner: dict[str, set[str]] = defaultdict(set)
    for name, label in label_of.items():
        head = next(head for head in heads if name.startswith(f"{head}{label}/"))
        below = name[len(head) + len(label) + 1 :].split("/")[:-1]
        inner[label].add(below[0] if below else "")
    stems: dict[str, set[str]] = defaultdict(set)
    for name, label in label_of.items():
        stems[label].add(name.rpartition("/")[2].rpartition(".")[0])
    classes = sorted(set(label_of.values()))
    for one in (c for c in classes if role_of(c) is not None):
        copies = [
            c
            for c in classes
            if PARTS.search(c) and len(stems[c] & stems[one]) > 0.9 * len(stems[one])
        ]
        if copies:
            raise DataError(
                f"{root}: the folder {one} may be a split, and a class beside {listed(copies)}, "
                "whose files have the same names; move what is no class elsewhere; if all are "
                "classes: --source folder"
            )
    means = "; to train on all that lies below each as one class: --source folder"
    nesting = [c for c in classes if inner[c] & (set(classes) - {c})]
    if nesting:
        raise DataError(
            f"{root}: {listed(nesting)} holds folders that are called as those beside it "
            f"({listed(sorted(inner[nesting[0]]))}): the images once more, or other splits; move "
            f"it elsewhere{means}"
        )
    split = [c for c in classes if "train" in map(role_of, inner[c])]
    if split:
        raise DataError(
            f"{root}: the class folders {listed(split)} hold splits "
            f"({listed(sorted(inner[split[0]]))}), which are read above classes alone: move them, "
            f"to train/{split[0]}/{means}"
        )
    shared = [c for c in classes if len(inner[c]) > 1 and inner[c] == inner[classes[0]]]
    if len(shared) < 2 or len(shared) < len(classes) or "" in inner[classes[0]]:
        return
    same = sorted(inner[classes[0]])
    raise DataError(
        f"{root}: {listed(classes)} hold the same folders ({listed(same)}): which of both are the "
        f"classes cannot be told; point to one of them, or move the images to one folder a class"
        f"{means}"
    )
