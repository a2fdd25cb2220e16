"""Ensemblers that need no fitting: soft and hard voting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.contracts import Facts, Predictions

if TYPE_CHECKING:
    from toolkit.contracts import Ints


@dataclass(frozen=True)
class Soft:
    """Mean of the members' probabilities."""

    needs_fit: bool = False

    def fit(self, oof: Sequence[Predictions], truth: Ints, /) -> Soft:
        return self

    def combine(self, members: Sequence[Predictions], /) -> Predictions:
        import numpy as np

        stacked = np.stack([member.probabilities for member in members])  # (M, n, C)
        mean = stacked.mean(axis=0, dtype=np.float64).astype(np.float32)
        return replace(members[0], probabilities=mean)


@dataclass(frozen=True)
class Hard:
    """Majority vote. A tie goes to the larger summed probability, then to the lower class index.

    The result's probabilities are `(votes + mean probability / 2) / (members + 1/2)`: the share
    of the votes, with just enough of the mean in it that `argmax` applies the tie rule.
    """

    needs_fit: bool = False
    identity: bool = False
    """Of a single member it keeps the labels, not the probabilities."""

    def fit(self, oof: Sequence[Predictions], truth: Ints, /) -> Hard:
        return self

    def combine(self, members: Sequence[Predictions], /) -> Predictions:
        import numpy as np

        stacked = np.stack([member.probabilities for member in members]).astype(np.float64)
        classes = np.arange(stacked.shape[2])
        votes = (stacked.argmax(axis=2)[..., None] == classes).sum(axis=0)  # (n, C)
        scores = (votes + stacked.mean(axis=0) / 2) / (len(members) + 0.5)
        return replace(members[0], probabilities=scores.astype(np.float32))


def soft(facts: Facts, /) -> Soft:
    """Soft voting: the mean of the members' probabilities."""
    return Soft()


def hard(facts: Facts, /) -> Hard:
    """Hard voting: each member has one vote; ties by summed probability, then lowest index."""
    return Hard()
