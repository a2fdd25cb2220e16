"""timm's optimizers: made, and tried once on a model of a few weights."""

from __future__ import annotations

import inspect
import pickle
import random
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from timm.optim import create_optimizer_v2, get_optimizer_class, get_optimizer_info
from torch import Tensor, nn
from torch.optim import Optimizer

from toolkit.errors import cause

# What `toolkit/train/state.py` writes and reads back.
_KEPT = (Tensor, torch.dtype, bool, int, float, str, type(None))


def make(
    model: nn.Module, use: str, lr: float, weight_decay: float, momentum: float, *, fused: bool
) -> Optimizer:
    """An optimizer of timm's factory; weight decay skips biases, norms and what the model exempts.

    Raises whatever the factory or the optimizer does where it cannot be made.
    """
    made_by = get_optimizer_class(use, bind_defaults=False)
    has_fused = "fused" in inspect.signature(made_by).parameters
    options: dict[str, Any] = {"fused": True} if fused and has_fused else {}
    optimizer: Optimizer = create_optimizer_v2(
        model, opt=use, lr=lr, weight_decay=weight_decay, momentum=momentum, **options
    )
    return optimizer


@cache
def why_not(use: str) -> str | None:
    """Why an optimizer of timm's cannot train a run that may be stopped; None where it can.

    Two steps are made on the device that would train, so that a missing package, a missing GPU and
    a state that no file could hold show here, not behind the first epoch. What it compiles runs
    as it is: compiling takes minutes.
    """
    if get_optimizer_info(use).second_order:
        return "it needs second derivatives (create_graph), which training does not compute"
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        model = _few_weights().to(device)
        try:
            optimizer = make(model, use, 1e-3, 0.01, 0.9, fused=True)
            before = _hidden(optimizer)
            with torch.compiler.set_stance("force_eager"):
                for _ in range(2):
                    model(torch.randn(4, 3, 8, 8, device=device)).square().mean().backward()
                    optimizer.step()
        # A third party's optimizer, or the package behind it, may raise anything.
        except Exception as error:  # noqa: BLE001
            return " ".join(str(error).split()) or cause(error)
    odd = [type(v).__name__ for v in _leaves(optimizer.state_dict()) if not isinstance(v, _KEPT)]
    if odd:
        return f"its state holds a {odd[0]}, which no state file can"
    moved = [name for name, value in _hidden(optimizer).items() if before.get(name) != value]
    if moved:
        return (
            f"its random numbers (`{moved[0]}`) are no part of its state, so that a run that is "
            "stopped could not go on to the same bytes"
        )
    return None


def _few_weights() -> nn.Module:
    """A convolution, a norm, and a matrix large enough to be factored."""
    body = nn.Sequential(nn.Conv2d(3, 40, 3), nn.BatchNorm2d(40), nn.ReLU())
    return nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 40))


def _leaves(node: Any) -> Iterator[Any]:
    if isinstance(node, Mapping):
        for value in node.values():
            yield from _leaves(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _leaves(value)
    else:
        yield node


def _hidden(optimizer: Optimizer) -> dict[str, bytes]:
    """Random generators that an optimizer keeps beside its state, as bytes."""
    found = {}
    for name, value in vars(optimizer).items():
        if isinstance(value, torch.Generator):
            found[name] = value.get_state().numpy().tobytes()
        elif isinstance(value, random.Random | np.random.Generator | np.random.RandomState):
            found[name] = pickle.dumps(value)
    return found
