"""The metrics in the box. Each is one function here and one line of the table in
`toolkit/builtin/__init__.py`: name, direction, bounds, and how it is computed.

A metric is told true labels `(n,)` and probabilities `(n, C)`. A fold may lack a class, and a
resampled draw may hold one class alone: what is given then stands with each metric.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from toolkit.contracts import Facts, Floats, Ints
from toolkit.errors import UserError
from toolkit.score.counts import Counts, Numbers, counts_of, f1_of
from toolkit.score.metric import Bounds, Metric

SMALLEST = 1e-15
"""Probabilities are clipped at it before a logarithm: a certain mistake costs 34.5."""


@dataclass(frozen=True)
class OfCounts:
    """A metric of the counts of classes. A resampled draw needs no more than those."""

    name: str
    formula: Callable[[Counts], float]
    bounds: Bounds = (0.0, 1.0)
    higher_is_better: bool = True

    def __call__(self, truth: Ints, probabilities: Floats, /) -> float:
        predicted = probabilities.argmax(axis=1)
        return self.formula(counts_of(truth, predicted, probabilities.shape[1]))


@dataclass(frozen=True)
class OfRows:
    """A metric that is the mean of a value of each row, which resampling does not change."""

    name: str
    values: Callable[[Ints, Floats], Numbers]
    """`(n,)` from labels `(n,)` and probabilities `(n, C)`."""
    bounds: Bounds = (0.0, 1.0)
    higher_is_better: bool = True

    def __call__(self, truth: Ints, probabilities: Floats, /) -> float:
        return float(self.values(truth, probabilities).mean())


@dataclass(frozen=True)
class OfRanks:
    """The mean area under the ROC curves, each class against the rest."""

    name: str = "AUC, one-vs-rest"
    bounds: Bounds = (0.0, 1.0)
    higher_is_better: bool = True

    def __call__(self, truth: Ints, probabilities: Floats, /) -> float:
        from scipy.stats import rankdata

        rows, support = len(truth), np.bincount(truth, minlength=probabilities.shape[1])
        # A class without rows, or without any other rows, has no curve.
        occurs = np.flatnonzero((support > 0) & (support < rows))
        if not len(occurs):
            return 0.5
        ranks = rankdata(probabilities[:, occurs], axis=0)  # from 1; equal ones share their mean
        own = truth[:, None] == occurs
        positives, negatives = support[occurs], rows - support[occurs]
        # Mann-Whitney's U, the pairs in which the row of the class has the larger probability.
        pairs = (ranks * own).sum(axis=0) - positives * (positives + 1) / 2
        return float((pairs / (positives * negatives)).mean())


Ask = Callable[[Ints, Floats], float]
"""A metric, or what asks one."""


def scores(truth: Ints, probabilities: Floats, metrics: Mapping[str, Ask]) -> dict[str, float]:
    """Every metric of labels `(n,)` and probabilities `(n, C)`, by its name; classes are counted
    once for all."""
    counts = counts_of(truth, probabilities.argmax(axis=1), probabilities.shape[1])
    return {
        name: metric.formula(counts)
        if isinstance(metric, OfCounts)
        else float(metric(truth, probabilities))
        for name, metric in metrics.items()
    }


def macro_f1(facts: Facts, /) -> Metric:
    """Mean F1 over the classes that occur in the truth.

    Over a whole data set this is scikit-learn's `f1_score(average="macro")`. A fold may lack a
    rare class; counting that as F1 = 0 would say something of the split, not of the model.
    """
    return ALWAYS["macro_f1"]


def weighted_f1(facts: Facts, /) -> OfCounts:
    """Mean F1 of the classes, each weighted by its rows: scikit-learn's `average="weighted"`."""
    return OfCounts("weighted F1", lambda c: float((_f1(c) * c.support).sum() / c.rows))


def accuracy(facts: Facts, /) -> Metric:
    """Share of rows whose most probable class is the true one."""
    return ALWAYS["accuracy"]


