"""The training loop against numbers worked by hand.

The model is three biases, whatever the image: logits b. Cross-entropy's gradient is softmax(b) less
the mean target of the step's rows, so that each step can be worked out with powers of two. Fold 0
trains on 12 rows, 4 of each class; b begins at (ln 2, 0, 0), whose softmax is (1/2, 1/4, 1/4).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from safetensors.torch import load_file
from torch import Tensor, nn

import toolkit.train.checkpoint as checkpoint
import toolkit.train.loop as loop
from toolkit.contracts import Event, Facts, Ints
from toolkit.data.loader import Batches
from toolkit.plugin.host import load_host
from toolkit.plugin.registry import Entry
from toolkit.runs.folder import FoldFolder
from toolkit.train.evaluate import Evaluator
from toolkit.train.loop import rows_of_steps
from toolkit.train.schedule import LearningRate
from toolkit.train.state import load_tree

HERE = "toolkit_test_loop"
LN2, LN3 = math.log(2), math.log(3)


class Biases(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.tensor([LN2, 0.0, 0.0]))

    def forward(self, batch: Tensor) -> Tensor:
        return self.b.expand(len(batch), 3)


def biases(facts: Facts, /, *, pretrained: bool = False) -> nn.Module:
    assert facts.counts == (4, 4, 4)
    return Biases()


def by_class(labels: Ints, /) -> Callable[[np.random.Generator], Ints]:
    """All rows of the first class, then those of the second, ..."""
    return lambda rng: np.argsort(labels, kind="stable")


Trains = Callable[..., FoldFolder]

PLAIN: dict[str, Any] = {
    "backbone.use": "acme.biases",
    "backbone.pretrained": False,
    "augment.train.use": "none",
    "sampler.use": "acme.by_class",
    "loss.use": "cross_entropy",
    "optimizer.use": "momentum",
    "optimizer.momentum": 0.0,
    "optimizer.weight_decay": 0.0,
    "optimizer.lr": 0.6,
    "schedule.use": "constant",
    "schedule.warmup_epochs": 0,
    "train.epochs": 1,
    "train.batch_size": 12,
    "train.select": "last",
}


@pytest.fixture
def trains(one_fold: Any, monkeypatch: pytest.MonkeyPatch) -> Trains:
    """`trains(folder, {...})`: the first fold, with these keys laid over `PLAIN`."""
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    monkeypatch.syspath_prepend(Path(__file__).parent)
    host = load_host()
    for kind, name in (("backbone", "biases"), ("sampler", "by_class")):
        target = f"{HERE}:{name}"
        host.registry.add([Entry(kind, f"acme.{name}", target, name, "acme", "acme", "1")])
    acme = replace(one_fold, host=host)

    def train(folder: Path, keys: dict[str, Any], **options: Any) -> FoldFolder:
        found: FoldFolder = acme(folder, PLAIN | keys, **options)
        return found

    return train


def b(folder: FoldFolder) -> list[float]:
    found: list[float] = load_file(folder.weights)["b"].tolist()
    return found


def losses(folder: FoldFolder) -> list[float]:
    found: list[float] = pd.read_csv(folder.history)["train_loss"].tolist()
    return found


# The gradient of a step over all rows: (1/2, 1/4, 1/4) - (1/3, 1/3, 1/3) = (1/6, -1/12, -1/12).
ONE_STEP = [LN2 - 0.6 / 6, 0.6 / 12, 0.6 / 12]


@pytest.mark.parametrize(
    ("batch_size", "accumulate"),
    [
        (12, 1),
        (4, 3),  # whole groups
        (4, 8),  # one group, not full
        (5, 4),  # 12 rows in three batches, a group of three of four
        (7, 2),  # two batches
    ],
)
def test_a_step_is_the_mean_over_its_rows_however_they_are_cut(
    trains: Trains, tmp_path: Path, batch_size: int, accumulate: int
) -> None:
    keys = {"train.batch_size": batch_size, "train.accumulate": accumulate}
    folder = trains(tmp_path, keys)
    assert b(folder) == pytest.approx(ONE_STEP, abs=1e-6)
    # 4 rows at -ln 1/2 = ln 2, 8 at -ln 1/4 = 2 ln 2; their mean, whatever the batches.
    assert losses(folder) == pytest.approx([20 / 12 * LN2], abs=1e-6)


def test_batches_of_unequal_length_weigh_by_their_rows(
    trains: Trains, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = {12: [1, 8]}  # the test images stay one batch
    monkeypatch.setattr(
        Batches, "split", lambda self, rows: np.split(rows, cuts.get(len(rows), []))
    )
    folder = trains(tmp_path, {"train.accumulate": 3})
    assert b(folder) == pytest.approx(ONE_STEP, abs=1e-6)
    assert losses(folder) == pytest.approx([20 / 12 * LN2], abs=1e-6)


# Batches of 4 are a class each. With accumulate = 2 the first step sees the classes 0 and 1, mean
# target (1/2, 1/2, 0): its gradient is (0, -1/4, 1/4), and the rate 4 ln 2 makes (ln 2, ln 2,
# -ln 2) of b, with softmax (4, 4, 1) / 9. The last step has class 2 alone, and averages over its
# own 4 rows: gradient (4, 4, -8) / 9.
TWO_STEPS = {"train.batch_size": 4, "train.accumulate": 2, "optimizer.lr": 4 * LN2}


def test_the_last_step_of_an_epoch_may_have_fewer_batches_and_is_a_whole_step(
    trains: Trains, tmp_path: Path
) -> None:
    folder = trains(tmp_path, TWO_STEPS)
    assert b(folder) == pytest.approx([-7 / 9 * LN2, -7 / 9 * LN2, 23 / 9 * LN2], abs=1e-5)
    # Class 0 at ln 2, class 1 at 2 ln 2, both before the first step; class 2 at ln 9 behind it.
    assert losses(folder) == pytest.approx([(3 * LN2 + 2 * LN3) / 3], abs=1e-6)


def test_the_schedule_moves_behind_each_optimizer_step_and_not_behind_a_batch(
    trains: Trains, tmp_path: Path
) -> None:
    """One epoch of warm-up is two steps: the first has half of the rate, the second all of it."""
    folder = trains(tmp_path, TWO_STEPS | {"optimizer.lr": 8 * LN2, "schedule.warmup_epochs": 1})
    # As above, but for the second step's rate, which is 8 ln 2: ln 2 (1 - 32/9), -1 + 64/9.
    assert b(folder) == pytest.approx([-23 / 9 * LN2, -23 / 9 * LN2, 55 / 9 * LN2], abs=1e-5)
    # The rate that the epoch began with.
    assert pd.read_csv(folder.history)["lr"].tolist() == pytest.approx([4 * LN2])


@pytest.mark.parametrize("accumulate", [1, 3])
def test_the_norm_of_a_steps_whole_gradient_is_held_below_the_limit(
    trains: Trains, tmp_path: Path, accumulate: int
) -> None:
    """The norm of (1/6, -1/12, -1/12) is 1 / sqrt(24) = 0.204; that of a batch of one class alone
    is larger, and is none of a step."""
    keys = {"train.batch_size": 12 // accumulate, "train.accumulate": accumulate}
    part = 0.1 * math.sqrt(24)
    clipped = trains(tmp_path / "clipped", keys | {"train.clip_grad": 0.1})
    expected = [LN2 - part * 0.1, part * 0.05, part * 0.05]
    assert b(clipped) == pytest.approx(expected, abs=1e-5)
    below = trains(tmp_path / "below", keys | {"train.clip_grad": 0.21})
    assert b(below) == pytest.approx(ONE_STEP, abs=1e-6)


def test_label_smoothing_moves_the_targets_of_a_step(trains: Trains, tmp_path: Path) -> None:
    keys = {"train.batch_size": 4, "train.label_smoothing": 0.75, "optimizer.lr": 1.0}
    folder = trains(tmp_path, keys, steps=1)
    # Class 0 alone: its target is 1/4 + 0.75 / 3 = 1/2, the others' 1/4 each. That is softmax(b).
    assert b(folder) == pytest.approx([LN2, 0, 0], abs=1e-6)


def test_a_smoke_step_is_a_whole_step_of_what_it_sees(trains: Trains, tmp_path: Path) -> None:
    keys = {"train.batch_size": 4, "train.accumulate": 8}
    folder = trains(tmp_path, keys, steps=1)
    # Class 0 alone: the gradient is (-1/2, 1/4, 1/4).
    assert b(folder) == pytest.approx([LN2 + 0.3, -0.15, -0.15], abs=1e-6)


def test_what_a_step_does_is_done_in_this_order(
    trains: Trains, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clipping, which unscales what the scaler scaled, lies between the last backward pass of a
    step and the optimizer; the schedule moves behind it."""
    done: list[str] = []

    def tells(owner: type, name: str, word: str) -> None:
        sound = getattr(owner, name)

        def told(*arguments: Any, **options: Any) -> Any:
            done.append(word)
            return sound(*arguments, **options)

        monkeypatch.setattr(owner, name, told)

    tells(Accelerator, "backward", "backward")
    tells(Accelerator, "clip_grad_norm_", "clip")
    tells(AcceleratedOptimizer, "step", "step")
    tells(AcceleratedOptimizer, "zero_grad", "zero")
    tells(LearningRate, "step", "rate")
    trains(tmp_path, TWO_STEPS | {"train.clip_grad": 1.0})
    end = ["clip", "step", "zero", "rate"]
    assert done == ["zero", "backward", "backward", *end, "backward", *end]


