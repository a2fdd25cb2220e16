"""The kit looks more than once: in training mode, too, and at the rows of many epochs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

from toolkit.contracts import Facts
from toolkit.plugin.registry import Entry
from toolkit.testing import CheckFailed, backbone_checks, sampler_checks
from toolkit.testing.subject import Subject


class Heads(nn.Module):
    def __init__(self, facts: Facts, /) -> None:
        """Two heads while it trains."""
        super().__init__()
        self.linear = nn.Linear(3, len(facts.classes))

    def forward(self, x: Tensor) -> Any:
        logits = self.linear(x.mean(dim=(2, 3)))
        return (logits, logits) if self.training else logits


def now_and_then(labels: Any, /) -> Callable[[np.random.Generator], Any]:
    """A row too many, in one epoch of ten."""
    return lambda rng: np.arange(len(labels) + (rng.random() < 0.1))


def sites(labels: Any, parents: Any, groups: Any, /) -> Any:
    """Weights that need what it asks for."""
    assert all(isinstance(text, str) for text in (*groups, *parents))
    _, own, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return 1 / counts[own]


@pytest.fixture
def subject(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Subject]:
    monkeypatch.setitem(sys.modules, "later_specimens", sys.modules[__name__])

    def subject(kind: str, name: str) -> Subject:
        entry = Entry(kind, "acme.later", f"later_specimens:{name}", "later", "acme", "acme", "1")
        return Subject(entry, "acme.later", {})

    return subject


def test_logits_are_looked_at_in_training_mode(subject: Callable[[str, str], Subject]) -> None:
    with pytest.raises(CheckFailed, match="gives a tuple in training mode, expected a tensor"):
        backbone_checks.logits_shape(subject("backbone", "Heads"))


def test_the_rows_of_many_epochs_are_looked_at(subject: Callable[[str, str], Subject]) -> None:
    with pytest.raises(CheckFailed, match="its rows go from 0 to 80, expected 0 to 79"):
        sampler_checks.weights_or_rows(subject("sampler", "now_and_then"))


@pytest.mark.parametrize("check", sampler_checks.CHECKS, ids=lambda check: check.__name__)
def test_a_sampler_that_asks_for_groups_and_parents_gets_them(
    subject: Callable[[str, str], Subject], check: Callable[[Subject], None]
) -> None:
    check(subject("sampler", "sites"))
