"""The learning rate, step by step."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import pytest
import torch
from torch.optim import SGD

from toolkit.recipe.sections import Constant, Cosine, Plateau, Schedule
from toolkit.train.schedule import LearningRate

BASE = 0.5


def rate_of(schedule: Schedule, epochs: int = 5, steps: int = 4) -> LearningRate:
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=BASE)
    return LearningRate(optimizer, schedule, epochs, steps)


def factors(rate: LearningRate, steps: int) -> list[float]:
    """The factor at each of the next steps, as the optimizer sees it."""
    found = []
    for _ in range(steps):
        found.append(rate.optimizer.param_groups[0]["lr"] / BASE)
        rate.step()
    return found


@pytest.mark.parametrize(
    "schedule",
    [Cosine(warmup_epochs=1.5), Plateau(warmup_epochs=1.5), Constant(warmup_epochs=1.5)],
)
def test_the_rate_warms_up_step_by_step_from_the_first(schedule: Schedule) -> None:
    # 1.5 epochs of 4 steps: 1/6, 2/6, ... 6/6
    expected = [n / 6 for n in range(1, 7)]
    assert factors(rate_of(schedule), 6) == pytest.approx(expected)


def test_without_warm_up_the_first_step_has_the_full_rate() -> None:
    assert rate_of(Cosine(warmup_epochs=0)).rate == BASE
    assert rate_of(Constant()).rate == BASE


def test_a_constant_rate_stays() -> None:
    rate = rate_of(Constant())
    assert factors(rate, 30) == [1.0] * 30
    rate.epoch_end(0.0)
    rate.epoch_end(0.0)
    assert rate.rate == BASE


def test_the_cosine_goes_from_one_to_its_end() -> None:
    # 20 steps, 4 of them warm-up: the cosine's middle is at step 4 + 16/2, its end at step 20.
    found = factors(rate_of(Cosine(warmup_epochs=1, min_scale=0.1)), 21)
    assert found[4] == pytest.approx(1.0)
    assert found[8] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2)
    assert found[12] == pytest.approx(0.55)
    assert found[20] == pytest.approx(0.1)
    assert all(a > b for a, b in pairwise(found[4:]))


def test_the_cosine_stays_at_its_end_and_a_longer_warm_up_is_no_fault() -> None:
    assert factors(rate_of(Cosine(min_scale=0.1)), 40)[20:] == pytest.approx([0.1] * 20)
    assert factors(rate_of(Cosine(warmup_epochs=9)), 20)[-1] == pytest.approx(20 / 36)
    assert factors(rate_of(Cosine(warmup_epochs=5)), 21)[19:] == [1.0, 1.0]  # all of it


def after(rate: LearningRate, metrics: list[float]) -> list[float]:
    """The factor after each epoch of one step."""
    found = []
    for metric in metrics:
        rate.step()
        rate.epoch_end(metric)
        found.append(rate.rate / BASE)
    return found


PLATEAU = Plateau(warmup_epochs=0, factor=0.5, patience=2, min_scale=0.2)


def test_the_plateau_lowers_the_rate_once_its_patience_is_used_up() -> None:
    # best, then 1 and 2 epochs without a rise are borne, the third lowers
    assert after(rate_of(PLATEAU), [0.5, 0.5, 0.4, 0.5]) == [1, 1, 1, 0.5]


def test_the_plateau_begins_to_count_again_after_each_lowering() -> None:
    assert after(rate_of(PLATEAU), [0.5] * 7) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_a_rise_never_lowers_and_starts_the_count_anew() -> None:
    assert after(rate_of(PLATEAU), [n / 20 for n in range(20)]) == [1] * 20
    assert after(rate_of(PLATEAU), [0.5, 0.4, 0.4, 0.6, 0.5, 0.5, 0.5]) == [1] * 6 + [0.5]


def test_a_rise_counts_from_the_best_not_from_the_last() -> None:
    assert after(rate_of(PLATEAU), [0.5, 0.1, 0.2, 0.3]) == [1, 1, 1, 0.5]


def test_the_plateau_stops_at_its_lowest_rate() -> None:
    assert after(rate_of(PLATEAU), [0.5] * 20)[-1] == pytest.approx(0.2)


def test_without_patience_the_first_epoch_without_a_rise_lowers() -> None:
    rate = rate_of(Plateau(warmup_epochs=0, factor=0.5, patience=0))
    assert after(rate, [0.5, 0.6, 0.6, 0.7]) == [1, 1, 0.5, 0.5]


def test_the_plateau_does_not_count_while_it_warms_up() -> None:
    rate = rate_of(Plateau(warmup_epochs=1, factor=0.5, patience=0), steps=4)
    # Epochs of one step here: steps 1 to 3 are warm-up, the fourth ends it and counts.
    assert after(rate, [0.5, 0.5, 0.5, 0.5]) == [0.5, 0.75, 1.0, 0.5]


def test_every_group_keeps_its_own_base() -> None:
    parameters = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    optimizer = SGD(
        [{"params": [p], "lr": lr} for p, lr in zip(parameters, (1.0, 0.1), strict=True)]
    )
    rate = LearningRate(optimizer, Cosine(warmup_epochs=0, min_scale=0.0), 1, 10)
    for _ in range(5):
        rate.step()
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.5, 0.05])
    assert rate.rate == pytest.approx(0.5)


@pytest.mark.parametrize(
    "schedule", [Cosine(warmup_epochs=2.5), PLATEAU, Constant(warmup_epochs=4)]
)
def test_a_restored_schedule_goes_on_where_it_was(schedule: Schedule) -> None:
    metrics = [0.1, 0.3, 0.3, 0.2, 0.3, 0.3, 0.4, 0.3]
    whole, first, second = (rate_of(schedule, epochs=8, steps=1) for _ in range(3))
    expected = after(whole, metrics)
    begun = after(first, metrics[:3])
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert second.rate == first.rate
    assert begun + after(second, metrics[3:]) == expected
    assert len(set(expected)) > 1


def test_the_state_before_the_first_epoch_can_be_restored() -> None:
    state = rate_of(PLATEAU).state_dict()
    rate = rate_of(PLATEAU)
    rate.load_state_dict(state)
    assert after(rate, [0.0, 0.0, 0.0, 0.0]) == [1, 1, 1, 0.5]
