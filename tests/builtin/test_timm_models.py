"""timm models: any size that they take, the weights that were asked for, or an error that helps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from toolkit.builtin.backbones import architectures, old_names, timm_model
from toolkit.builtin.timm_models import require_hub_weights
from toolkit.contracts import Facts, InputSpec
from toolkit.errors import UserError
from toolkit.model.weights import save_weights

MakeFacts = Callable[..., Facts]


def fresh(name: str, facts: Facts, **options: Any) -> nn.Module:
    return timm_model(name, facts, pretrained=False, **options)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("test_resnet", 33),
        ("test_efficientnet", 65),
        ("mobilenetv3_small_050", 47),
        ("test_convnext", 64),
        ("test_vit", 96),  # made for 160 only: its position embedding gets the recipe's size
    ],
)
def test_a_model_takes_the_recipes_size_and_has_a_logit_a_class(
    make_facts: MakeFacts, name: str, size: int
) -> None:
    model = fresh(name, make_facts(5, 5, 5, 5, size=size)).eval()
    with torch.inference_mode():
        assert model(torch.zeros(2, 3, size, size)).shape == (2, 4)
    assert next(model.parameters()).device.type == "cpu"


def test_a_window_transformer_is_built_for_the_recipes_size(make_facts: MakeFacts) -> None:
    with torch.device("meta"):
        model = fresh("swin_tiny_patch4_window7_224", make_facts(5, 5, size=128))
    assert model.patch_embed.img_size == (128, 128)


@pytest.mark.parametrize("name", ["coatnet_0_rw_224", "hrnet_w18_small"])
def test_an_impossible_size_is_answered_with_sizes_near_it(
    make_facts: MakeFacts, name: str
) -> None:
    with pytest.raises(UserError) as error:
        fresh(name, make_facts(5, 5, size=380))
    assert str(error.value) == (
        f"backbone.use: {name} does not take image.size = 380; "
        "sizes near it that it takes: 224, 288, 320, 352, 384, 416, 448"
    )


def test_the_input_spec_is_what_the_weights_were_trained_with(make_facts: MakeFacts) -> None:
    halves, imagenet = (0.5, 0.5, 0.5), (0.485, 0.456, 0.406)
    facts = make_facts(5, 5)
    assert fresh("test_resnet", facts).input_spec == InputSpec(halves, halves, 160)
    spec = fresh("mobilenetv3_small_050", facts).input_spec
    assert spec == InputSpec(imagenet, (0.229, 0.224, 0.225), 224)


def test_dropout_and_stochastic_depth_reach_the_model(make_facts: MakeFacts) -> None:
    model = fresh("test_vit", make_facts(5, 5), drop_rate=0.25, drop_path_rate=0.5)
    assert model.head_drop.p == 0.25
    depths = [m.drop_prob for m in model.modules() if type(m).__name__ == "DropPath"]
    assert max(depths) == 0.5


def test_an_option_that_the_architecture_lacks_is_an_error(make_facts: MakeFacts) -> None:
    with pytest.raises(UserError, match="drop_path_rate"):
        fresh("vgg11", make_facts(5, 5), drop_path_rate=0.1)


def test_every_listed_name_has_weights_or_is_an_architecture() -> None:
    names = architectures()
    assert {"efficientnet_b4", "test_resnet", "test_resnet.r160_in1k"} <= set(names)
    assert len(names) == len(set(names))


def test_no_pretrained_weights_anywhere_is_an_error(make_facts: MakeFacts) -> None:
    assert not timm.models.get_pretrained_cfg("resnetv2_152").has_weights
    with pytest.raises(UserError) as error:
        timm_model("resnetv2_152", make_facts(5, 5), pretrained=True)
    assert 'timm has no pretrained weights for "resnetv2_152"' in str(error.value)
    assert "backbone.pretrained = false" in str(error.value)


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: object, **options: object) -> None:
        raise OSError("the network is unreachable\nand a second line")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreachable)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *args: None)


@pytest.mark.usefixtures("no_hub")
def test_a_hub_out_of_reach_is_an_error_with_ways_out(make_facts: MakeFacts) -> None:
    with pytest.raises(UserError) as error:
        timm_model("test_resnet", make_facts(5, 5), pretrained=True)
    first, *rest = error.value.lines
    assert first == (
        'backbone: the pretrained weights of "test_resnet" (timm/test_resnet.r160_in1k) cannot be '
        "fetched: the network is unreachable"
    )
    for way in ("HF_HOME", "backbone.weights=", "lite.efficientnet_lite0", "pretrained=false"):
        assert way in "\n".join(rest)


@pytest.mark.usefixtures("no_hub")
def test_weights_in_the_hubs_cache_need_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def cached(repository: str, name: str) -> str | None:
        asked.append(repository)
        return "/cache/model.safetensors" if name == "model.safetensors" else None

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    require_hub_weights("test_resnet")
    assert asked == ["timm/test_resnet.r160_in1k"]


def body_of(model: nn.Module) -> dict[str, torch.Tensor]:
    head = model.pretrained_cfg["classifier"] + "."
    return {k: v for k, v in model.state_dict().items() if not k.startswith(head)}


@pytest.mark.usefixtures("no_hub")
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("classes", [3, 5])
def test_a_file_of_the_same_architecture_gives_its_body(
    make_facts: MakeFacts, tmp_path: Path, suffix: str, classes: int
) -> None:
    saved = fresh("test_resnet", make_facts(5, 5, 5))
    with torch.no_grad():
        for buffer in saved.buffers():  # running means and variances belong to the body
            buffer.add_(1)
    file = tmp_path / f"weights.{suffix}"
    if suffix == "pth":
        torch.save(saved.state_dict(), file)
    else:
        save_weights(file, saved)
    model = timm_model("test_resnet", make_facts(*[5] * classes), weights=str(file))
    expected, found = body_of(saved), body_of(model)
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    assert model.fc.weight.shape[0] == classes


def test_a_position_embedding_is_resized_to_the_recipes_size(
    make_facts: MakeFacts, tmp_path: Path
) -> None:
    saved = fresh("test_vit", make_facts(5, 5, 5, size=160))
    save_weights(tmp_path / "vit.safetensors", saved)
    facts = make_facts(5, 5, 5, size=96)
    model = timm_model("test_vit", facts, weights=str(tmp_path / "vit.safetensors"))
    assert model.pos_embed.shape != saved.pos_embed.shape
    assert torch.equal(model.blocks[0].attn.qkv.weight, saved.blocks[0].attn.qkv.weight)


def test_a_weights_file_that_is_missing_or_no_weights_file_is_an_error(
    make_facts: MakeFacts, tmp_path: Path
) -> None:
    facts = make_facts(5, 5)
    missing, odd = tmp_path / "gone.safetensors", tmp_path / "weights.onnx"
    odd.write_bytes(b"")
    with pytest.raises(UserError, match=f"backbone.weights: there is no file {missing}"):
        timm_model("test_resnet", facts, weights=str(missing))
    with pytest.raises(UserError, match=r"expected a \.safetensors or \.pth file"):
        timm_model("test_resnet", facts, weights=str(odd))


@pytest.mark.parametrize("name", ["broken.safetensors", "broken.pth"])
@pytest.mark.parametrize("content", [b"", b"this is no weights file"])
def test_a_weights_file_that_cannot_be_read_is_an_error(
    make_facts: MakeFacts, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name} does not hold weights of test_resnet"):
        timm_model("test_resnet", make_facts(5, 5), weights=str(tmp_path / name))


def test_weights_of_another_architecture_are_an_error_never_a_random_start(
    make_facts: MakeFacts, tmp_path: Path
) -> None:
    facts = make_facts(5, 5)
    save_weights(tmp_path / "other.safetensors", fresh("test_efficientnet", facts))
    save_file({"unrelated": torch.zeros(3)}, tmp_path / "unrelated.safetensors")
    for name in ("other", "unrelated"):
        file = tmp_path / f"{name}.safetensors"
        with pytest.raises(UserError, match=f"{name}.safetensors does not hold weights of"):
            timm_model("test_resnet", facts, weights=str(file))


def test_weights_that_lack_a_layer_are_an_error_that_names_it(
    make_facts: MakeFacts, tmp_path: Path
) -> None:
    facts = make_facts(5, 5)
    state = fresh("test_resnet", facts).state_dict()
    del state["layer2.0.conv1.weight"]
    save_file(state, tmp_path / "part.safetensors")
    with pytest.raises(UserError, match=r"layer2\.0\.conv1\.weight"):
        timm_model("test_resnet", facts, weights=str(tmp_path / "part.safetensors"))


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, file: str) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.file, "w")


def test_a_pth_file_cannot_run_code(make_facts: MakeFacts, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    file = tmp_path / "evil.pth"
    torch.save({"conv1.weight": Harmful(str(victim))}, file)
    with pytest.raises(UserError, match="does not hold weights"):
        timm_model("test_resnet", make_facts(5, 5), weights=str(file))
    assert not victim.exists()
    torch.load(file, weights_only=False)["conv1.weight"].close()  # the trap itself works
    assert victim.exists()


def test_what_an_architecture_takes_is_said_where_it_lacks_an_option(
    make_facts: MakeFacts,
) -> None:
    with pytest.raises(UserError) as error:
        fresh("vgg11", make_facts(5, 5), drop_path_rate=0.1)
    assert str(error.value) == (
        "backbone.drop_path_rate: vgg11 takes no drop_path_rate; it takes drop_rate; leave "
        'drop_path_rate out. Did you mean "drop_rate"?'
    )


def test_no_dropout_is_no_option(make_facts: MakeFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    """An architecture without dropout is built where the recipe asks for none."""
    real = timm.create_model

    def without_dropout(name: str, **options: Any) -> nn.Module:
        if "drop_rate" in options:
            raise TypeError("__init__() got an unexpected keyword argument 'drop_rate'")
        return real(name, **options)  # type: ignore[no-any-return]

    monkeypatch.setattr(timm, "create_model", without_dropout)
    assert isinstance(fresh("test_resnet", make_facts(5, 5)), nn.Module)
    with pytest.raises(UserError, match=r"backbone\.drop_rate: test_resnet takes no drop_rate;"):
        fresh("test_resnet", make_facts(5, 5), drop_rate=0.5)


@pytest.mark.parametrize("name", ["qwen3_vit_88m_enc", "mobilenetv5_300m_enc"])
def test_an_encoder_without_a_head_is_told_as_such(make_facts: MakeFacts, name: str) -> None:
    with pytest.raises(UserError) as error:
        fresh(name, make_facts(5, 5, size=224))
    assert f"{name} is an encoder without a classification head" in str(error.value)
    assert "image.size" not in str(error.value)


def test_a_fault_of_timm_itself_is_told_as_it_is(
    make_facts: MakeFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str, **options: Any) -> nn.Module:
        raise RuntimeError("no such block")

    monkeypatch.setattr(timm, "create_model", broken)
    with pytest.raises(UserError) as error:
        fresh("test_resnet", make_facts(5, 5))
    assert str(error.value) == "backbone.use: test_resnet cannot be built: no such block"


def test_every_old_name_means_a_name_that_is_known() -> None:
    found = old_names()
    assert found["tf_efficientnet_b0_ns"] == "tf_efficientnet_b0.ns_jft_in1k"
    assert set(found.values()) <= set(architectures())
    assert not found.keys() & set(architectures())
