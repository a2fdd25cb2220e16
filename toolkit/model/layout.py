"""Puts a model on its device, in the memory format that trains it fast, past a faulty kernel."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

# Numbers in the widest register of a CPU (AVX-512, float32).
_VECTOR = 16

AROUND = (
    "its kernel damages memory in channels_last on a CPU (1x1, a stride, few channels); it is "
    "computed on a sliced image with stride 1, to the same values"
)


def placed(model: nn.Module, device: torch.device, *, channels_last: bool) -> nn.Module:
    """The model on its device; its convolutions in NHWC memory where `channels_last` says so."""
    if channels_last:
        if device.type == "cpu":
            for _, layer in harmful_convolutions(model):
                _stride_by_slicing(layer)
        model = model.to(memory_format=torch.channels_last)
    return model.to(device)


def harmful_convolutions(model: nn.Module) -> list[tuple[str, nn.Conv2d]]:
    """Name and layer of the convolutions whose backward pass damages memory on a CPU.

    oneDNN gathers what a strided 1x1 convolution reads into a buffer of its own. In NHWC memory it
    writes whole vector registers there, behind the buffer's end where a pixel has fewer channels
    than a register holds numbers (github.com/uxlfoundation/oneDNN/issues/6035). Tried on AVX-512
    with 1 to 40 channels in 1 to 4 groups, strides 1 to 4, kernels of 1 to 3 and padding of 0 to
    2: the process died, or the gradient was wrong, for these layers and no others.
    """
    return [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d) and _harmful(m)]


def _harmful(layer: nn.Conv2d) -> bool:
    return (
        tuple(layer.kernel_size) == (1, 1)
        and max(layer.stride) > 1
        and layer.padding in ((0, 0), "valid")
        and layer.groups == 1
        and layer.in_channels < _VECTOR
    )


def _stride_by_slicing(layer: nn.Conv2d) -> None:
    """A 1x1 convolution sees every n-th pixel: taking those first and striding by one is the same
    sum, through a kernel without that buffer."""
    layer.register_forward_pre_hook(partial(_every_nth_pixel, tuple(layer.stride)))
    layer.stride = (1, 1)


def _every_nth_pixel(stride: tuple[int, ...], layer: nn.Module, inputs: Any) -> tuple[Tensor, ...]:
    image, *rest = inputs
    return image[..., :: stride[0], :: stride[1]], *rest
