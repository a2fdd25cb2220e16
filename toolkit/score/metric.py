"""What a metric is, in the box or a plugin's."""

from __future__ import annotations

from typing import Protocol

from toolkit.contracts import Floats, Ints

Bounds = tuple[float | None, float | None]
"""The lowest and the highest value of a metric; None where there is no end."""


class Metric(Protocol):
    """Scores probabilities against the truth, as one number.

    It may have `bounds`, `(lowest, highest)` with None for an open end: charts are drawn between
    them, and a value outside of them is an error. A metric keeps no state, and the order of the
    rows does not matter. It is asked about rows that lack a class, too, and about rows of one
    class alone: a fold may be so, and a draw of the bootstrap.
    """

    @property
    def name(self) -> str:
        """As it stands within a sentence, `expected cost`."""

    @property
    def higher_is_better(self) -> bool:
        """Whether more is better: the direction of early stopping, schedule and search."""

    def __call__(self, truth: Ints, probabilities: Floats, /) -> float:
        """The score of true labels `(n,)` and probabilities `(n, C)`: a finite number."""