def balanced_accuracy(facts: Facts, /) -> OfCounts:
    """Mean recall over the classes that occur in the truth, as scikit-learn's
    `balanced_accuracy_score`; a class that does not occur is left out."""
    return OfCounts("balanced accuracy", _balanced_accuracy)


def log_loss(facts: Facts, /) -> Metric:
    """Mean of -log(probability of the true class), clipped at 1e-15; lower is better."""
    return ALWAYS["log_loss"]


def kappa(facts: Facts, /) -> OfCounts:
    """Cohen's kappa: agreement beyond what chance gives from the frequencies of true and
    predicted classes (Cohen 1960, doi:10.1177/001316446002000104).

    Where chance alone agrees on every row (one class in truth and predictions), 0: nothing beyond
    it was shown. scikit-learn gives NaN there.
    """
    return OfCounts("Cohen's kappa", _kappa, (-1.0, 1.0))


def mcc(facts: Facts, /) -> OfCounts:
    """Matthews correlation coefficient of several classes (Gorodkin 2004,
    doi:10.1016/j.compbiolchem.2004.09.006, equation 8).

    Where the truth or the predictions hold one class alone, 0, as scikit-learn gives.
    """
    return OfCounts("Matthews correlation", _mcc, (-1.0, 1.0))


def top_k(
    facts: Facts,
    /,
    *,
    k: Annotated[int, Field(ge=1, description="classes that a row may name")] = 3,
) -> OfRows:
    """Share of rows whose true class is among the `k` most probable ones.

    Of equal probabilities the lower class comes first, so that `k = 1` is the accuracy.
    """
    if k >= len(facts.classes):
        raise UserError(
            f"metric top_k: k = {k} of {len(facts.classes)} classes is always 1; set k below the "
            "number of classes"
        )

    def among(truth: Ints, probabilities: Floats) -> Numbers:
        own = probabilities[np.arange(len(truth)), truth][:, None]
        before = np.arange(probabilities.shape[1]) < truth[:, None]
        ahead = (probabilities > own).sum(axis=1) + ((probabilities == own) & before).sum(axis=1)
        found: Numbers = (ahead < k).astype(np.float64)
        return found

    return OfRows(f"top-{k} accuracy", among)


def auc(facts: Facts, /) -> OfRanks:
    """Area under the ROC curve of each class against the rest, the mean over the classes that
    occur: scikit-learn's `roc_auc_score(multi_class="ovr")`.

    A class without rows in the truth is left out; where there is one class alone, 0.5, which is
    what guessing gives. scikit-learn refuses both.
    """
    return OfRanks()


def _f1(counts: Counts) -> Numbers:
    return f1_of(counts.hits, counts.support + counts.predicted)


def _macro_f1(counts: Counts) -> float:
    occurs = counts.support > 0
    return float(np.where(occurs, _f1(counts), 0.0).sum() / max(occurs.sum(), 1))


def _balanced_accuracy(counts: Counts) -> float:
    occurs = counts.support > 0
    return float((counts.hits[occurs] / counts.support[occurs]).mean())


def _surprise(truth: Ints, probabilities: Floats) -> Numbers:
    own = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    surprise: Numbers = -np.log(np.clip(own, SMALLEST, 1))
    return surprise


def _kappa(counts: Counts) -> float:
    rows = counts.rows
    by_chance = float((counts.support * counts.predicted).sum()) / rows**2
    if by_chance == 1:
        return 0.0
    return (float(counts.hits.sum()) / rows - by_chance) / (1 - by_chance)


def _mcc(counts: Counts) -> float:
    rows, p, t = counts.rows, counts.predicted, counts.support
    spread = np.sqrt((rows**2 - (p * p).sum()) * (rows**2 - (t * t).sum()))
    return float((counts.hits.sum() * rows - (p * t).sum()) / spread) if spread > 0 else 0.0


ALWAYS: Mapping[str, Metric] = {
    "macro_f1": OfCounts("macro-F1", _macro_f1),
    "accuracy": OfCounts("accuracy", lambda c: float(c.hits.sum() / c.rows)),
    "log_loss": OfRows("log loss", _surprise, (0.0, None), higher_is_better=False),
}
"""What every run is scored by."""
