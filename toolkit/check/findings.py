"""What the doctor has to say, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from toolkit.check.columns import is_group_name, repeats
from toolkit.check.near import NearFound, units_after
from toolkit.check.shift import Shift
from toolkit.contracts import ImageSpec, Table
from toolkit.data.duplicates import duplicates_of
from toolkit.data.known import Known
from toolkit.data.leaks import leaks_of
from toolkit.data.looks import Looks
from toolkit.data.table import table_problems
from toolkit.errors import DataError, listed
from toolkit.recipe.plan import Plan

Weight = Literal["grave", "note", "good"]

_SHOWN = 5
_UNEVEN = 10  # times as many images in the largest class as in the smallest
_FAR = 0.8  # AUC; above it a score on images like the training images says little of the others


@dataclass(frozen=True)
class Finding:
    """Something that was found, in a line."""

    about: str
    """What it is about: `leaks`, `labels`, `shift`, ..."""
    text: str
    weight: Weight


@dataclass(frozen=True)
class Classes:
    """The classes and what is known of them, in order of their labels."""

    names: tuple[str, ...]
    images: tuple[int, ...]
    """Training originals."""
    units: tuple[int, ...]
    """Of which so many are independent: lineage and near-duplicates are joined."""

    @property
    def effective(self) -> float:
        """How many equally frequent classes would be as hard to guess: the exponential of their
        entropy."""
        counts = np.array([n for n in self.images if n], dtype=np.float64)
        share = counts / counts.sum()
        return float(np.exp(-(share * np.log(share)).sum()))


@dataclass(frozen=True)
class Seen:
    """The table with its contents, and what was seen of them."""

    plan: Plan
    table: Table
    files: Mapping[str, str]
    image: ImageSpec
    looks: Looks
    faults: Mapping[str, str]
    """Path to what keeps it from being read."""
    known: Known


def weigh(*, grave: bool) -> Weight:
    return "grave" if grave else "note"


def table_findings(seen: Seen) -> Iterator[Finding]:
    table = seen.table
    for line in table_problems(table, 1):
        yield Finding("table", line, "grave")
    tested = set() if table.test is None else set(table.test["path"])
    faults = list(seen.faults.items())
    for path, line in faults[:_SHOWN]:
        which = "test" if path in tested else "training"
        yield Finding("unreadable", f"{which} image {line}", "grave")
    if len(faults) > _SHOWN:
        more = len(faults) - _SHOWN
        yield Finding("unreadable", f"{more} more images cannot be read", "grave")
    if not faults:
        yield Finding("unreadable", f"all {len(seen.looks):,} images can be read", "good")


def leak_findings(seen: Seen, near: NearFound, copies: list[tuple[str, str]]) -> Iterator[Finding]:
    equal, leaking = duplicates_of(seen.table), leaks_of(seen.table)
    conflict = equal.conflict()
    auto = seen.plan.split.group == "auto"
    if conflict is not None:
        yield Finding("labels", conflict, "grave")
    for line in equal.warnings()[conflict is not None :]:
        yield Finding("test leak", line, "grave")
    if leaking.trained:
        yield Finding("split", str(leaking.problem()), "grave")
    if copies:
        named = listed([f"{copy} of {original}" for original, copy in copies])
        kept = "; split.group keeps them together" if auto else ""
        yield Finding(
            "copies",
            f"{len(copies)} training rows are copies of others by name and pixels, and no column "
            f"says so ({named}){kept}",
            weigh(grave=not auto),
        )
    if near.apart:
        before, after = units_after(seen.table, near)
        kept = "; split.group keeps them in one fold" if auto else ""
        yield Finding(
            "near-duplicates",
            f"{_pairs(len(near.apart))} of training images are near-duplicates that no "
            "lineage joins "
            f"({listed(near.apart, 3)}): joined, {before:,} units are {after:,}{kept}",
            weigh(grave=not auto),
        )
    elif not equal.train:
        yield Finding("near-duplicates", "none among the training images", "good")
    if equal.train:
        yield Finding(
            "duplicates", f"{equal.train} training files have the content of another", "note"
        )
    if near.conflicts:
        yield Finding(
            "labels",
            f"{_pairs(len(near.conflicts))} of near-duplicates with different labels "
            f"({listed(near.conflicts, 3)})",
            "grave",
        )
    if near.test:
        images = (
            "image is a near-duplicate" if len(near.test) == 1 else "images are near-duplicates"
        )
        yield Finding(
            "test leak",
            f"{len(near.test)} test {images} of training images ({listed(near.test, 3)}); a score "
            "on them says little of new images",
            "grave",
        )


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{count:,} pairs"


def group_findings(plan: Plan) -> Iterator[Finding]:
    """Columns that name things with several images, which the recipe does not use."""
    from toolkit.builtin.tables import read_rows

    choice = plan.choice("data")
    if choice.use != "csv" or choice.options.get("group_column"):
        return
    file = Path(choice.options["root"]) / choice.options["train"]
    try:
        frame = read_rows(file).frame
    except (DataError, OSError):  # told by the source
        return
    used = {choice.options.get(key) for key in ("id_column", "target_column", "parent_column")}
    for name in map(str, frame.columns):
        if name not in used and is_group_name(name) and repeats(frame[name].astype(str)):
            yield Finding(
                "groups",
                f"{file}: the column {name} names things with several images, and "
                f"data.group_column is not set: rows of one {name} are torn apart by the folds; "
                f'set it to "{name}"',
                "grave",
            )


def class_findings(plan: Plan, classes: Classes) -> Iterator[Finding]:
    counts = [(n, name) for n, name in zip(classes.images, classes.names, strict=True) if n]
    if len(counts) < 2:
        return
    (fewest, rare), (most, common) = min(counts), max(counts)
    text = (
        f'{len(counts)} classes, {most} images of "{common}" down to {fewest} of "{rare}"; as '
        f"uneven as {classes.effective:.1f} even ones"
    )
    yield Finding("classes", text, "note" if most > _UNEVEN * fewest else "good")
    few = [
        f'"{name}" has {own}'
        for name, images, own in zip(classes.names, classes.images, classes.units, strict=True)
        if images and own < plan.folds
    ]
    if few:
        yield Finding(
            "classes",
            f"{len(few)} classes have fewer independent units than the {plan.folds} folds "
            f"({listed(few)}): some folds cannot validate them",
            "note",
        )


def shift_findings(table: Table, shift: Shift | None) -> Iterator[Finding]:
    if shift is not None:
        yield Finding(
            "shift", shift.sentence(), weigh(grave=shift.auc > _FAR) if shift.apart else "good"
        )
    elif table.test is None:
        yield Finding("shift", "there are no test images to compare with", "note")
    else:
        yield Finding("shift", "too few images to compare training and test", "note")
