"""Channels_last memory trains fast, and never through a kernel that damages memory."""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import nn

import toolkit
from toolkit.contracts import Event
from toolkit.model.layout import harmful_convolutions, placed

CPU = torch.device("cpu")

# In a process of its own: damaged memory kills it, and pytest with it.
TRAINED = """
import sys
import torch
from toolkit.model.layout import placed

torch.manual_seed(0)
model = {model}
model = placed(model, torch.device("cpu"), channels_last=True)
for _ in range(6):
    images = torch.randn(2, {channels}, 96, 96).to(memory_format=torch.channels_last)
    model(images).square().mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
"""


def train(model: str, channels: int = 3) -> None:
    code = TRAINED.format(model=model, channels=channels)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, (done.returncode, done.stderr[-500:])


@pytest.mark.parametrize("channels", [3, 12])
def test_a_strided_1x1_convolution_over_few_channels_trains(channels: int) -> None:
    train(f"torch.nn.Conv2d({channels}, 48, 1, stride=2)", channels)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["repvgg_a0", "mobileone_s0", "fastvit_t8"])
def test_a_family_that_has_such_a_layer_trains(name: str) -> None:
    train(f"__import__('timm').create_model('{name}', num_classes=4)")


def layers(**changes: object) -> nn.Module:
    given = {"in_channels": 3, "out_channels": 16, "kernel_size": 1, "stride": 2, **changes}
    return nn.Sequential(nn.Conv2d(**given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "harmful"),
    [
        ({}, True),
        ({"stride": (1, 2)}, True),
        ({"in_channels": 15}, True),
        ({"padding": "valid", "stride": 3}, True),
        ({"in_channels": 16}, False),
        ({"stride": 1}, False),
        ({"kernel_size": 3}, False),
        ({"kernel_size": (1, 3)}, False),
        ({"padding": 1}, False),
        ({"in_channels": 4, "groups": 4}, False),
    ],
)
def test_the_layers_are_found_by_what_they_are(changes: dict[str, object], harmful: bool) -> None:
    assert [name for name, _ in harmful_convolutions(layers(**changes))] == ["0"] * harmful


@pytest.mark.parametrize("side", [8, 9])
def test_a_sliced_convolution_gives_the_values_and_gradients_of_the_plain_one(side: int) -> None:
    plain = layers(stride=(2, 3))
    sliced = placed(deepcopy(plain), CPU, channels_last=True)
    images = torch.randn(2, 3, side, side)
    found = sliced(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(found, plain(images))
    found.square().sum().backward()
    plain(images).square().sum().backward()
    torch.testing.assert_close(sliced[0].weight.grad, plain[0].weight.grad)
    assert list(sliced.state_dict()) == list(plain.state_dict())


def test_without_channels_last_nothing_is_changed() -> None:
    model = placed(layers(), CPU, channels_last=False)
    assert model[0].stride == (2, 2)
    assert model[0].weight.is_contiguous()


def test_a_run_says_once_what_it_computes_in_another_way(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import timm

    def with_such_a_layer(*arguments: object, **options: object) -> nn.Module:
        model = real(*arguments, **options)
        first = nn.Conv2d(3, 3, 1, stride=2)
        model.conv1 = nn.Sequential(first, model.conv1)
        return model  # type: ignore[no-any-return]

    real = timm.create_model
    monkeypatch.setattr(timm, "create_model", with_such_a_layer)
    said: list[Event] = []
    laid = {"train.epochs": 1, "image.size": 65}
    toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path, notify=said.append)
    lines = [event.text for event in said if "damages memory" in event.text]
    (line,) = lines
    assert line.startswith("backbone test_resnet: conv1.0: its kernel damages memory")
