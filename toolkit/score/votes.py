"""How far the folds agree on unlabelled rows, and what that says of joining them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.contracts import Floats, Ints
from toolkit.score.counts import Numbers


@dataclass(frozen=True)
class Agreement:
    """Rows `(m,)` on which the folds' models agree, each a share from 0 to 1."""

    pairs: Numbers
    """Of the pairs of folds, those that read the row as the same class."""
    left_out: Numbers
    """Of the folds, those whose answer the others give, joined."""
    joined_as: str
    """`mean` of the probabilities or `votes`, whichever is nearer to the run's own prediction."""
    matches: float
    """Rows that it reads as the run's own prediction does: 1 for a mean or a vote."""
    folds: int

    def share(self, weights: Numbers | None = None) -> float:
        """Share of pairs that agree; 1 for one fold, which agrees with itself."""
        return float(np.average(self.pairs, weights=weights))

    def gain(self, weights: Numbers | None = None) -> float:
        """What joining the folds adds to their accuracy, as a share of it: `(G / S - 1) k` of
        `score/forecast.py`; 0 for fewer than three."""
        k, alone = self.folds, self.share(weights)
        if k < 3 or alone == 0:
            return 0.0
        among = float(np.average(self.left_out, weights=weights)) / alone - 1
        return among * (k - 1) ** 2 / (k * (k - 2))


def agreement_of(members: Sequence[Floats], joined: Floats) -> Agreement:
    """Agreement of the members' test rows `(m, C)`, joined in the way that the run joined them."""
    stack = np.stack(members)  # (K, m, C)
    folds, rows, classes = stack.shape
    labels = stack.argmax(axis=2)  # (K, m)
    answers = joined.argmax(axis=1)
    # A tie of votes goes to the surer side, as the `hard` ensembler does.
    votes = np.eye(classes, dtype=np.float32)[labels] + 1e-3 * stack
    ways = {"mean": stack, "votes": votes}
    matches = {n: float((v.sum(axis=0).argmax(axis=1) == answers).mean()) for n, v in ways.items()}
    name = max(matches, key=lambda way: matches[way])
    if folds == 1:
        whole = np.ones(rows)
        return Agreement(whole, whole, name, matches[name], 1)
    way, total = ways[name], ways[name].sum(axis=0)
    pairs, left_out = np.zeros(rows), np.zeros(rows)
    for fold in range(folds):
        others = np.arange(folds) != fold
        pairs += (labels[others] == labels[fold]).mean(axis=0) / folds
        left_out += ((total - way[fold]).argmax(axis=1) == labels[fold]) / folds
    return Agreement(pairs, left_out, name, matches[name], folds)


def views_agree(views: Sequence[Floats]) -> Ints | None:
    """Rows `(n,)` that all views read as one class, 1 or 0; None for fewer than two views."""
    if len(views) < 2:
        return None
    labels = np.stack([view.argmax(axis=1) for view in views])
    found: Ints = (labels == labels[0]).all(axis=0).astype(np.int64)
    return found