class Killed(BaseException):
    """Nothing that is caught anywhere, as a kill is not."""


STATEFUL = TWO_STEPS | {
    "train.epochs": 3,
    "train.select": "best",
    "optimizer.lr": 0.5,
    "optimizer.momentum": 0.9,
    "schedule.use": "plateau",
    "schedule.patience": 0,
    "sampler.use": "shuffle",
}


@pytest.mark.parametrize("behind", [1, 2, 3])
def test_a_resumed_fold_is_one_that_was_never_stopped(
    trains: Trains, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    """Momentum, the plateau's count, the order and the best epoch so far: all are in the state."""
    whole = trains(tmp_path / "whole", STATEFUL)
    saved = checkpoint.save_tree

    def save(file: Path, tree: Any) -> None:
        saved(file, tree)
        if tree["progress"]["epoch"] == behind:
            raise Killed

    monkeypatch.setattr(checkpoint, "save_tree", save)
    with pytest.raises(Killed):
        trains(tmp_path / "killed", STATEFUL)
    monkeypatch.setattr(checkpoint, "save_tree", saved)
    again = trains(tmp_path / "killed", STATEFUL)
    for file in ("weights.safetensors", "oof.parquet", "test.parquet"):
        assert (again.path / file).read_bytes() == (whole.path / file).read_bytes()
    times = ["seconds", "images_per_second"]
    first, second = (pd.read_csv(f.history).drop(columns=times) for f in (whole, again))
    pd.testing.assert_frame_equal(first, second)
    assert len(first) == 3
    assert first["lr"].nunique() > 1  # the plateau was lowered on the way


def test_an_epoch_is_told_when_its_state_and_its_weights_are_safe(
    trains: Trains, tmp_path: Path
) -> None:
    folder = FoldFolder(tmp_path / "folds" / "0")
    told: list[tuple[int, int, bool]] = []

    def notify(event: Event) -> None:
        if event.stage == "epoch":
            progress = load_tree(folder.state)["progress"]
            best = folder.best(progress["best_epoch"]).is_file()
            told.append((event.data["epoch"], progress["epoch"], best))

    trains(tmp_path, STATEFUL, notify=notify)
    assert told == [(epoch, epoch, True) for epoch in (1, 2, 3)]


def test_another_variant_is_scored_and_written_beside_the_clean_images(
    trains: Trains, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a twin of the validation images needs is one more entry."""

    def with_twin(*arguments: Any) -> Evaluator:
        made = Evaluator(*arguments)
        return replace(made, variants={**made.variants, "robust": made.variants["clean"]})

    alone = trains(tmp_path / "alone", {})
    monkeypatch.setattr(loop, "Evaluator", with_twin)
    folder = trains(tmp_path / "both", {})
    (row,) = pd.read_csv(folder.history).to_dict("records")
    for name in ("f1", "accuracy", "log_loss"):
        assert row[f"robust_{name}"] == row[f"clean_{name}"]
    rows = pd.read_parquet(folder.oof)
    clean, twin = (
        rows[rows["variant"] == name].reset_index(drop=True) for name in ("clean", "robust")
    )
    pd.testing.assert_frame_equal(clean, pd.read_parquet(alone.oof))
    pd.testing.assert_frame_equal(twin.assign(variant="clean"), clean)
    assert folder.weights.read_bytes() == alone.weights.read_bytes()


def test_rows_of_steps_counts_what_is_in_each_group() -> None:
    assert rows_of_steps([3, 2, 2], 1) == [3, 2, 2]
    assert rows_of_steps([3, 2, 2], 2) == [5, 2]
    assert rows_of_steps([3, 2, 2], 4) == [7]
