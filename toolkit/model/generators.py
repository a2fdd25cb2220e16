"""The generators that dropout, stochastic depth and a model's first weights draw from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


def rng_state() -> dict[str, Any]:
    """Where every device's generator stands."""
    found: dict[str, Any] = {"cpu": torch.get_rng_state()}
    for device, there in _devices().items():
        found[device] = torch.get_device_module(device).get_rng_state() if there else None
    return found


def set_rng_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["cpu"])
    for device, there in _devices().items():
        if there and state.get(device) is not None:
            torch.get_device_module(device).set_rng_state(state[device])


def _devices() -> dict[str, bool]:
    """Devices beside the CPU that draw from a generator of their own, and whether they are here."""
    return {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "xpu": torch.xpu.is_available(),
    }


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """What happens inside may draw from the generators: they go on as if it had not."""
    state = rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
