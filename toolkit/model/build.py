"""Builds the backbone of a plan, and asks it what it wants its images to be."""

from __future__ import annotations

import math
from numbers import Real

from torch import nn
from torch.nn.parameter import UninitializedParameter

from toolkit.contracts import Facts, InputSpec, Preprocess
from toolkit.errors import PluginError, listed
from toolkit.recipe.plan import Choice


def build_model(choice: Choice, facts: Facts) -> tuple[nn.Module, Preprocess]:
    """The chosen backbone for `(N, 3, S, S)` images, and the preprocessing that it wants."""
    model = choice.build(facts)
    if not isinstance(model, nn.Module):
        raise PluginError(
            f"backbone {choice.use}: returned {type(model).__name__}, no nn.Module{choice.whose}"
        )
    _require_parameters(choice, model)
    with choice.blamed("its input_spec fails"):
        expects = getattr(model, "input_spec", InputSpec())
    if not isinstance(expects, InputSpec):
        raise PluginError(
            f"backbone {choice.use}: its input_spec is a {type(expects).__name__}, expected "
            f"toolkit.contracts.InputSpec{choice.whose}"
        )
    if not (_three_numbers(expects.mean) and _three_numbers(expects.std) and min(expects.std) > 0):
        raise PluginError(
            f"backbone {choice.use}: its input_spec has mean {expects.mean} and std {expects.std}, "
            f"expected three finite numbers each, and std above 0{choice.whose}"
        )
    return model, Preprocess(facts.image, expects.mean, expects.std)


def _three_numbers(values: object) -> bool:
    return (
        isinstance(values, tuple | list)
        and len(values) == 3
        and all(isinstance(value, Real) and math.isfinite(value) for value in values)
    )


def _require_parameters(choice: Choice, model: nn.Module) -> None:
    """Raise where there is nothing to train, or nothing yet."""
    lazy = [name for name, p in model.named_parameters() if isinstance(p, UninitializedParameter)]
    if lazy:
        raise PluginError(
            f"backbone {choice.use}: {listed(lazy)} have no shape yet; write the sizes of its lazy "
            f"layers, or call it once in its factory{choice.whose}"
        )
    if not any(p.requires_grad for p in model.parameters()):
        raise PluginError(f"backbone {choice.use}: has no parameter to train{choice.whose}")
