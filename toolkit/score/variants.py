"""Scores of a model by variant: of the images as they are, of their twins, and of both."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from toolkit.contracts import Floats, Ints
from toolkit.recipe.scores import ALWAYS, BLEND, CLEAN, ROBUST, Score
from toolkit.score.measures import Measures


def scores_of_variants(
    measures: Measures, where: str, truth: Ints, predicted: Mapping[str, Floats]
) -> dict[Score, float]:
    """Every score of every variant. Several twins of an image are scored together, as rows of
    their own.

    Args:
        where: what is scored, for errors.
        truth: labels `(n,)`.
        predicted: probabilities `(n, C)` of the same rows by variant: `clean`, and where there are
            twins `robust`, `robust.2`, ...
    """
    asked = {CLEAN: (where, truth, predicted[CLEAN])}
    twins = [probabilities for variant, probabilities in predicted.items() if variant != CLEAN]
    if twins:
        labels = np.tile(truth, len(twins))
        asked[ROBUST] = (f"{where}, of the twins", labels, np.concatenate(twins))
    found = {
        Score(variant, metric): value
        for variant, (place, labels, probabilities) in asked.items()
        for metric, value in measures.scores(place, labels, probabilities).items()
    }
    if twins:
        f1 = ALWAYS[0]
        found[Score(BLEND, f1)] = (found[Score(CLEAN, f1)] + found[Score(ROBUST, f1)]) / 2
    return found
