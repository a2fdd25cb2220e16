"""What one fold needs to know, and where its loop stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from toolkit.contracts import Facts, Ints, RunInfo, Table
from toolkit.data.offline import Copies, Joined
from toolkit.data.pack import Pack
from toolkit.data.twins import Twins
from toolkit.predict.files import PredictionsMeta
from toolkit.recipe.plan import Plan
from toolkit.runs.folder import FoldFolder


@dataclass(frozen=True)
class Rows:
    """Images that a fold reads: IDs, lineage, labels, and where their pixels are."""

    ids: list[str]
    parents: list[str]
    labels: Ints
    packed: Ints
    """Row of the pack for each row."""
    groups: list[str] = field(default_factory=list)
    """Of training rows, whose sampler may ask for them."""
    contents: list[str] = field(default_factory=list)
    """Digest of each file, of the rows as the table has them."""


def with_copies(
    rows: Rows,
    copies: Copies,
    numbers: Ints,
    pack: Pack,
    each: Ints | None = None,
    *,
    replace: bool = False,
) -> tuple[Rows, Joined]:
    """A fold's training rows followed by the copies of the originals among them.

    Args:
        numbers: row of the table for each of `rows`.
        pack: where `rows` lie.
        each: how many of its copies each row has in this fold (n,); without it, all.
        replace: whether copies stand in the place of the originals that they are of.
    """
    drawn = copies.rows[numbers]
    there = drawn >= 0
    if each is not None:  # another fold, where a class lacks more, may have more of them
        there &= np.arange(drawn.shape[1]) < each[:, None]
    own, copy = np.nonzero(there)
    kept = np.flatnonzero(~there.any(axis=1)) if replace else np.arange(len(rows.ids))
    ids = [f"{rows.ids[row]}#{number}" for row, number in zip(own, copy, strict=True)]
    packed = drawn[own, copy] + pack.shape[0]
    from_ = np.concatenate([kept, own])
    return Rows(
        [rows.ids[row] for row in kept] + ids,
        [rows.parents[row] for row in kept] + [rows.ids[row] for row in own],
        rows.labels[from_],
        np.concatenate([rows.packed[kept], packed]),
        [rows.groups[row] for row in from_ if rows.groups],
    ), Joined(pack, copies.pack)


def facts_of(plan: Plan, table: Table, labels: Ints) -> Facts:
    """What components are told, with the counts of these training labels `(n,)`."""
    counts = np.bincount(labels, minlength=len(table.classes))
    return Facts(table.classes, tuple(counts.tolist()), plan.image, plan.seed)


@dataclass(frozen=True)
class FoldJob:
    """Everything that one fold needs to know."""

    plan: Plan
    fold: int
    facts: Facts
    """With the counts of this fold's training rows."""
    pack: Pack | Joined
    train: Rows
    validation: Rows
    test: Rows | None
    folder: FoldFolder
    meta: PredictionsMeta
    run: RunInfo
    one_row_trains: Callable[[], bool]
    """Whether one row alone passes the backbone in training mode; costs a model to know."""
    training: str = ""
    """Hash of all that changes how this fold is trained (`train.reuse`)."""
    steps: int | None = None
    """At most this many training steps an epoch (`--smoke`)."""
    twins: Twins | None = None
    """Of the validation rows, in their order."""


class Watch(Protocol):
    """Sees every score as it falls and says whether training goes on (`toolkit tune`).

    At a resume it is told again of what was done before.
    """

    def epoch(self, fold: int, metrics: Mapping[str, float], /) -> bool:
        """An epoch was validated; `metrics` is its row of `history.csv`. False stops here."""

    def fold(self, fold: int, scores: Mapping[str, float], /) -> bool:
        """A fold's predictions are on disk, with these scores. False trains no other fold."""


@dataclass
class Progress:
    """Where the loop stands; a part of its state."""

    epoch: int = 0
    """Epochs done."""
    best: float = -math.inf
    """The best monitor, signed so that more is better."""
    best_epoch: int = 0
    stale: int = 0
    """Epochs since the monitor rose."""
    history: list[dict[str, float]] = field(default_factory=list)
    selected_epoch: int = 0
    """The epoch whose weights would be kept if training ended here."""
    seconds: float = 0.0
    """Of all starts, up to the last epoch that was done."""
    images: int = 0
    """Trained on, in all epochs."""
    train_seconds: float = 0.0
    """Of `seconds`, what training took."""


def per_second(count: int, seconds: float) -> float:
    """A rate, or 0 where no time passed between two looks at the clock: that tells none."""
    return round(count / seconds, 1) if seconds > 0 else 0.0
