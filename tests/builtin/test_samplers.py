"""Samplers: an order, or weights."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.builtin.samplers import balanced, oversample, power, shuffle

LABELS = np.array([0, 0, 0, 0, 1, 2, 2, 0, 2])  # 5, 1 and 3 rows


def test_shuffle_is_every_row_once_in_an_order_that_the_seed_decides() -> None:
    order = shuffle(LABELS)
    first, again, other = (order(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert sorted(first) == list(range(9))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_shuffle_goes_on_drawing_from_its_generator() -> None:
    rng = np.random.default_rng(0)
    order = shuffle(np.zeros(50, dtype=np.int64))
    assert order(rng).tolist() != order(rng).tolist()


def test_balanced_weights_make_classes_equally_likely() -> None:
    weights = balanced(LABELS)
    assert weights.shape == LABELS.shape
    shares = np.bincount(LABELS, weights) / weights.sum()
    np.testing.assert_allclose(shares, 1 / 3, rtol=1e-6)


def test_strength_goes_from_the_data_as_it_is_to_balance() -> None:
    np.testing.assert_array_equal(balanced(LABELS, strength=0.0), np.ones(9))
    # Halfway, a class has count x count ** -0.5 = count ** 0.5.
    halfway = np.bincount(LABELS, balanced(LABELS, strength=0.5))
    np.testing.assert_allclose(halfway, np.sqrt([5, 1, 3]), rtol=1e-6)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_every_row_can_be_drawn(strength: float) -> None:
    assert (balanced(LABELS, strength=strength) > 0).all()


def test_power_weights_rows_by_a_power_of_their_class() -> None:
    # A class has count x count ** -0.5 = count ** 0.5.
    shares = np.bincount(LABELS, power(LABELS, a=0.5))
    np.testing.assert_allclose(shares / shares[1], np.sqrt([5, 1, 3]), rtol=1e-6)
    rare_first = np.bincount(LABELS, power(LABELS, a=2.0))
    np.testing.assert_allclose(rare_first / rare_first[1], 1 / np.array([5, 1, 3]), rtol=1e-6)


@pytest.mark.parametrize(("to", "counts"), [("largest", [5, 5, 5]), (4, [5, 4, 4]), (1, [5, 1, 3])])
def test_oversampling_brings_classes_to_a_number_with_every_row_in_it(
    to: int | str, counts: list[int]
) -> None:
    for seed in range(20):
        rows = oversample(LABELS, to=to)(np.random.default_rng(seed))  # type: ignore[arg-type]
        assert np.bincount(LABELS[rows]).tolist() == counts
        assert set(rows.tolist()) == set(range(9))
        of_two = np.bincount(rows, minlength=9)[LABELS == 2]
        assert of_two.max() - of_two.min() <= 1


def test_oversampling_draws_other_rows_and_another_order_each_epoch() -> None:
    rng, order = np.random.default_rng(0), oversample(LABELS)
    first, second = order(rng), order(rng)
    assert first.tolist() != second.tolist()
