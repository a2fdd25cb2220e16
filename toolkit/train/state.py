"""The loop's state is a value: one tree of tensors and plain values, saved without pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from toolkit.errors import PluginError
from toolkit.runs.atomic import writing
from toolkit.runs.reading import reading


def save_tree(file: Path, tree: Any) -> None:
    """Write a tree of dicts, lists, tensors, numbers and text as one safetensors file.

    Tensors go into the file's body, the rest into its header as JSON.
    """
    tensors: dict[str, Tensor] = {}
    skeleton = _flatten(tree, tensors)
    with writing(file) as half_made:
        save_file(tensors, half_made, {"tree": json.dumps(skeleton)})


def require_state(component: str, module: nn.Module, whose: str = "") -> None:
    """Raise `PluginError`, before anything trains, where no file can hold a module's state."""
    try:
        _flatten(module.state_dict(), {})
    except TypeError as error:
        raise PluginError(
            f"{component}: {error}; keep numbers with register_buffer, and give no extra state"
            f"{whose}"
        ) from error


def load_tree(file: Path) -> Any:
    """The tree that `save_tree` wrote, tensors on the CPU. Raises `DamagedFile`."""
    with (
        reading(file, SafetensorError, KeyError, TypeError, ValueError),
        safe_open(file, "pt") as opened,
    ):
        skeleton = json.loads(opened.metadata()["tree"])
        tensors = {name: opened.get_tensor(name).clone() for name in opened.keys()}  # noqa: SIM118
    return _restore(skeleton, tensors)


def _flatten(node: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(node, Tensor):
        name = str(len(tensors))
        tensors[name] = node.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(node, dict):  # as pairs: an optimizer's state has integer keys
        return {"dict": [[key, _flatten(value, tensors)] for key, value in node.items()]}
    if isinstance(node, list | tuple):
        return {"list": [_flatten(item, tensors) for item in node]}
    if isinstance(node, torch.dtype):
        return {"dtype": str(node).removeprefix("torch.")}
    if node is None or isinstance(node, bool | int | float | str):
        return {"value": node}
    raise TypeError(f"a {type(node).__name__} cannot be saved in a state")


def _restore(node: Any, tensors: dict[str, Tensor]) -> Any:
    if "tensor" in node:
        return tensors[node["tensor"]]
    if "dtype" in node:
        return getattr(torch, node["dtype"])
    if "dict" in node:
        return {key: _restore(value, tensors) for key, value in node["dict"]}
    if "list" in node:
        return [_restore(item, tensors) for item in node["list"]]
    return node["value"]


def load_optimizer(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Restore an optimizer so that it goes on to the last bit.

    A file has no memory format, while fused kernels walk a parameter and its moments in memory
    order: each moment is laid out like its parameter again. Torch also brings moments into the
    parameter's type, where the optimizer may have kept them in another: they get it back.
    """
    optimizer.load_state_dict(state)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    numbers = [number for group in state["param_groups"] for number in group["params"]]
    for number, parameter in zip(numbers, parameters, strict=True):
        if parameter in optimizer.state:
            loaded = optimizer.state[parameter]
            optimizer.state[parameter] = _as_saved(loaded, state["state"][number], parameter)


def _as_saved(loaded: Any, saved: Any, parameter: Tensor) -> Any:
    if isinstance(saved, Tensor):
        value = saved.to(loaded.device)
        if value.shape != parameter.shape:
            return value
        return torch.empty_like(parameter, dtype=value.dtype).copy_(value)
    if isinstance(saved, dict):
        return {key: _as_saved(loaded[key], value, parameter) for key, value in saved.items()}
    if isinstance(saved, list | tuple):
        return [_as_saved(*pair, parameter) for pair in zip(loaded, saved, strict=True)]
    return loaded
