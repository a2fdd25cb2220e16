"""A sampler that draws rows twice: two augmentations, and the same bytes after a resume."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

OVERRIDES: dict[str, Any] = {
    "sampler.use": "balanced",
    "augment.train.use": "document",
    "backbone.use": "resnet18",  # at 32 pixels one row does not train
    "backbone.pretrained": False,
    "train.batch_size": 2,
    "train.epochs": 2,
}


class StopsBehind:
    """A watch that stops a fold behind an epoch, as a kill would."""

    def __init__(self, epoch: int) -> None:
        self.last = epoch

    def epoch(self, fold: int, metrics: Mapping[str, float], /) -> bool:
        return metrics["epoch"] < self.last

    def fold(self, fold: int, scores: Mapping[str, float], /) -> bool:
        return True


def test_a_resume_between_epochs_of_repeated_draws_gives_the_same_bytes(
    one_fold: Any, tmp_path: Path
) -> None:
    whole = one_fold(tmp_path / "whole", OVERRIDES)
    begun = one_fold(tmp_path / "begun", OVERRIDES, watch=StopsBehind(1))
    assert not begun.done.is_file()
    resumed = one_fold(tmp_path / "begun", OVERRIDES)
    assert resumed.oof.read_bytes() == whole.oof.read_bytes()
    expected = load_file(whole.weights)
    for name, weight in load_file(resumed.weights).items():
        assert torch.equal(weight, expected[name]), name
