"""Losses over target probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from toolkit.builtin.losses import class_balanced, cross_entropy, focal
from toolkit.contracts import Facts
from toolkit.errors import UserError

MakeFacts = Callable[..., Facts]

# Softmax gives p = (4/5, 1/5): log p = (-0.2231436, -1.6094379).
LOGITS = torch.tensor([[math.log(4.0), 0.0]])
FIRST = torch.tensor([[1.0, 0.0]])
SECOND = torch.tensor([[0.0, 1.0]])


def batch(rows: int = 20, classes: int = 3) -> tuple[Tensor, Tensor]:
    """Logits, and soft targets."""
    generator = torch.Generator().manual_seed(0)
    logits = 5 * torch.randn(rows, classes, generator=generator)
    targets = torch.randn(rows, classes, generator=generator).softmax(dim=1)
    return logits, targets


def weights_of(module: torch.nn.Module) -> list[float]:
    assert isinstance(module.weights, Tensor)
    return module.weights.tolist()


@pytest.mark.parametrize("hard", [True, False])
def test_focal_without_gamma_and_alpha_is_cross_entropy_exactly(
    make_facts: MakeFacts, hard: bool
) -> None:
    logits, targets = batch()
    if hard:
        targets = F.one_hot(targets.argmax(dim=1), 3).float()
    expected = F.cross_entropy(logits, targets)
    facts = make_facts(5, 9, 2)
    assert torch.equal(focal(facts, gamma=0.0, alpha="none")(logits, targets), expected)
    assert torch.equal(cross_entropy(facts)(logits, targets), expected)


def test_the_focal_factor_is_as_worked_by_hand(make_facts: MakeFacts) -> None:
    loss = focal(make_facts(5, 5), gamma=2.0)
    # (1 - 0.8)^2 x 0.2231436 = 0.0089257
    assert loss(LOGITS, FIRST).item() == pytest.approx(0.0089257, rel=1e-4)
    # (1 - 0.2)^2 x 1.6094379 = 1.0300403
    assert loss(LOGITS, SECOND).item() == pytest.approx(1.0300403, rel=1e-5)
    # 0.75 x 0.0089257 + 0.25 x 1.0300403 = 0.2642044
    soft = torch.tensor([[0.75, 0.25]])
    assert loss(LOGITS, soft).item() == pytest.approx(0.2642044, rel=1e-5)
    # the mean over a batch of the first two: (0.0089257 + 1.0300403) / 2
    two = loss(LOGITS.repeat(2, 1), torch.cat([FIRST, SECOND]))
    assert two.item() == pytest.approx(0.5194830, rel=1e-5)


def test_class_weights_multiply_and_leave_the_focal_factor_alone(make_facts: MakeFacts) -> None:
    facts = make_facts(5, 5)
    plain, weighted = focal(facts, gamma=2.0), focal(facts, gamma=2.0, alpha=[3.0, 0.5])
    for targets, weight in ((FIRST, 3.0), (SECOND, 0.5)):
        expected = weight * plain(LOGITS, targets).item()
        assert weighted(LOGITS, targets).item() == pytest.approx(expected, rel=1e-6)


def test_alpha_gives_rare_classes_more_weight(make_facts: MakeFacts) -> None:
    # count ** -0.5 = (1, 1/2); over the rows 1 x 1 + 4 x 1/2 = 3, to be 5: times 5/3
    assert weights_of(focal(make_facts(1, 4), alpha=0.5)) == pytest.approx([5 / 3, 5 / 6])
    # count ** -1 = (1, 1/4); 1 + 1 = 2, to be 5: times 5/2
    assert weights_of(focal(make_facts(1, 4), alpha=1.0)) == pytest.approx([5 / 2, 5 / 8])


def test_an_alpha_of_zero_weighs_all_classes_the_same(make_facts: MakeFacts) -> None:
    logits, targets = batch()
    facts = make_facts(5, 90, 2)
    assert weights_of(focal(facts, alpha=0.0)) == [1.0, 1.0, 1.0]
    torch.testing.assert_close(
        focal(facts, alpha=0.0)(logits, targets), focal(facts)(logits, targets)
    )


def test_weights_by_the_effective_number_are_as_worked_by_hand(make_facts: MakeFacts) -> None:
    # (1 - 1/2) / (1 - 1/2^n) = (1, 2/3) for n = (1, 2); 1 + 2 x 2/3 = 7/3, to be 3: times 9/7
    found = weights_of(class_balanced(make_facts(1, 2), beta=0.5))
    assert found == pytest.approx([9 / 7, 6 / 7])
    assert weights_of(class_balanced(make_facts(1, 99), beta=0.0)) == pytest.approx([1, 1])


@pytest.mark.parametrize(
    "make",
    [
        lambda facts: focal(facts, alpha=0.3),
        lambda facts: focal(facts, alpha=1.0),
        lambda facts: class_balanced(facts),
        lambda facts: class_balanced(facts, beta=0.5),
    ],
)
def test_weights_average_one_over_the_training_rows(
    make_facts: MakeFacts, make: Callable[[Facts], torch.nn.Module]
) -> None:
    facts = make_facts(1, 20, 300, 0)
    weights = weights_of(make(facts))
    mean = sum(w * n for w, n in zip(weights, facts.counts, strict=True)) / sum(facts.counts)
    assert mean == pytest.approx(1.0)
    assert weights[0] > weights[1] > weights[2] > 0
    assert weights[3] == 0  # no row has this class


@pytest.mark.parametrize("alpha", [[], [1.0], [1.0, 2.0, 3.0], [1.0, -0.5]])
def test_a_list_that_is_no_weight_a_class_is_an_error(
    make_facts: MakeFacts, alpha: list[float]
) -> None:
    with pytest.raises(UserError, match="expected 2 weights of at least 0, one a class") as error:
        focal(make_facts(5, 5), alpha=alpha)
    assert str(alpha) in str(error.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "make",
    [
        cross_entropy,
        lambda facts: focal(facts, gamma=0.5, alpha=0.5),
        lambda facts: focal(facts, gamma=2.0),
        lambda facts: class_balanced(facts, gamma=1.0),
    ],
)
def test_loss_and_gradient_are_finite_at_extreme_logits(
    make_facts: MakeFacts, make: Callable[[Facts], torch.nn.Module], dtype: torch.dtype
) -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]], dtype=dtype, requires_grad=True)
    targets = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])
    loss = make(make_facts(5, 9, 2))(logits, targets)
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)
    loss.backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_the_gradient_is_finite_where_the_model_is_certain(make_facts: MakeFacts) -> None:
    """The derivative of (1 - p) ** 0.5 is infinite at p = 1."""
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    focal(make_facts(5, 5), gamma=0.5)(logits, FIRST).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_bf16_logits_are_computed_in_float32(make_facts: MakeFacts) -> None:
    logits, targets = batch()
    low = logits.bfloat16()
    loss = focal(make_facts(5, 9, 2), gamma=2.0, alpha=0.5)
    assert torch.equal(loss(low, targets), loss(low.float(), targets))


def test_the_gradient_is_that_of_the_formula(make_facts: MakeFacts) -> None:
    logits, targets = batch(rows=4)
    loss = focal(make_facts(5, 9, 2), gamma=1.5, alpha=0.5)
    weights = torch.tensor(weights_of(loss))

    def formula(z: Tensor) -> Tensor:
        p = z.softmax(dim=1)
        return (-targets * weights * (1 - p) ** 1.5 * p.log()).sum(dim=1).mean()

    given, expected = (logits.clone().requires_grad_() for _ in range(2))
    loss(given, targets).backward()
    formula(expected).backward()
    torch.testing.assert_close(given.grad, expected.grad, rtol=1e-4, atol=1e-6)


def test_the_weights_move_with_the_module(make_facts: MakeFacts) -> None:
    loss = focal(make_facts(1, 4), alpha=0.5)
    assert "weights" in dict(loss.named_buffers())
