"""A fold's precision, determinism and clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from toolkit.contracts import Event


def flags() -> tuple[bool, bool, bool]:
    cudnn = torch.backends.cudnn
    return torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark


def test_a_fold_is_trained_with_the_determinism_that_the_recipe_asks_for(
    one_fold: Any, tmp_path: Path
) -> None:
    seen = []
    keys = {"train.deterministic": True, "train.epochs": 1}
    folder = one_fold(tmp_path / "run", keys, notify=lambda event: seen.append(flags()))
    assert set(seen) == {(True, True, False)}
    assert not flags()[0]
    plain = one_fold(tmp_path / "plain", {"train.epochs": 1})
    assert folder.weights.read_bytes() == plain.weights.read_bytes()  # on a CPU


def test_what_was_trained_in_bfloat16_is_predicted_in_float32(
    one_fold: Any, tmp_path: Path
) -> None:
    keys = {"train.precision": "bf16", "train.epochs": 1, "augment.tta.views": ["identity"]}
    folder = one_fold(tmp_path / "bf16", keys)
    assert json.loads(folder.done.read_text())["precision"] == "bf16"
    columns = ["p_0", "p_1", "p_2"]
    found = pd.read_parquet(folder.oof)[columns].to_numpy()
    kept = folder.weights.read_bytes()
    # The same weights in a float32 run, which only predicts.
    plain = one_fold(tmp_path / "fp32", keys | {"train.precision": "fp32"})
    assert plain.weights.read_bytes() != kept
    plain.weights.write_bytes(kept)
    plain.oof.unlink()
    one_fold(tmp_path / "fp32", keys | {"train.precision": "fp32"})
    np.testing.assert_array_equal(pd.read_parquet(plain.oof)[columns].to_numpy(), found)


def test_an_epoch_that_takes_no_time_has_no_rate_and_ends(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toolkit.train.loop as loop

    monkeypatch.setattr(loop.time, "perf_counter", lambda: 5.0)  # a clock of coarse steps
    folder = one_fold(tmp_path / "run")
    facts = json.loads(folder.done.read_text())
    assert (facts["seconds"], facts["images_per_second"]) == (0.0, 0.0)
    assert pd.read_csv(folder.history)["images_per_second"].tolist() == [0.0, 0.0]


def test_the_console_has_no_rate_where_the_clock_did_not_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from toolkit.cli import meter as room

    clock = [5.0]
    monkeypatch.setattr(room.time, "perf_counter", lambda: clock[0])
    meter = room.Meter()
    where = {"fold": 0, "folds": 1, "epoch": 0, "epochs": 1, "images": 8}
    for step in (1, 2):
        meter.add(Event("train", done=step, total=4, data=where))
    assert meter.figures == ""
    clock[0] = 6.0
    meter.add(Event("train", done=3, total=4, data=where))
    assert meter.figures.startswith("8 images/s")
