"""Scores by variant, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.recipe.scores import BLEND, CLEAN, ROBUST, Score
from toolkit.score.measures import Measures
from toolkit.score.metrics import ALWAYS
from toolkit.score.variants import scores_of_variants


class OfThree:
    """Stands for the metrics of a plan: those that every run has."""

    def scores(self, where: str, truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
        self.where = where
        return {name: metric(truth, probabilities) for name, metric in ALWAYS.items()}


TRUTH = np.array([0, 1, 1, 0])
RIGHT = np.eye(2, dtype=np.float32)[TRUTH]
WRONG = 1 - RIGHT


def scores(**predicted: np.ndarray) -> dict[Score, float]:
    measures: Measures = OfThree()  # type: ignore[assignment]
    by_variant = {name.replace("_", "."): p for name, p in predicted.items()}
    return scores_of_variants(measures, "fold 0", TRUTH, by_variant)


def test_without_twins_there_are_clean_scores_alone() -> None:
    assert {score.variant for score in scores(clean=RIGHT)} == {CLEAN}


def test_twins_are_scored_together_and_blended_with_the_images() -> None:
    """Of two twins of each image one is read rightly, the other wrongly: F1 of both classes is
    1/2, as of 4 rows of a class 2 are found, and of 4 predictions 2 are right. The images are all
    right: the blend of 1 and 1/2 is 3/4."""
    found = scores(clean=RIGHT, robust=RIGHT, robust_2=WRONG)
    assert found[Score(CLEAN, "macro_f1")] == 1
    assert found[Score(ROBUST, "macro_f1")] == pytest.approx(0.5)
    assert found[Score(ROBUST, "accuracy")] == pytest.approx(0.5)
    assert found[Score(BLEND, "macro_f1")] == pytest.approx(0.75)
    assert [score.name for score in found if score.variant == BLEND] == ["blend"]
