"""How sure scores are: bootstrap intervals, which resample whole units."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from toolkit.contracts import Floats, Ints
from toolkit.score.counts import Counts, Numbers
from toolkit.score.metrics import Ask, OfCounts, OfRows

DRAWS = 1000
FEWEST_DRAWS = 200
"""The middle 95% of fewer would be chance of its own."""
MOST_PROBABILITIES = 200_000_000
"""That a metric without a quick way is asked to look at, over all draws."""

Interval = tuple[float, float]


def intervals(
    truth: Ints,
    probabilities: Floats,
    units: Ints,
    seed: int,
    metrics: Mapping[str, Ask],
    draws: int = DRAWS,
) -> dict[str, Interval | None]:
    """95% intervals of scores (Efron 1979; percentile method), resampling whole units.

    Args:
        units: unit of each row `(n,)`; pages of one document are no independent evidence.
        metrics: by name. Those of counts and of row means cost a draw next to nothing; any other
            is asked anew for each draw, and for fewer draws where the data is large.

    Returns by name `(low, high)`; None where the data is too large for a metric that must be asked
    anew.
    """
    rng = np.random.default_rng(seed)
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    right = np.flatnonzero(truth == predicted)
    rightly = truth[right]
    _, unit = np.unique(units, return_inverse=True)
    count = int(unit.max()) + 1
    alone = count == len(unit) and bool((unit == np.arange(count)).all())
    formulas = {name: m.formula for name, m in metrics.items() if isinstance(m, OfCounts)}
    of_rows = {name: m for name, m in metrics.items() if isinstance(m, OfRows)}
    values = {name: m.values(truth, probabilities) for name, m in of_rows.items()}  # (n,), fixed
    anew = {n: m for n, m in metrics.items() if n not in formulas and n not in values}
    few = draws_of(probabilities.size, draws)
    found = {name: np.empty(few if name in anew else draws) for name in metrics}
    for draw in range(draws):
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        times = times if alone else times[unit]  # (n,)
        weights = times.astype(np.float64)
        rows = weights.sum()
        if formulas:
            counts = _counts(truth, predicted, right, rightly, weights, classes)
            for name, formula in formulas.items():
                found[name][draw] = formula(counts)
        for name, of_row in values.items():
            found[name][draw] = (of_row * weights).sum() / rows
        if anew and draw < few:
            drawn = np.repeat(np.arange(len(truth)), times)
            for name, ask in anew.items():
                found[name][draw] = ask(truth[drawn], probabilities[drawn])
    return {name: _middle(of_draws) for name, of_draws in found.items()}


def draws_of(probabilities: int, draws: int = DRAWS) -> int:
    """Draws for a metric that is asked anew each time; 0 where they would be too few."""
    few = min(draws, MOST_PROBABILITIES // max(probabilities, 1))
    return few if few >= min(FEWEST_DRAWS, draws) else 0


def _counts(
    truth: Ints, predicted: Ints, right: Ints, rightly: Ints, weights: Numbers, classes: int
) -> Counts:
    return Counts(
        np.bincount(rightly, weights[right], classes).astype(np.float64, copy=False),
        np.bincount(truth, weights, classes).astype(np.float64, copy=False),
        np.bincount(predicted, weights, classes).astype(np.float64, copy=False),
    )


def _middle(values: npt.NDArray[np.float64]) -> Interval | None:
    if not len(values):
        return None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
