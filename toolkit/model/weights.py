"""A model's weights, as safetensors: written whole, read back without pickle."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from toolkit.runs.atomic import writing
from toolkit.runs.reading import reading


def save_weights(file: Path, model: nn.Module) -> None:
    """Write a model's state dict as safetensors."""
    state = {k: v.detach().cpu().contiguous().clone() for k, v in model.state_dict().items()}
    with writing(file) as half_made:
        save_file(state, half_made, {"format": "pt"})


def load_weights(file: Path, model: nn.Module) -> None:
    """Read weights back, every key of them, into the model's own memory format.

    Raises `DamagedFile`.
    """
    with reading(file, SafetensorError):
        state = load_file(file)
    model.load_state_dict(state)
