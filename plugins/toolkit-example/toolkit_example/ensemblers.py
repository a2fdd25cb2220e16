"""An ensembler: several members' probabilities `(n, C)` become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from toolkit.contracts import Facts, Ints, Predictions


@dataclass(frozen=True)
class Geometric:
    """Needs no fitting; one that does learns in `fit`, from out-of-fold rows."""

    needs_fit: bool = False

    def fit(self, oof: Sequence[Predictions], truth: Ints, /) -> Geometric:
        return self

    def combine(self, members: Sequence[Predictions], /) -> Predictions:
        import numpy as np

        stacked = np.stack([member.probabilities for member in members])  # (M, n, C)
        mean = np.exp(np.log(stacked.clip(1e-7)).mean(axis=0))
        return replace(members[0], probabilities=mean / mean.sum(axis=1, keepdims=True))


def geometric(facts: Facts, /) -> Geometric:
    """Geometric mean of the probabilities: the logarithmic opinion pool with equal weights
    (Genest and Zidek 1986, doi:10.1214/ss/1177013825)."""
    return Geometric()
