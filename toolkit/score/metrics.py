"""Scores of probabilities against labels, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.contracts import Floats, Ints

BOOTSTRAP_DRAWS = 1000


def confusion(truth: Ints, predicted: Ints, classes: int) -> Ints:
    """Counts `(C, C)`: row = true class, column = predicted class."""
    flat = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def f1_of(matrices: Ints) -> npt.NDArray[np.float64]:
    """F1 of each class, from confusion counts `(..., C, C)`; 0 where nothing was right."""
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    return _f1(hits, matrices.sum(axis=-1) + matrices.sum(axis=-2))


def _f1(hits: npt.NDArray[Any], either: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """F1 of each class from counts `(..., C)`: of hits, and of true rows plus predicted ones."""
    hits, total = hits.astype(np.float64), either.astype(np.float64)
    f1: npt.NDArray[np.float64] = np.divide(
        2 * hits, total, out=np.zeros_like(hits), where=total > 0
    )
    return f1


def macro_f1_of(matrices: Ints) -> npt.NDArray[np.float64]:
    """Mean F1 over the classes that occur in the truth, from counts `(..., C, C)`.

    Over a whole data set this is scikit-learn's `f1_score(average="macro")`. A fold may lack a
    rare class; counting that as F1 = 0 would say something of the split, not of the model.
    """
    return _macro(f1_of(matrices), matrices.sum(axis=-1) > 0)


def _macro(f1: npt.NDArray[np.float64], occurs: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    f1 = np.where(occurs, f1, 0.0)
    mean: npt.NDArray[np.float64] = f1.sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1)
    return mean


def macro_f1(truth: Ints, predicted: Ints, classes: int) -> float:
    return float(macro_f1_of(confusion(truth, predicted, classes)))


def scores(truth: Ints, probabilities: Floats) -> dict[str, float]:
    """macro_f1, accuracy and log_loss of probabilities `(n, C)`."""
    predicted = probabilities.argmax(axis=1)
    own = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return {
        "macro_f1": macro_f1(truth, predicted, probabilities.shape[1]),
        "accuracy": float((predicted == truth).mean()),
        "log_loss": float(-np.log(np.clip(own, 1e-15, 1)).mean()),
    }


@dataclass(frozen=True)
class Intervals:
    """95% percentile intervals of the scores."""

    macro_f1: tuple[float, float]
    accuracy: tuple[float, float]
    log_loss: tuple[float, float]


def intervals(
    truth: Ints, probabilities: Floats, units: Ints, seed: int, draws: int = BOOTSTRAP_DRAWS
) -> Intervals:
    """Bootstrap intervals (Efron 1979; percentile method), resampling whole units.

    Args:
        units: unit of each row `(n,)`; pages of one document are no independent evidence.
    """
    rng = np.random.default_rng(seed)
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    own = np.clip(probabilities[np.arange(len(truth)), truth].astype(np.float64), 1e-15, 1)
    logs = np.log(own)  # (n,), the same in every draw
    right = np.flatnonzero(truth == predicted)
    rightly = truth[right]
    _, unit = np.unique(units, return_inverse=True)
    count = int(unit.max()) + 1
    alone = count == len(unit) and bool((unit == np.arange(count)).all())
    f1, accuracy, log_loss = np.empty(draws), np.empty(draws), np.empty(draws)
    for draw in range(draws):
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        times = (times if alone else times[unit]).astype(np.float64)  # (n,)
        # Counts of each class, not of each pair: a thousand classes have a million pairs.
        hits = np.bincount(rightly, times[right], classes)
        support = np.bincount(truth, times, classes)
        either = support + np.bincount(predicted, times, classes)
        rows = times.sum()
        f1[draw] = _macro(_f1(hits, either), support > 0)
        accuracy[draw] = hits.sum() / rows
        log_loss[draw] = -(logs * times).sum() / rows
    return Intervals(_middle(f1), _middle(accuracy), _middle(log_loss))


def _middle(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def per_class(matrix: Ints, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Precision, recall, F1, support and predicted count of each class."""
    hits, support, predicted = np.diagonal(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    f1 = f1_of(matrix)
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
