"""Device and precision, through accelerate."""

from __future__ import annotations

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


def resolve_precision(precision: Precision) -> str:
    """`auto` is bf16 only on hardware that computes in it: emulated on a CPU without such units
    it takes two to three times as long as fp32."""
    if precision != "auto":
        return precision
    native = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if native else "fp32"
