"""The rows of an epoch: what a sampler is told, and what it may answer."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from toolkit.errors import PluginError
from toolkit.plugin.registry import Entry
from toolkit.recipe.plan import Choice
from toolkit.train.order import build_sampler, epoch_rows

LABELS = np.array([0, 1, 1, 0])
GROUPS, PARENTS = ["north", "south", "north", "north"], ["a", "b", "a", "d"]


def takes_labels(labels: Any, /) -> Any:
    labels[:] = -1  # a copy: the host's stay as they were
    return len(labels)


def takes_all(labels: Any, groups: Any, parents: Any, /, *, sign: int = 1) -> Any:
    return groups.tolist(), parents.tolist(), sign


def takes_parents(labels: Any, parents: Any, /) -> Any:
    return parents.tolist()


@pytest.fixture
def choice(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(sys.modules, "order_parts", sys.modules[__name__])

    def choice(name: str = "takes_labels", **options: Any) -> Choice:
        entry = Entry("sampler", f"acme.{name}", f"order_parts:{name}", "x", "acme", "acme", "1")
        return Choice(entry.name, entry, options)

    return choice


def test_a_factory_gets_what_it_names_and_may_change_it(choice: Any) -> None:
    labels = LABELS.copy()
    assert build_sampler(choice("takes_labels"), labels, GROUPS, PARENTS) == 4
    assert labels.tolist() == LABELS.tolist()
    assert build_sampler(choice("takes_parents"), labels, GROUPS, PARENTS) == PARENTS
    found = build_sampler(choice("takes_all", sign=-1), labels, GROUPS, PARENTS)
    assert found == (GROUPS, PARENTS, -1)


def rows(choice: Any, answer: Any) -> Any:
    return epoch_rows(choice(), answer, np.random.default_rng(0), 4).tolist()


def test_an_order_may_repeat_and_leave_out_rows(choice: Any) -> None:
    assert rows(choice, lambda rng: [3, 3, 0]) == [3, 3, 0]
    assert rows(choice, lambda rng: np.array([1], dtype=np.uint8)) == [1]


def test_weights_are_as_many_draws_with_replacement_as_rows(choice: Any) -> None:
    assert rows(choice, [0, 0, 1, 0]) == [2, 2, 2, 2]
    assert rows(choice, np.float32([1, 1, 1, 1])) == rows(choice, [2, 2, 2, 2])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda rng: np.zeros(0, dtype=np.int64), r"an order of int64 \(0,\), expected integers"),
        (lambda rng: np.array([0.0, 1.0]), r"an order of float64 \(2,\), expected integers"),
        (lambda rng: [True, False, True, False], r"an order of bool \(4,\), expected integers"),
        (lambda rng: [[0, 1]], r"an order of int64 \(1, 2\), expected integers"),
        (lambda rng: None, r"an order of object \(\), expected integers"),
        (lambda rng: [0, 4], "draws rows from 0 to 4, expected 0 to 3"),
        (lambda rng: [0, -1], "draws rows from -1 to 0, expected 0 to 3"),
        (None, r"gives weights of shape \(\), expected \(4,\)"),
        ("even", r"gives str, expected weights \(4,\) or a function of rng"),
        ([1, 1, 1], r"gives weights of shape \(3,\), expected \(4,\)"),
        ([[1, 1, 1, 1]], r"gives weights of shape \(1, 4\), expected \(4,\)"),
        ([1, np.nan, 1, 1], "gives weights from nan to nan, expected finite ones"),
        ([1, np.inf, 1, 1], "gives weights from 1 to inf, expected finite ones"),
        ([1, -1, 1, 1], "gives weights from -1 to 1, expected finite ones"),
        ([0, 0, 0, 0], "gives weights from 0 to 0, expected finite ones of at least 0, not all 0"),
    ],
)
def test_another_answer_is_told_as_the_samplers(choice: Any, answer: Any, told: str) -> None:
    with pytest.raises(PluginError, match=f"^sampler acme.takes_labels.*: .*{told}"):
        rows(choice, answer)
