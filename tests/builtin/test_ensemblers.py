"""Voting."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from toolkit.builtin.ensemblers import hard, soft
from toolkit.contracts import Ensembler, Facts, Predictions


def member(*rows: list[float]) -> Predictions:
    ids = tuple(f"i{n}" for n in range(len(rows)))
    return Predictions(ids, np.array(rows, dtype=np.float32), tuple("abcd"[: len(rows[0])]))


@pytest.fixture
def facts(make_facts: Callable[..., Facts]) -> Facts:
    return make_facts(5, 5, 5)


def test_soft_voting_is_the_mean(facts: Facts) -> None:
    joined = soft(facts).combine(
        [member([0.5, 0.25, 0.25], [1, 0, 0]), member([0.0, 0.75, 0.25], [0, 0.5, 0.5])]
    )
    np.testing.assert_array_equal(
        joined.probabilities, np.float32([[0.25, 0.5, 0.25], [0.5, 0.25, 0.25]])
    )
    assert joined.ids == ("i0", "i1")
    assert joined.classes == ("a", "b", "c")
    assert joined.probabilities.dtype == np.float32


def test_hard_voting_follows_the_majority_against_the_mean(facts: Facts) -> None:
    members = [
        member([0.4, 0.3, 0.3]),
        member([0.4, 0.3, 0.3]),
        member([0.0, 1.0, 0.0]),
    ]
    assert soft(facts).combine(members).labels().tolist() == [1]  # (0.27, 0.53, 0.20)
    joined = hard(facts).combine(members)
    assert joined.labels().tolist() == [0]
    # (votes + mean / 2) / 3.5 = ((2 + 0.1333), (1 + 0.2667), (0 + 0.1)) / 3.5
    np.testing.assert_allclose(
        joined.probabilities, [[2.13333 / 3.5, 1.26667 / 3.5, 0.1 / 3.5]], rtol=1e-5
    )


def test_a_tie_goes_to_the_larger_summed_probability(facts: Facts) -> None:
    members = [member([0.6, 0.4, 0.0], [0.9, 0.1, 0.0]), member([0.0, 0.7, 0.3], [0.2, 0.8, 0])]
    # One vote each; sums (0.6, 1.1, 0.3) and (1.1, 0.9, 0).
    assert hard(facts).combine(members).labels().tolist() == [1, 0]


def test_the_larger_sum_decides_among_the_tied_only(facts: Facts) -> None:
    members = [
        member([0.51, 0.0, 0.49]),
        member([0.0, 0.51, 0.49]),
    ]
    # Classes a and b have a vote each; c has the largest sum, 0.98, and no vote.
    assert hard(facts).combine(members).labels().tolist() == [0]


def test_a_full_tie_goes_to_the_lowest_class(facts: Facts) -> None:
    members = [member([0.25, 0.75, 0.0]), member([0.25, 0.0, 0.75])]
    assert hard(facts).combine(members).labels().tolist() == [1]
    assert hard(facts).combine(members[::-1]).labels().tolist() == [1]


@pytest.mark.parametrize("make", [soft, hard])
def test_rows_still_sum_to_one(make: Callable[[Facts], Ensembler], facts: Facts) -> None:
    rng = np.random.default_rng(0)
    members = [member(*rng.dirichlet([0.3] * 3, 40).tolist()) for _ in range(5)]
    joined = make(facts).combine(members)
    np.testing.assert_allclose(joined.probabilities.sum(axis=1), 1, atol=1e-6)
    assert (joined.probabilities >= 0).all()


@pytest.mark.parametrize("make", [soft, hard])
def test_voting_needs_no_fitting_and_one_member_is_its_own_label(
    make: Callable[[Facts], Ensembler], facts: Facts
) -> None:
    ensembler = make(facts)
    assert not ensembler.needs_fit
    only = member([0.2, 0.5, 0.3], [0.6, 0.3, 0.1])
    assert ensembler.fit([only], np.array([1, 0])) is ensembler
    assert ensembler.combine([only]).labels().tolist() == [1, 0]
