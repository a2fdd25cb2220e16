"""What one fold needs to know, and where its loop stands."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from toolkit.contracts import Facts, Ints, RunInfo
from toolkit.data.cache import Pack
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


@dataclass(frozen=True)
class FoldJob:
    """Everything that one fold needs to know."""

    plan: Plan
    fold: int
    facts: Facts
    """With the counts of this fold's training rows."""
    pack: Pack
    train: Rows
    validation: Rows
    test: Rows | None
    folder: FoldFolder
    meta: PredictionsMeta
    run: RunInfo
    steps: int | None = None
    """At most this many training steps an epoch (`--smoke`)."""


@dataclass
class Progress:
    """Where the loop stands; a part of its state."""

    epoch: int = 0
    """Epochs done."""
    best: float = -math.inf
    best_epoch: int = 0
    stale: int = 0
    """Epochs since the monitor rose."""
    history: list[dict[str, float]] = field(default_factory=list)
