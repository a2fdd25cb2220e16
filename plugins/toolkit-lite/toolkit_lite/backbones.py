"""The three backbones as factories: the host reads their signatures, a recipe sets their options.

Importing this module loads neither torch nor timm, so that a recipe is checked in an instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from toolkit.contracts import Facts, InputSpec

from toolkit_lite.variants import LITE0, LITE1, LITE2, Variant

if TYPE_CHECKING:
    from torch import nn

# What the weights expect of pixels in 0..1; timm's choice for `tf_efficientnet_lite*`. The original
# training used (pixel - 127) / 128 on 0..255, which is at most 0.008 away after normalization.
MEAN = STD = (0.5, 0.5, 0.5)

Pretrained = Annotated[bool, Field(description="start from ImageNet weights")]
DropRate = Annotated[float, Field(ge=0, lt=1, description="dropout before the classifier")]
DropPathRate = Annotated[
    float,
    Field(ge=0, lt=1, description="chance to skip a block, rising from 0 with depth up to this"),
]

# The default rates are the original training's: `dropout_rate` and 1 - `survival_prob` in
# efficientnet_lite_builder.py (tensorflow/tpu, models/official/efficientnet/lite).


def efficientnet_lite0(
    facts: Facts,
    /,
    *,
    pretrained: Pretrained = True,
    drop_rate: DropRate = 0.2,
    drop_path_rate: DropPathRate = 0.2,
) -> nn.Module:
    """EfficientNet-Lite0, (N, 3, H, W) -> logits (N, C), at home at 224 pixels.

    Raises:
        UserError: `pretrained`, and the weights are not installed or do not fit.
    """
    return _build(LITE0, facts, pretrained, drop_rate, drop_path_rate)


def efficientnet_lite1(
    facts: Facts,
    /,
    *,
    pretrained: Pretrained = True,
    drop_rate: DropRate = 0.2,
    drop_path_rate: DropPathRate = 0.2,
) -> nn.Module:
    """EfficientNet-Lite1, (N, 3, H, W) -> logits (N, C), at home at 240 pixels.

    Raises:
        UserError: `pretrained`, and the weights are not installed or do not fit.
    """
    return _build(LITE1, facts, pretrained, drop_rate, drop_path_rate)


def efficientnet_lite2(
    facts: Facts,
    /,
    *,
    pretrained: Pretrained = True,
    drop_rate: DropRate = 0.3,
    drop_path_rate: DropPathRate = 0.2,
) -> nn.Module:
    """EfficientNet-Lite2, (N, 3, H, W) -> logits (N, C), at home at 260 pixels.

    Raises:
        UserError: `pretrained`, and the weights are not installed or do not fit.
    """
    return _build(LITE2, facts, pretrained, drop_rate, drop_path_rate)


def _build(
    variant: Variant, facts: Facts, pretrained: bool, drop_rate: float, drop_path_rate: float
) -> nn.Module:
    import timm

    from toolkit_lite.convert import load_imagenet

    model: nn.Module = timm.create_model(
        variant.timm_name,
        num_classes=len(facts.classes),
        drop_rate=drop_rate,
        drop_path_rate=drop_path_rate,
    )
    if pretrained:
        load_imagenet(model, variant)
    # The ignore: torch declares that a module's attributes are tensors and modules only.
    model.input_spec = InputSpec(mean=MEAN, std=STD, size=variant.size)  # type: ignore[assignment]
    return model
