"""A model's weights, to a file and back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from toolkit.model.weights import load_weights, save_weights


def small_model(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 36, 3))
    return model.to(memory_format=torch.channels_last)


def test_weights_come_back_into_the_models_memory_format(tmp_path: Path) -> None:
    saved, model = small_model(0), small_model(1)
    saved(torch.randn(2, 3, 8, 8))  # which moves the buffers, too
    save_weights(tmp_path / "weights.safetensors", saved)
    load_weights(tmp_path / "weights.safetensors", model)
    for key, value in saved.state_dict().items():
        assert torch.equal(model.state_dict()[key], value)
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_weights_that_lack_a_key_are_not_loaded(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights.safetensors", nn.Sequential(nn.Conv2d(3, 8, 3)))
    with pytest.raises(RuntimeError, match="Missing key"):
        load_weights(tmp_path / "weights.safetensors", small_model(0))
