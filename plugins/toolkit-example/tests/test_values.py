"""Values worked by hand: what the conformance kit cannot know."""

import numpy as np
import pytest
import torch
from toolkit.contracts import Facts, ImageSpec, Predictions

from toolkit_example.augmentations import ink_fade
from toolkit_example.ensemblers import geometric
from toolkit_example.losses import poly
from toolkit_example.samplers import capped, even_groups

FACTS = Facts(classes=("form", "letter"), counts=(5, 3), image=ImageSpec(size=64), seed=0)


def test_poly_adds_epsilon_times_the_missing_probability() -> None:
    # Logits (ln 3, 0): p = 3/4, so the loss is -ln(3/4) + 2 * 1/4.
    logits, targets = torch.tensor([[3.0, 1.0]]).log(), torch.tensor([[1.0, 0.0]])
    assert poly(FACTS, epsilon=2.0)(logits, targets).item() == pytest.approx(
        0.28768 + 0.5, abs=1e-5
    )


def test_ink_pales_and_white_paper_stays_white() -> None:
    page = np.full((8, 8, 3), 255, dtype=np.uint8)
    page[2:6] = 100
    faded = ink_fade(FACTS.image, strength=0.5)(page, np.random.default_rng(0))
    assert (faded[:2] == 255).all()
    assert (faded[2:6] > 100).any()
    assert (faded[2:6] <= 178).all()  # 100 + 0.5 * 155 = 177.5


def test_the_geometric_mean_is_normalized() -> None:
    rows = [np.array([[0.9, 0.1]], dtype=np.float32), np.array([[0.5, 0.5]], dtype=np.float32)]
    members = [Predictions(("a",), row, FACTS.classes) for row in rows]
    # sqrt(0.9 * 0.5) : sqrt(0.1 * 0.5) = 3 : 1
    assert geometric(FACTS).combine(members).probabilities == pytest.approx(
        np.array([[0.75, 0.25]])
    )


def test_no_class_has_more_rows_than_the_cap_and_none_comes_twice() -> None:
    labels = np.array([0, 1, 0, 0, 1, 0, 0, 1])
    rows = capped(labels, rows=4)(np.random.default_rng(0))
    assert sorted(labels[rows]) == [0, 0, 0, 0, 1, 1, 1]
    assert len(set(rows.tolist())) == 7


def test_each_group_is_as_likely_as_another() -> None:
    groups = np.array(["north", "south", "north", "north"], dtype=object)
    weights = even_groups(np.array([0, 1, 0, 1]), groups)
    assert weights == pytest.approx([1 / 3, 1, 1 / 3, 1 / 3])
    assert (even_groups(np.array([0, 1, 0, 1]), groups, strength=0.0) == 1).all()
