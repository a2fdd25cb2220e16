"""Ensemblers: several members' probabilities become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from toolkit.contracts import Facts, Ints, Predictions
from toolkit.errors import DataError


class Median:
    needs_fit = False

    def fit(self, oof: Sequence[Predictions], truth: Ints, /) -> Median:
        return self

    def combine(self, members: Sequence[Predictions], /) -> Predictions:
        import numpy as np

        stacked = np.stack([member.probabilities for member in members])  # (M, n, C)
        if np.isnan(stacked).any():
            raise DataError("acme.median: NaN in a member; lower its lr")
        middle = np.median(stacked, axis=0) + 1e-7  # members that contradict have a median of 0
        shares = (middle / middle.sum(axis=1, keepdims=True)).astype(np.float32)
        return replace(members[0], probabilities=shares)


def median(facts: Facts, /) -> Median:
    """The median of the members' probabilities: one wild member does not matter."""
    return Median()
