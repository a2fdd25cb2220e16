"""Whether test images look like anything that the calibration rows hold: where they do not, a
threshold of those rows says nothing of them.

Each finding is a sentence with its numbers. None is a proof of the opposite: over-confident models
may be as sure of images like nothing they know as of any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.contracts import Floats, Ints
from toolkit.score.confidence import negative_entropy
from toolkit.score.counts import Numbers
from toolkit.score.votes import Agreement

TAIL = 0.01
"""Share of the calibration rows beyond either end of the range."""
MANY = 0.2
"""Share of test rows beyond an end that is told."""
_CHANCE = 0.05
_APART = 0.1
"""Of views that agree, between the calibration rows and the test rows."""
_ELSEWHERE = 0.3
"""Of the classes' shares, beyond what chance moves them."""
_SURE = 3.0  # standard errors, in everything that follows


def beyond_range(known: Sequence[Floats], test: Sequence[Floats]) -> list[str]:
    """Test rows that are less sure, or surer, than the calibration rows.

    Args:
        known: of each fold, probabilities `(n, C)` of its calibration rows of all variants.
        test: of each fold, those of the test rows `(m, C)`.
    """
    low, high, rows = [], [], len(test[0])
    for ours, theirs in zip(known, test, strict=True):
        score, of_test = negative_entropy(ours), negative_entropy(theirs)
        bottom, top = np.quantile(score, [TAIL, 1 - TAIL])
        low.append(float((of_test < bottom).mean()))
        high.append(float((of_test > top).mean()))
    least = min(len(ours) for ours in known)
    found = []
    for shares, what in ((low, "less sure"), (high, "surer")):
        share = float(np.mean(shares))
        if share > MANY and _surely_above(share, rows, _CHANCE + 2 / (least + 1)):
            found.append(
                f"{share:.0%} of the test images are {what} than {1 - TAIL:.0%} of the calibration "
                f"images ({TAIL:.0%} is expected)"
            )
    return found


def contradicted(accuracy: float, agreement: Agreement) -> str | None:
    """Two models that are right on A each agree on 2A - 1 at least, whatever the images are: folds
    that agree less cannot be as good as forecast."""
    rows, share = len(agreement.pairs), agreement.share()
    least = 2 * accuracy - 1
    if agreement.folds < 2 or least <= share + 0.02 + _SURE * _error(share, rows):
        return None
    return (
        f"the folds' models agree on {share:.0%} of the test images; models that are right on "
        f"{accuracy:.0%} each agree on {least:.0%} at least"
    )


def views_apart(known: Sequence[Numbers], test: Numbers) -> str | None:
    """Views of a test image agree less than those of any variant of the calibration images.

    Args:
        known: of each variant, whether the views of each row agree.
    """
    lowest, share = min(float(rows.mean()) for rows in known), float(test.mean())
    if share >= lowest - _APART - _SURE * _error(share, len(test)):
        return None
    return (
        f"the views of a test image agree on {share:.0%} of them; on the calibration images they "
        f"agree on {lowest:.0%} at least"
    )


def classes_elsewhere(known: Sequence[Ints], test: Ints, classes: int) -> str | None:
    """The test images are read as other classes than the calibration images of any variant: the
    classes' frequencies differ, or the images do.

    Args:
        known: of each variant, the classes that its rows were read as.
    """
    of_test = np.bincount(test, minlength=classes) / len(test)
    moved = []
    for labels in known:
        share = np.bincount(labels, minlength=classes) / len(labels)
        variance = share * (1 - share) * (1 / len(test) + 1 / len(labels))
        chance = np.sqrt(2 / np.pi) * np.sqrt(variance).sum() / 2  # expected, without any shift
        moved.append(float(np.abs(of_test - share).sum() / 2 - 2 * chance))
    if min(moved) <= _ELSEWHERE:
        return None
    return (
        f"the test images are read as other classes than the calibration images: {min(moved):.0%} "
        "of them would have to change class, beyond chance"
    )


def _error(share: float, rows: int) -> float:
    """Standard error of a share; that of a few rows is never 0 (Agresti and Coull 1998)."""
    near = (share * rows + 2) / (rows + 4)
    return float(np.sqrt(near * (1 - near) / (rows + 4)))


def _surely_above(share: float, rows: int, limit: float) -> bool:
    near = (share * rows + 2) / (rows + 4)
    return near - _SURE * _error(share, rows) > limit
