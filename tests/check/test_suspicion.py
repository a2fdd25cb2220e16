"""Labels ranked by how badly out-of-fold probabilities fit them."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from toolkit.check import suspicion
from toolkit.check.suspicion import ranked
from toolkit.errors import UserError

CLASSES = ("ticket", "letter", "form")
P = np.array(
    [
        [0.90, 0.05, 0.05],  # a: given ticket, and sure of it
        [0.02, 0.08, 0.90],  # b: given ticket, surely a form
        [0.30, 0.40, 0.30],  # c: given form, nobody knows
        [0.05, 0.93, 0.02],  # d: given letter
        [0.00, 0.70, 0.30],  # e: given form, rather a letter
    ],
    dtype=np.float32,
)
LABELS = np.array([0, 0, 2, 1, 2])


def test_the_least_probable_label_comes_first_with_the_likeliest_other_class() -> None:
    found = ranked("abcde", LABELS, P, CLASSES, "self_confidence")
    rows = found.rows
    assert found.method == "self_confidence"
    assert rows["rank"].tolist() == [1, 2, 3, 4, 5]
    assert rows["id"].tolist() == ["b", "c", "e", "a", "d"]  # c and e tie, by their IDs
    assert rows["given"].tolist()[:3] == ["ticket", "form", "form"]
    assert rows["suggested"].tolist()[:3] == ["form", "letter", "letter"]
    assert rows["flagged"].tolist() == [True, True, True, False, False]
    # The label of a row is never suggested for it.
    assert (rows["given"] != rows["suggested"]).all()


def test_the_margin_tells_a_sure_other_class_from_doubt() -> None:
    rows = ranked("abcde", LABELS, P, CLASSES, "normalized_margin").rows
    assert rows["id"].tolist() == ["b", "e", "c", "a", "d"]
    # b: (0.02 - 0.90 + 1) / 2
    assert rows["quality"][0] == pytest.approx(0.06, abs=1e-5)


def test_without_cleanlab_the_ranking_says_what_it_used_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suspicion, "find_spec", lambda name: None)
    found = ranked("abcde", LABELS, P, CLASSES)
    assert found.method == "self_confidence, since cleanlab is not installed"
    with pytest.raises(UserError, match=r"pip install 'recipe-toolkit\[audit\]'"):
        ranked("abcde", LABELS, P, CLASSES, "cleanlab")


@pytest.mark.skipif(importlib.util.find_spec("cleanlab") is None, reason="needs cleanlab")
def test_cleanlab_flags_what_confident_learning_does_and_puts_it_first() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    p = rng.dirichlet([1, 1, 1], 300)
    p[np.arange(300), truth] += 2
    labels = truth.copy()
    labels[:15] = (labels[:15] + 1) % 3
    found = ranked([f"{n:03d}" for n in range(300)], labels, p.astype(np.float32), CLASSES)
    assert found.method.startswith("cleanlab ")
    first = set(found.rows["id"].head(15).astype(int))
    assert len(first & set(range(15))) >= 13
    assert found.rows["flagged"].is_monotonic_decreasing
