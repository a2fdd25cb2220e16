"""What a module keeps where torch does not look: it is neither trained, moved nor saved."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn


def hidden_modules(module: nn.Module) -> Iterator[str]:
    """Attributes that hold modules where torch does not look for them."""
    for name, value in vars(module).items():
        if name.startswith("_"):
            continue  # torch's own registers
        if isinstance(value, list | tuple | set | dict):
            items = value.values() if isinstance(value, dict) else value
            modules = [item for item in items if isinstance(item, nn.Module)]
            if any(list(kept.parameters()) for kept in modules):
                yield name


def stray_tensors(module: nn.Module) -> Iterator[str]:
    """Attributes that hold tensors which are no buffers."""
    for name, value in vars(module).items():
        items = list(value) if isinstance(value, list | tuple) else [value]
        if any(isinstance(item, Tensor) for item in items):
            yield name
