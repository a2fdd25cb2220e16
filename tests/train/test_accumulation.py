"""A step's loss is the mean over its rows, however they are cut into batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from toolkit.data.loader import Batches
from toolkit.train.loop import rows_of_steps

# One row does not see the others in a transformer, so that only the cut of the batches differs;
# plain SGD shows the gradient itself, where Adam would hide its scale.
WHOLE: dict[str, Any] = {
    "backbone.use": "test_vit",
    "backbone.pretrained": False,
    "augment.train.use": "none",
    "optimizer.use": "sgd",
    "optimizer.lr": 0.05,
    "schedule.use": "constant",
    "train.epochs": 2,
    "train.precision": "fp32",
    "train.batch_size": 12,
    "train.accumulate": 1,
}


def weights_after(one_fold: Any, folder: Path, **train: Any) -> tuple[dict[str, Any], list[float]]:
    keys = {f"train.{key}": value for key, value in train.items()}
    fold = one_fold(folder, WHOLE | keys)
    losses = [float(line.split(",")[2]) for line in fold.history.read_text().splitlines()[1:]]
    return load_file(fold.weights), losses


@pytest.mark.parametrize(
    ("batch_size", "accumulate"),
    [
        (4, 3),  # whole groups
        (4, 8),  # one group, not full
        (5, 4),  # 12 rows in three batches, a group of three of four
        (7, 2),  # two batches
    ],
)
def test_the_same_step_is_the_same_step_however_it_is_cut(
    one_fold: Any, tmp_path: Path, batch_size: int, accumulate: int
) -> None:
    whole, losses = weights_after(one_fold, tmp_path / "whole")
    cut, cut_losses = weights_after(
        one_fold, tmp_path / "cut", batch_size=batch_size, accumulate=accumulate
    )
    assert cut_losses == pytest.approx(losses, rel=1e-4)
    for name, weight in whole.items():
        torch.testing.assert_close(cut[name], weight, rtol=1e-3, atol=1e-5, msg=name)


def test_unequal_batches_weigh_by_their_rows(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, losses = weights_after(one_fold, tmp_path / "whole")
    cuts = {12: [1, 8]}  # the test images stay one batch
    monkeypatch.setattr(
        Batches, "split", lambda self, rows: np.split(rows, cuts.get(len(rows), []))
    )
    cut, cut_losses = weights_after(one_fold, tmp_path / "cut", accumulate=3)
    assert cut_losses == pytest.approx(losses, rel=1e-4)
    for name, weight in whole.items():
        torch.testing.assert_close(cut[name], weight, rtol=1e-3, atol=1e-5, msg=name)


def test_a_smoke_step_is_a_whole_step_of_what_it_sees(one_fold: Any, tmp_path: Path) -> None:
    keys = WHOLE | {"train.batch_size": 4, "train.epochs": 1}
    alone = one_fold(tmp_path / "alone", keys, steps=1)
    in_group = one_fold(tmp_path / "in_group", keys | {"train.accumulate": 8}, steps=1)
    assert alone.weights.read_bytes() == in_group.weights.read_bytes()


def test_rows_of_steps_counts_what_is_in_each_group() -> None:
    assert rows_of_steps([3, 2, 2], 1) == [3, 2, 2]
    assert rows_of_steps([3, 2, 2], 2) == [5, 2]
    assert rows_of_steps([3, 2, 2], 4) == [7]
