"""The loop's state is a value: written and read, it goes on to the last bit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from toolkit.train.state import load_optimizer, load_tree, save_tree


def round_trip(tree: Any, tmp_path: Path) -> Any:
    save_tree(tmp_path / "state.safetensors", tree)
    return load_tree(tmp_path / "state.safetensors")


@pytest.mark.parametrize(
    "tree",
    [
        {"a": {0: {"b": [1, 2.5, "x", None, True]}, 7: {}}, "empty": [], "": "text"},
        {"best": -math.inf, "worst": math.inf, "big": 2**62, "small": 5e-324},
        [[], [[1]], {}],
        None,
        3,
        {"a word": 'Ä "quoted" \n line', "tensor": {"tensor": 1}, "dict": [], "value": None},
    ],
)
def test_plain_values_come_back_as_they_were(tree: Any, tmp_path: Path) -> None:
    assert round_trip(tree, tmp_path) == tree


def test_types_of_keys_and_numbers_come_back(tmp_path: Path) -> None:
    tree = round_trip({1: True, "1": 1, "f": 1.0, "n": math.nan}, tmp_path)
    assert [type(key) for key in tree] == [int, str, str, str]
    assert [type(value) for value in tree.values()] == [bool, int, float, float]
    assert math.isnan(tree["n"])


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(2, 3, 4, 5),
        torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.randn(6, 4).t()[1:],
        torch.tensor(3.0),
        torch.empty(0, 2),
        torch.tensor([True, False]),
        torch.arange(5),
        torch.randn(3).bfloat16(),
        torch.get_rng_state(),
        nn.Parameter(torch.randn(3)),
    ],
)
def test_tensors_come_back_with_type_shape_and_bits(tensor: torch.Tensor, tmp_path: Path) -> None:
    found = round_trip({"x": [tensor]}, tmp_path)["x"][0]
    assert found.dtype == tensor.dtype
    assert found.shape == tensor.shape
    assert torch.equal(found, tensor)
    assert not found.requires_grad


def test_what_was_read_does_not_hang_on_the_file(tmp_path: Path) -> None:
    file = tmp_path / "state.safetensors"
    save_tree(file, {"x": torch.ones(4)})
    found = load_tree(file)["x"]
    with file.open("rb+") as opened:  # in place: a mapped tensor would see it
        opened.write(bytes(file.stat().st_size))
    assert torch.equal(found, torch.ones(4))


def test_one_tensor_in_two_places_comes_back_twice(tmp_path: Path) -> None:
    shared = torch.randn(4)
    found = round_trip({"a": shared, "view": shared[1:], "b": shared}, tmp_path)
    assert torch.equal(found["a"], shared)
    assert torch.equal(found["view"], shared[1:])
    assert torch.equal(found["b"], shared)


@pytest.mark.parametrize("value", [np.int64(1), {1, 2}, object()])
def test_what_cannot_be_read_back_is_not_written(value: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=f"a {type(value).__name__} cannot be saved in a state"):
        save_tree(tmp_path / "state.safetensors", {"x": value})
    assert list(tmp_path.iterdir()) == []


def small_model() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 3)
    )
    return model.to(memory_format=torch.channels_last)


def optimizer_of(model: nn.Module, name: str) -> torch.optim.Optimizer:
    if name == "sgd":
        return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return torch.optim.AdamW(model.parameters(), lr=0.01, fused=name == "fused")


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    images = torch.randn(4, 3, 8, 8, generator=generator)
    images = images.to(memory_format=torch.channels_last)
    targets = torch.randn(4, 3, generator=generator).softmax(dim=1)
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(images), targets).backward()
    optimizer.step()


@pytest.mark.parametrize("name", ["fused", "plain", "sgd"])
def test_a_restored_optimizer_goes_on_to_the_last_bit(name: str, tmp_path: Path) -> None:
    model = small_model()
    optimizer = optimizer_of(model, name)
    for step in range(2):
        train_step(model, optimizer, step)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    tree = round_trip(state, tmp_path)
    train_step(model, optimizer, 2)

    resumed = small_model()
    again = optimizer_of(resumed, name)
    resumed.load_state_dict(tree["model"])
    load_optimizer(again, tree["optimizer"])
    train_step(resumed, again, 2)

    for key, value in model.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key
    for first, second in zip(optimizer.state.values(), again.state.values(), strict=True):
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)


def test_moments_have_the_memory_format_of_their_parameter(tmp_path: Path) -> None:
    model = small_model()
    optimizer = optimizer_of(model, "fused")
    train_step(model, optimizer, 0)
    tree = round_trip(optimizer.state_dict(), tmp_path)
    assert tree["state"][0]["exp_avg"].stride() != model[0].weight.stride()
    load_optimizer(optimizer, tree)
    for parameter, moments in optimizer.state.items():
        assert moments["exp_avg"].stride() == parameter.stride()
        assert moments["exp_avg_sq"].stride() == parameter.stride()
        assert moments["step"].shape == ()
