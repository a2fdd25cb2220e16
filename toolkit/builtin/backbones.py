"""Any architecture of timm, at the recipe's size, with its weights or an error that helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from toolkit.contracts import Facts

if TYPE_CHECKING:
    from torch import nn


def architectures() -> list[str]:
    """Every name that `use` accepts: architectures, and architectures with a weights tag."""
    import timm

    return [*timm.list_models(), *timm.list_pretrained()]


def old_names() -> dict[str, str]:
    """Names of earlier versions of timm, and the architecture and weights that each means."""
    from timm.models import get_deprecated_models

    known = set(architectures())
    return {old: now for old, now in get_deprecated_models().items() if now in known}


def timm_model(
    name: str,
    facts: Facts,
    /,
    *,
    pretrained: Annotated[bool, Field(description="start from timm's pretrained weights")] = True,
    weights: Annotated[
        str | None, Field(description="a local .safetensors (or .pth) file instead of the hub")
    ] = None,
    drop_rate: Annotated[float, Field(ge=0, lt=1, description="dropout before the head")] = 0.0,
    drop_path_rate: Annotated[
        float | None, Field(ge=0, lt=1, description="stochastic depth, where there is any")
    ] = None,
) -> nn.Module:
    """A timm model with a fresh head of C classes (github.com/huggingface/pytorch-image-models).

    Fixed-size transformers are built for the recipe's size. Weights that cannot be had are an
    error, never a random start.
    """
    from toolkit.builtin.timm_models import build

    return build(name, facts, pretrained, weights, drop_rate, drop_path_rate)
