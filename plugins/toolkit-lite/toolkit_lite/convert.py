"""Renames EfficientNet-Lite weights from the reference layout to timm's, and checks every key.

Reference layout: ``efficientnet-lite-pytorch``, class ``EfficientNet``. Target layout: timm's
``tf_efficientnet_lite*``. No value changes; only names do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from toolkit.errors import UserError
from toolkit_lite.variants import Variant
from toolkit_lite.weights import weights_file

# Reference layer -> timm layer, outside the blocks.
AROUND_THE_BLOCKS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}

# Within a block: expand (1x1), depthwise, project (1x1), each followed by its batch norm.
IN_A_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}

# The first stage does not expand. The reference then leaves `_bn0` out and keeps the other names;
# timm counts from bn1 again, so `_bn1` means another layer here than in the other stages.
IN_A_FIRST_STAGE_BLOCK = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}


def load_imagenet(model: nn.Module, variant: Variant, *, keep_classifier: bool = False) -> None:
    """Fill timm's ``tf_efficientnet_lite*`` in place with the packaged ImageNet weights.

    The model's own classifier stays as it is, unless ``keep_classifier`` asks for ImageNet's; the
    model then needs 1000 classes.

    Raises:
        UserError: the weights are not installed, or do not fit the model key by key.
    """
    path = weights_file(variant)
    source = torch.load(path, weights_only=True, map_location="cpu")
    own = model.state_dict()
    try:
        converted = convert(source, own, variant.depths, keep_classifier=keep_classifier)
    except KeyMismatch as error:
        raise UserError(
            f"{path.name}: {error}\nReinstall {variant.distribution}, or set pretrained = false."
        ) from error
    model.load_state_dict({**own, **converted})


class KeyMismatch(ValueError):
    """Source and target do not pair up one to one. The message names every key concerned."""


def convert(
    source: Mapping[str, Tensor],
    target: Mapping[str, Tensor],
    depths: Sequence[int],
    *,
    keep_classifier: bool = False,
) -> dict[str, Tensor]:
    """Source tensors under the target's names, after a check that they pair up one to one.

    Args:
        source: state dict in the reference layout.
        target: state dict of the timm model to fill; only its names and shapes are read.
        depths: number of blocks in each stage.
        keep_classifier: convert the classifier too. Otherwise it is dropped, and the result has
            every name of ``target`` but the classifier's.

    Raises:
        KeyMismatch: a source tensor has no place, a target tensor is left empty, or shapes differ.
    """
    dropped = set() if keep_classifier else CLASSIFIER
    names = timm_names(depths)
    strays = [key for key in source if layer(key) not in names]
    renamed = {rename(key, names): key for key in source if layer(key) in names}
    renamed = {new: key for new, key in renamed.items() if new not in dropped}
    expected = {new: tensor.shape for new, tensor in target.items() if new not in dropped}

    strays += [key for new, key in renamed.items() if new not in expected]
    empty = [new for new in expected if new not in renamed]
    reshaped = [
        f"{key} is {tuple(source[key].shape)}, but {new} is {tuple(expected[new])}"
        for new, key in renamed.items()
        if new in expected and source[key].shape != expected[new]
    ]
    mismatches = [
        *(f"{key} has no place in the model" for key in strays),
        *(f"{new} of the model gets no weights" for new in empty),
        *reshaped,
    ]
    if mismatches:
        raise KeyMismatch("\n  ".join(["these keys do not fit:", *mismatches]))
    return {new: source[key] for new, key in renamed.items()}


def timm_names(depths: Sequence[int]) -> dict[str, str]:
    """Reference layer -> timm layer: ``_blocks.3._bn1 -> blocks.2.0.bn2``.

    The reference numbers its blocks through; timm numbers stages, and blocks within a stage.
    """
    names = dict(AROUND_THE_BLOCKS)
    places = [(stage, block) for stage, depth in enumerate(depths) for block in range(depth)]
    for number, (stage, block) in enumerate(places):
        layers = IN_A_FIRST_STAGE_BLOCK if stage == 0 else IN_A_BLOCK
        for old, new in layers.items():
            names[f"_blocks.{number}.{old}"] = f"blocks.{stage}.{block}.{new}"
    return names
