"""Counts of true and predicted classes, and what is worked out from them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.contracts import Ints

Numbers = npt.NDArray[np.float64]


class Counts(NamedTuple):
    """Rows of each class `(C,)`: counts of classes, not of pairs, for a thousand classes have a
    million pairs."""

    hits: Numbers
    """Rows of the class that were read as it."""
    support: Numbers
    """Rows of the class."""
    predicted: Numbers
    """Rows that were read as the class."""

    @property
    def rows(self) -> float:
        return float(self.support.sum())


def counts_of(truth: Ints, predicted: Ints, classes: int) -> Counts:
    """Counts of labels `(n,)` and of what they were read as."""
    return Counts(
        np.bincount(truth[truth == predicted], minlength=classes).astype(np.float64),
        np.bincount(truth, minlength=classes).astype(np.float64),
        np.bincount(predicted, minlength=classes).astype(np.float64),
    )


def confusion(truth: Ints, predicted: Ints, classes: int) -> Ints:
    """Counts `(C, C)`: row = true class, column = predicted class."""
    flat = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def f1_of(hits: npt.NDArray[Any], either: npt.NDArray[Any]) -> Numbers:
    """F1 of each class from counts `(..., C)`: of hits, and of true rows plus predicted ones; 0
    where nothing was right."""
    hits, total = hits.astype(np.float64), either.astype(np.float64)
    f1: Numbers = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    return f1


def per_class(matrix: Ints, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Precision, recall, F1, support and predicted count of each class."""
    hits, support, predicted = np.diagonal(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    f1 = f1_of(hits, support + predicted)
    return [
        {
            "class": name,
            "precision": float(hits[c] / predicted[c]) if predicted[c] else 0.0,
            "recall": float(hits[c] / support[c]) if support[c] else 0.0,
            "f1": float(f1[c]),
            "support": int(support[c]),
            "predicted": int(predicted[c]),
        }
        for c, name in enumerate(classes)
    ]
