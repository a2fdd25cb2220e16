"""Device and precision, through accelerate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

from toolkit.errors import UserError

Precision = Literal["auto", "fp32", "bf16", "fp16"]


def make_accelerator(precision: Precision) -> Any:
    """An `accelerate.Accelerator` on the best device, in the asked precision.

    Accelerate keeps its precision for the process; a run that wants another one starts afresh.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    wanted = resolve_precision(precision)
    mixed = {"fp32": "no"}.get(wanted, wanted)
    if AcceleratorState._shared_state and AcceleratorState().mixed_precision != mixed:
        AcceleratorState._reset_state()
    try:
        return Accelerator(mixed_precision=mixed)
    except ValueError as error:
        raise UserError(f"train.precision: {precision} does not work here: {error}") from error


def best_device() -> torch.device:
    """The device that a run would train on."""
    from accelerate import PartialState

    device: torch.device = PartialState().device
    return device


def resolve_precision(precision: Precision) -> str:
    """`auto` is bf16 only on hardware that computes in it: emulated on a CPU without such units
    it takes two to three times as long as fp32."""
    if precision != "auto":
        return precision
    native = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if native else "fp32"


@contextmanager
def deterministic(*, asked: bool) -> Iterator[None]:
    """Inside, torch takes only kernels that give the same bits each time, where that is asked;
    behind it, everything is as it was.

    Raises `UserError` where an operation has no such kernel on this device.
    """
    if not asked:
        yield
        return
    cudnn = torch.backends.cudnn
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    flags = cudnn.deterministic, cudnn.benchmark
    # cuBLAS sums in the order that its workspaces happen to allow, unless it has a fixed set of
    # them. It reads this at its first call in the process; what the user has set stands.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # Benchmarking picks a convolution by its time, which is another one at the next start.
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        why = " ".join(str(error).split()).split(". ")[0]
        raise UserError(
            f"train.deterministic = true: {why}; choose another backbone, or set "
            "train.deterministic = false"
        ) from error
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        cudnn.deterministic, cudnn.benchmark = flags
