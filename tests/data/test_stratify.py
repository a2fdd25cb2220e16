"""The folds of groups are scikit-learn's, at a fraction of its memory."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from toolkit.data import stratify
from toolkit.data.stratify import deal_groups


def of_scikit_learn(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    found = np.full(len(labels), -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class with fewer rows than folds
        for fold, (_, validation) in enumerate(splitter.split(labels, labels, groups)):
            found[validation] = fold
    return found


@pytest.mark.parametrize("folds", [2, 3, 5, 10])
@pytest.mark.parametrize("classes", [2, 3, 17, 130])
def test_every_group_gets_the_fold_that_scikit_learn_gives_it(folds: int, classes: int) -> None:
    for seed in range(4):
        rng = np.random.default_rng((folds, classes, seed))
        rows = max(60, 3 * classes)
        labels = np.concatenate(
            [np.zeros(folds, int), np.arange(classes), rng.integers(0, classes, rows)]
        )
        # From pairs to groups of a quarter of the rows; every other seed, of one class each.
        groups = rng.integers(0, rng.integers(4 * folds, len(labels)), len(labels)) * 7
        if seed % 2:
            groups = groups * classes + labels
        expected = of_scikit_learn(labels, groups, folds, seed)
        np.testing.assert_array_equal(deal_groups(labels, groups, folds, seed), expected)


def test_groups_that_are_spread_out_in_parts_get_the_same_folds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 9, 400), rng.integers(0, 150, 400)
    whole = deal_groups(labels, groups, 5, 0)
    monkeypatch.setattr(stratify, "_AT_ONCE", 30)
    np.testing.assert_array_equal(deal_groups(labels, groups, 5, 0), whole)


def test_no_number_is_kept_for_each_group_and_class(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, zeros = [], np.zeros

    def counted(shape: Any, *rest: Any, **options: Any) -> np.ndarray:
        sizes.append(int(np.prod(shape)))
        return zeros(shape, *rest, **options)

    monkeypatch.setattr(np, "zeros", counted)
    monkeypatch.setattr(stratify, "_AT_ONCE", 1000)
    labels, groups = np.arange(600) % 100, np.arange(600) // 2
    deal_groups(labels, groups, 5, 0)
    assert max(sizes) <= 1000  # 300 groups x 100 classes are 30,000
