"""Ensemblers: several members' probabilities become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from toolkit.contracts import Facts, Ints, Predictions


@dataclass(frozen=True)
class Geometric:
    """Needs no fitting; one that does learns in `fit` from the out-of-fold rows."""

    needs_fit: bool = False

    def fit(self, oof: Sequence[Predictions], truth: Ints, /) -> Geometric:
        return self

    def combine(self, members: Sequence[Predictions], /) -> Predictions:
        import numpy as np

        stacked = np.stack([member.probabilities for member in members])  # (M, n, C)
        scores = np.exp(np.log(stacked.clip(1e-7)).mean(axis=0))
        normalized = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
        return replace(members[0], probabilities=normalized)


def geometric(facts: Facts, /) -> Geometric:
    """The geometric mean of the members' probabilities: one member's doubt weighs more."""
    return Geometric()
