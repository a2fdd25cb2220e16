"""What is no number stops a fold in words, before anything of it is kept.

A NaN spreads: from one logit to the loss, to every weight, to every score. Where it began is known
only while it happens, so it is looked for in what a step leaves anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from toolkit.contracts import Floats
from toolkit.errors import UserError
from toolkit.model.device import resolve_precision
from toolkit.recipe.plan import Plan
from toolkit.train.job import Rows

LOOK_EVERY = 50
"""Steps between two looks at the losses. A look waits for the device; fifty steps take long enough
that this is not felt, and an epoch of hours is not trained to its end for nothing."""


def advice(plan: Plan) -> str:
    """What to change where training left the numbers."""
    ways = ["lower optimizer.lr", "set train.clip_grad"]
    if resolve_precision(plan.train.precision) != "fp32":
        ways.append('use train.precision = "fp32"')
    return f"{', '.join(ways[:-1])}, or {ways[-1]}" if ways[2:] else " or ".join(ways)


def require_losses(losses: Tensor, where: str, steps: int, plan: Plan, *, first: bool) -> None:
    """Raise `UserError` with the first step whose loss is no number.

    Args:
        losses: of the steps so far `(steps done,)`.
        where: `fold 0, epoch 1`.
        steps: steps of the epoch.
        first: whether these are the first steps of all.
    """
    bad = (~losses.isfinite()).nonzero()
    if not len(bad):
        return
    step = int(bad[0]) + 1
    more = ""
    if first and step == 1:  # no step was made before: no learning rate is at fault
        more = f'; in the very first step, look at loss.use = "{plan.choice("loss").use}" and its '
        more += f'options, and at the weights of backbone.use = "{plan.choice("backbone").use}"'
    value = float(losses[step - 1])
    raise UserError(f"{where}, step {step} of {steps}: the loss is {value}; {advice(plan)}{more}")


def infinite_buffers(modules: Mapping[str, nn.Module]) -> frozenset[str]:
    """Buffers that are built with something that is no number, as a mask of -inf is: they may
    stay so."""
    return frozenset(_not_finite(_buffers(modules)))


def require_weights(
    modules: Mapping[str, nn.Module], where: str, plan: Plan, *, except_for: frozenset[str]
) -> None:
    """Raise `UserError` where parameters or buffers (a batch norm's means) are no numbers: a loss
    may stay finite beside them.

    Args:
        where: `fold 0, epoch 1, behind step 7 of 7`.
        except_for: what `infinite_buffers` found when they were built.
    """
    tensors = {**_parameters(modules), **_buffers(modules)}
    bad = [name for name in _not_finite(tensors) if name not in except_for]
    if bad:
        count = f" and {len(bad) - 1} more" if bad[1:] else ""
        raise UserError(
            f"{where}: {bad[0]}{count} of the weights left the numbers, while every loss "
            f"was one; {advice(plan)}"
        )


def require_probabilities(
    by_view: Mapping[str, Floats], rows: Rows, kind: str, where: str, plan: Plan
) -> None:
    """Raise `UserError` where rows got no numbers, in any view.

    Args:
        kind: of the images, `validation` or `test`.
        where: `fold 0, epoch 1, behind step 7 of 7`.
    """
    finite = np.stack([np.isfinite(p).all(axis=1) for p in by_view.values()]).all(axis=0)  # (n,)
    if not finite.all():
        bad, first = int((~finite).sum()), rows.ids[int(finite.argmin())]
        raise UserError(
            f"{where}: the logits of {bad} of {len(rows.ids)} {kind} images are no numbers "
            f"({first} is the first), while every loss was one; {advice(plan)}"
        )


def _parameters(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    return dict(_named(modules, "named_parameters"))


def _buffers(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    return dict(_named(modules, "named_buffers"))


def _named(modules: Mapping[str, nn.Module], kind: str) -> Iterator[tuple[str, Tensor]]:
    for prefix, module in modules.items():
        for name, tensor in getattr(module, kind)():
            yield f"{prefix}.{name}", tensor


def _not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that hold what is no number; the device is waited for once."""
    real = {k: t.detach() for k, t in tensors.items() if t.is_floating_point() or t.is_complex()}
    if not real:
        return []
    finite = torch.stack([tensor.isfinite().all() for tensor in real.values()]).tolist()
    return [name for name, is_finite in zip(real, finite, strict=True) if not is_finite]
