"""What a sampler must hold: row weights `(n,)`, or a function `rng -> rows of an epoch`."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.contracts import Ints
from toolkit.testing.subject import COUNTS, NotApplicable, Subject, require, sampler_arguments

EPOCHS = 60


def weights_or_rows(subject: Subject) -> None:
    """Weights are one a row, finite, not negative and not all zero; rows are row numbers."""
    labels = _labels()
    answer = subject.build(*sampler_arguments(subject, labels))
    if callable(answer):
        for epoch in range(EPOCHS):  # an answer may be wrong now and then
            rows = np.asarray(answer(np.random.default_rng(epoch)))
            require(
                rows.ndim == 1 and len(rows) > 0 and np.issubdtype(rows.dtype, np.integer),
                f"its rows are {rows.dtype} of shape {rows.shape}, expected integers (rows,)",
            )
            require(
                rows.min() >= 0 and rows.max() < len(labels),
                f"its rows go from {rows.min()} to {rows.max()}, expected 0 to {len(labels) - 1}",
            )
        return
    try:
        weights = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        weights = np.empty(0)
    require(
        weights.shape == labels.shape,
        f"gives {type(answer).__name__} {weights.shape}, expected weights {labels.shape} or a "
        "function of rng",
    )
    require(
        bool(np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0),
        f"weights go from {weights.min():.4g} to {weights.max():.4g}, expected finite ones of at "
        "least 0, not all 0",
    )


def same_seed_same_rows(subject: Subject) -> None:
    """The host's generator decides the rows: the same seed gives the same epoch."""
    answer = _usable(subject, _labels())
    first = [_rows(answer, seed, _labels()) for seed in (0, 1, 2)]
    fresh = _usable(subject, _labels())
    again = [_rows(fresh, seed, _labels()) for seed in (2, 1, 0)][::-1]
    repeated = _rows(answer, 0, _labels())
    require(
        all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
        and np.array_equal(first[0], repeated),
        "gives other rows for the same seed: a resumed run would differ; draw from the rng "
        "argument alone, and keep no state between epochs",
    )


def every_class_drawn(subject: Subject) -> None:
    """Each class that has rows is drawn, sooner or later."""
    labels = _labels()
    answer = _usable(subject, labels)
    if callable(answer):
        drawn = {int(c) for e in range(EPOCHS) for c in labels[_rows(answer, e, labels)]}
    else:
        drawn = {int(c) for c in labels[np.asarray(answer) > 0]}
    missing = sorted(set(labels.tolist()) - drawn)
    require(
        not missing,
        f"never draws rows of class {missing}, of {COUNTS} rows a class; give each a chance above "
        "0",
    )


def absent_class(subject: Subject) -> None:
    """A class without training rows (a small fold has some) upsets nothing."""
    subject.build(*sampler_arguments(subject, _labels()))
    for labels in (np.array([0, 0, 3, 3, 0]), np.array([2])):
        # Not `build`: a factory that raises here has been built from other labels before.
        rows = _rows(subject.make(*sampler_arguments(subject, labels)), 0, labels)
        require(
            len(rows) > 0 and rows.max() < len(labels),
            f"gives rows {rows.tolist()} for labels {labels.tolist()}",
        )


def labels_unmodified(subject: Subject) -> None:
    """The labels are left as they were."""
    labels = _labels()
    _rows(_usable(subject, labels), 0, _labels())
    require(np.array_equal(labels, _labels()), "changes the labels in place; work on labels.copy()")


CHECKS = (
    weights_or_rows,
    same_seed_same_rows,
    every_class_drawn,
    absent_class,
    labels_unmodified,
)


def _labels() -> Ints:
    """Labels of `COUNTS` rows a class, shuffled."""
    labels: Ints = np.repeat(np.arange(len(COUNTS)), COUNTS)
    return np.random.default_rng(0).permutation(labels)


def _usable(subject: Subject, labels: Ints) -> Any:
    """The sampler's answer, where it is one of the two that it may be."""
    answer = subject.build(*sampler_arguments(subject, labels))
    if not callable(answer) and np.shape(answer) != labels.shape:
        raise NotApplicable("it gives neither weights nor a function; see weights_or_rows")
    return answer


def _rows(answer: Any, seed: int, labels: Ints) -> Ints:
    """The rows of an epoch, drawn as the host draws them."""
    rng = np.random.default_rng(seed)
    if callable(answer):
        return np.asarray(answer(rng), dtype=np.int64)
    weights = np.asarray(answer, dtype=np.float64)
    return rng.choice(len(labels), len(labels), p=weights / weights.sum())
