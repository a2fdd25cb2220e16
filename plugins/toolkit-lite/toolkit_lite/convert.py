"""Moves EfficientNet-Lite weights from the reference layout to timm's, and checks every key.

Reference layout: class `EfficientNet` of `efficientnet-lite-pytorch`. Target layout: timm's
`tf_efficientnet_lite*`. No value changes; only names do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import torch
from toolkit.errors import UserError
from torch import Tensor, nn

from toolkit_lite.variants import Variant
from toolkit_lite.weights import weights_file

# Reference layer -> timm layer, outside the blocks.
AROUND_THE_BLOCKS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
}
CLASSIFIER = {"_fc": "classifier"}

# Within a block: expand (1x1), depthwise, project (1x1), each followed by its batch norm.
IN_A_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}

# The first stage does not expand. The reference then skips `_bn0` and keeps the other names, timm
# counts its norms from 1 again: here `_bn1` is `bn1`, everywhere else it is `bn2`.
IN_A_BLOCK_OF_THE_FIRST_STAGE = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}

CONV_TENSORS = ("weight",)
NORM_TENSORS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
LINEAR_TENSORS = ("weight", "bias")


def load_imagenet(model: nn.Module, variant: Variant, *, keep_classifier: bool = False) -> None:
    """Fill a timm `tf_efficientnet_lite*` in place with the packaged ImageNet weights.

    The model keeps its own classifier, unless `keep_classifier` asks for ImageNet's; the model
    then needs ImageNet's 1000 outputs.

    Raises:
        UserError: the weights are not installed, or do not fit the model key by key.
    """
    source = torch.load(weights_file(variant), weights_only=True, map_location="cpu")
    own = model.state_dict()
    converted = convert(source, own, variant, keep_classifier=keep_classifier)
    model.load_state_dict({**own, **converted})


def convert(
    source: Mapping[str, Tensor],
    target: Mapping[str, Tensor],
    variant: Variant,
    *,
    keep_classifier: bool = False,
) -> dict[str, Tensor]:
    """The source's tensors under the target's names, checked to pair up one to one.

    Args:
        source: state dict in the reference layout.
        target: state dict of the timm model to fill; only its names and shapes are read.
        variant: whose layout, and whose package the error names.
        keep_classifier: convert the classifier too. Otherwise both sides' classifiers are left
            out, and the result has every other name of `target`.

    Raises:
        UserError: a source tensor is missing or unknown, a target tensor would stay empty or does
            not exist, or two shapes differ; one line for each key.
    """
    names = tensor_names(layer_names(variant.depths))
    classifier = tensor_names(CLASSIFIER)
    if keep_classifier:
        names |= classifier
    else:
        source = without(source, classifier.keys())
        target = without(target, classifier.values())
    mismatches = list(find_mismatches(source, target, names))
    if mismatches:
        raise UserError(
            *(f"{variant.distribution}: {mismatch}" for mismatch in mismatches),
            f"Reinstall {variant.distribution} and timm, or set pretrained = false.",
        )
    return {new: source[old] for old, new in names.items()}


def layer_names(depths: Sequence[int]) -> dict[str, str]:
    """Reference layer -> timm layer, all but the classifier: `_blocks.3._bn1 -> blocks.2.0.bn2`.

    The reference numbers its blocks through; timm numbers stages, and blocks within a stage.
    """
    names = dict(AROUND_THE_BLOCKS)
    places = [(stage, block) for stage, depth in enumerate(depths) for block in range(depth)]
    for number, (stage, block) in enumerate(places):
        layers = IN_A_BLOCK_OF_THE_FIRST_STAGE if stage == 0 else IN_A_BLOCK
        for old, new in layers.items():
            names[f"_blocks.{number}.{old}"] = f"blocks.{stage}.{block}.{new}"
    return names


def tensor_names(layers: Mapping[str, str]) -> dict[str, str]:
    """Reference tensor -> timm tensor, for these layers: `_bn0.bias -> bn1.bias`."""
    return {
        f"{old}.{tensor}": f"{new}.{tensor}"
        for old, new in layers.items()
        for tensor in tensors_of(old)
    }


def tensors_of(layer: str) -> tuple[str, ...]:
    """The tensors that a reference layer owns; its name tells its type."""
    if "_bn" in layer:
        return NORM_TENSORS
    return LINEAR_TENSORS if layer in CLASSIFIER else CONV_TENSORS


def without(tensors: Mapping[str, Tensor], dropped: Collection[str]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if name not in dropped}


def find_mismatches(
    source: Mapping[str, Tensor], target: Mapping[str, Tensor], names: Mapping[str, str]
) -> Iterator[str]:
    """One line for each key that keeps source and target from pairing up through `names`."""
    filled = set(names.values())
    yield from (f"{old}: missing from the weights" for old in names if old not in source)
    yield from (f"{old}: in the weights, but unknown" for old in source if old not in names)
    yield from (f"{new}: missing from the model" for new in names.values() if new not in target)
    yield from (f"{new}: in the model, but gets no weights" for new in target if new not in filled)
    for old, new in names.items():
        if old in source and new in target and source[old].shape != target[new].shape:
            yield f"{old} {tuple(source[old].shape)}: does not fit {new} {tuple(target[new].shape)}"
