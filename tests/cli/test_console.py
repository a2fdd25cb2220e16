"""What a terminal shows of folds that are trained side by side."""

from __future__ import annotations

import io
import sys

import pytest

from toolkit.cli.console import Console
from toolkit.contracts import Event


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def step(fold: int, epoch: int, done: int, stage: str = "train") -> Event:
    where = {"fold": fold, "folds": 3, "epoch": epoch, "epochs": 2, "images": 4}
    return Event(stage, done=done, total=5, data=where)


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setattr(sys, "stderr", Terminal())
    return Console()


def shown(console: Console) -> list[str]:
    return [task.description for task in console.progress.tasks]


def test_folds_side_by_side_have_a_bar_each(console: Console) -> None:
    with console:
        console.notify(Event("decode", done=3, total=9))
        for done in (1, 2):
            console.notify(step(0, 0, done))
            console.notify(step(1, 0, done))
        assert shown(console) == ["fold 1/3 epoch 1/2 train", "fold 2/3 epoch 1/2 train"]
        console.notify(step(1, 1, 5, stage="predict"))
        console.notify(step(0, 1, 1))
        console.notify(step(2, 0, 1))  # the second is done, and the third begins
        assert shown(console) == ["fold 1/3 epoch 2/2 train", "fold 3/3 epoch 1/2 train"]


def test_a_fold_alone_has_one_bar(console: Console) -> None:
    with console:
        for event in (step(0, 1, 5), step(0, 1, 5, stage="predict"), step(1, 0, 1)):
            console.notify(event)
            assert len(shown(console)) == 1


def test_the_rate_is_of_all_folds_together(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 0.0, 1.0, 1.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    for event in (step(0, 0, 1), step(1, 0, 1), step(0, 0, 2), step(1, 0, 3)):
        console.meter.add(event)
    # one step of four images in a second, and two, of which one was not told
    assert console.meter.rate == 4 + 8
    # a tenth of a fold at first, .2 and .3 of two a second later: .4 a second, and 2.5 are left
    assert console.meter.left == "0:06 left"
