"""Training that others slow down is noticed, and what to do is said once."""

from __future__ import annotations

import pytest

from toolkit.contracts import Event
from toolkit.train.pace import Pace


class Training:
    """A training whose steps of 10 images take as long as the test says."""

    def __init__(self, load: float, environ: dict[str, str] | None = None) -> None:
        self.now, self.load, self.looks = 0.0, load, 0
        self.told: list[str] = []
        self.pace = Pace(self.notify, environ or {}, lambda: self.now, self.look, 2)
        self.step = 0

    def notify(self, event: Event) -> None:
        if event.stage == "message":
            self.told.append(event.text)

    def look(self) -> float:
        self.looks += 1
        return self.load

    def steps(self, count: int, seconds: float) -> None:
        for _ in range(count):
            self.step += 1
            self.now += seconds
            self.pace(Event("train", done=self.step, total=10**6, data={"images": 10}))


@pytest.fixture
def beside() -> Training:
    return Training(1.0)


def test_a_collapse_beside_others_is_said_once_with_what_to_do(beside: Training) -> None:
    beside.steps(60, 1.0)
    assert beside.told == []
    beside.steps(100, 5.0)
    (line,) = beside.told
    assert line.startswith("training has slowed to 2.0 images/s from 10.0, and other processes use")
    assert "give the same command again" in line


def test_a_hiccup_is_no_collapse(beside: Training) -> None:
    for _ in range(5):
        beside.steps(20, 1.0)
        beside.steps(2, 20.0)
    assert beside.told == []


def test_a_slow_training_without_others_is_not_blamed_on_them() -> None:
    alone = Training(0.1)
    alone.steps(60, 1.0)
    alone.steps(100, 5.0)
    assert alone.told == []
    assert 1 <= alone.looks <= 5  # looking stands still for a moment: seldom


def test_validation_between_two_steps_is_no_slow_step(beside: Training) -> None:
    for _ in range(20):
        beside.step = 0
        beside.steps(10, 1.0)
        beside.now += 300
        beside.pace(Event("predict"))
    assert beside.told == []


def test_where_threads_wait_passively_already_a_new_start_is_no_remedy() -> None:
    beside = Training(1.0, {"OMP_WAIT_POLICY": "PASSIVE"})
    beside.steps(60, 1.0)
    beside.steps(100, 5.0)
    (line,) = beside.told
    assert line.endswith(": stop them")
