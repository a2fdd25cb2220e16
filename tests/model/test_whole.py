"""A model looks at the whole image, or the run says which sizes it uses whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
from torch import nn

import toolkit
from toolkit.errors import UserError
from toolkit.model.check import _require_whole_images
from toolkit.model.whole import begins_by_overlapping, unseen_edge, whole_sizes


def model_of(name: str, size: int) -> nn.Module:
    fixed = timm.models.get_pretrained_cfg(name).fixed_input_size
    options = {"img_size": size} if fixed else {}
    model: nn.Module = timm.create_model(name, num_classes=3, **options)
    return model.eval()


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("test_resnet", 33),
        ("test_efficientnet", 65),
        ("mobilenetv3_small_050", 47),
        ("test_convnext", 64),
        ("test_vit", 96),
    ],
)
def test_models_that_look_at_every_pixel(name: str, size: int) -> None:
    assert unseen_edge(model_of(name, size), size) == 0


@pytest.mark.parametrize(
    ("name", "size", "unseen", "near"),
    [
        ("test_convnext", 70, 2, [68, 72]),
        ("deit_tiny_patch16_224", 100, 4, [96, 112]),  # built for its size: it takes no other
    ],
)
def test_an_edge_that_no_patch_covers_is_measured(
    name: str, size: int, unseen: int, near: list[int]
) -> None:
    model = model_of(name, size)
    assert unseen_edge(model, size) == unseen
    assert whole_sizes(model, size, unseen) == near


class Crop(nn.Module):
    """Looks at the upper left 8 pixels of any image."""

    def forward(self, images):  # type: ignore[no-untyped-def]
        return images[:, :, :8, :8].mean(dim=(2, 3))


def test_a_model_of_a_third_party_is_measured_too() -> None:
    assert unseen_edge(Crop(), 32) == 24
    assert unseen_edge(Crop(), 8) == 0


def test_a_model_without_eyes_has_no_edge() -> None:
    class Constant(nn.Module):
        def forward(self, images):  # type: ignore[no-untyped-def]
            return images.new_zeros(len(images), 3)

    assert unseen_edge(Constant(), 32) == 0


def test_a_run_refuses_a_size_that_is_not_used_whole(tiny_recipe: Path, tmp_path: Path) -> None:
    laid = {"backbone.use": "test_convnext", "backbone.pretrained": False, "image.size": 70}
    with pytest.raises(UserError) as error:
        toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "runs")
    assert str(error.value) == (
        "image.size: test_convnext does not look at the right and lower 2 px of images of 70 px; "
        "sizes near it that it uses whole: 68 and 72"
    )
    assert not (tmp_path / "runs").exists()


def side_by_side(kernel: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, kernel, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )


def test_a_pixel_that_an_unpadded_stem_leaves_out_is_told_from_a_patch_that_does_not_fit() -> None:
    stem, patches = side_by_side(3).eval(), side_by_side(2).eval()
    assert (unseen_edge(stem, 32), unseen_edge(patches, 33)) == (1, 1)
    assert begins_by_overlapping(stem)
    assert not begins_by_overlapping(patches)


def test_a_run_tells_of_the_pixel_that_an_unpadded_stem_leaves_out() -> None:
    told: list[str] = []
    _require_whole_images(side_by_side(3).eval(), "acme.tiny", 32, lambda e: told.append(e.text))
    assert told[0].startswith("image.size: acme.tiny does not look at the right and lower 1 px")
    with pytest.raises(UserError, match="does not look"):
        _require_whole_images(side_by_side(2).eval(), "acme.tiny", 33, lambda e: None)
