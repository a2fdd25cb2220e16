"""Inference: every row once, every view through the same model, whatever the batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from toolkit.contracts import ImageSpec, Preprocess
from toolkit.data.cache import Pack
from toolkit.data.loader import Batches, Images, Normalize
from toolkit.errors import PluginError
from toolkit.plugin.registry import Entry
from toolkit.predict.infer import Predictor, mean_view
from toolkit.predict.views import VIEWS
from toolkit.recipe.plan import Choice

ROWS, SIZE = 7, 16


@pytest.fixture
def images(tmp_path: Path) -> Images:
    spec = ImageSpec(SIZE)
    shape = (ROWS, spec.working_size, spec.working_size, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    (tmp_path / "images.u8").write_bytes(pixels.tobytes())
    return Images(Pack(tmp_path / "images.u8", shape, {}), np.arange(ROWS), spec)


class Corner(nn.Module):
    """Logits from the upper left quarter: other views see another quarter."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.9)

    def forward(self, batch: Tensor) -> Tensor:
        quarter = batch[:, :, : SIZE // 2, : SIZE // 2].mean(dim=(2, 3))  # (N, 3)
        return self.dropout(quarter) * 20


@pytest.fixture(scope="module")
def backbone() -> Choice:
    """Whoever is blamed."""
    return Choice("corner", Entry("backbone", "corner", "acme:corner", "", "acme", "acme", "1"), {})


PredictWith = Callable[..., dict[str, Any]]


@pytest.fixture
def predict(images: Images, backbone: Choice) -> PredictWith:
    def predicted(
        batch_size: int, views: list[str], seen: list[int], model: nn.Module | None = None
    ) -> dict[str, Any]:
        preprocess = Preprocess(images.spec, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        normalize = Normalize(preprocess, torch.device("cpu"), channels_last=True)
        batches = Batches(images, batch_size, workers=0, pin=False).epoch(np.arange(ROWS), 0)
        predictor = Predictor(backbone, model or Corner(), normalize, 3)
        return predictor.views((batch for _, batch in batches), views, seen.append)

    return predicted


def test_every_row_is_predicted_in_order_and_in_evaluation_mode(
    images: Images, predict: PredictWith
) -> None:
    seen: list[int] = []
    (probabilities,) = predict(3, ["identity"], seen).values()
    assert probabilities.shape == (ROWS, 3)
    assert probabilities.dtype == np.float32
    assert seen == [3, 2, 2]
    for row in range(ROWS):
        image = images[(0, row)].double().numpy() / 255
        logits = 20 * (image[: SIZE // 2, : SIZE // 2].mean(axis=(0, 1)) - 0.5) / 0.25
        expected = np.exp(logits) / np.exp(logits).sum()
        np.testing.assert_allclose(probabilities[row], expected, rtol=1e-4)


def test_the_batch_size_hardly_changes_a_probability(predict: PredictWith) -> None:
    first, second = (predict(size, ["identity", "rot90"], []) for size in (1, 5))
    for view in ("identity", "rot90"):
        np.testing.assert_allclose(first[view], second[view], rtol=1e-5)


def test_every_view_is_predicted_from_its_own_pixels(predict: PredictWith) -> None:
    by_view = predict(3, list(VIEWS), [])
    assert list(by_view) == list(VIEWS)
    # The quarter that a view brings to the upper left: upper right for hflip and rot90, ...
    upper_left, upper_right, lower_left, lower_right = (
        {"identity", "transpose"},
        {"hflip", "rot90"},
        {"vflip", "rot270"},
        {"rot180", "antitranspose"},
    )
    groups = [upper_left, upper_right, lower_left, lower_right]
    for group in groups:
        first, second = (by_view[view] for view in sorted(group))
        np.testing.assert_allclose(first, second, rtol=1e-4)
    distinct = {tuple(by_view[min(group)].argmax(axis=1)) for group in groups}
    assert len(distinct) == 4


def test_the_mean_view_is_the_mean() -> None:
    views = {
        "identity": np.float32([[0.5, 0.5], [1.0, 0.0]]),
        "hflip": np.float32([[0.0, 1.0], [0.5, 0.5]]),
    }
    mean = mean_view(views)
    assert mean.dtype == np.float32
    assert mean.tolist() == [[0.25, 0.75], [0.75, 0.25]]


def test_the_mean_of_one_view_is_that_view_to_the_last_bit() -> None:
    only = np.random.default_rng(0).dirichlet([1, 1, 1], 20).astype(np.float32)
    np.testing.assert_array_equal(mean_view({"identity": only}), only)


class Lost(nn.Module):
    """Logits of which some are no numbers, though softmax would make an answer of them."""

    def forward(self, batch: Tensor) -> Tensor:
        logits = batch.mean(dim=(2, 3))  # (N, 3)
        logits[0, 1] = -torch.inf
        return logits


def test_a_row_with_a_logit_that_is_no_number_has_no_probability(predict: PredictWith) -> None:
    found = predict(4, ["identity"], [], Lost())
    lost = np.isnan(found["identity"])
    assert lost.all(axis=1).tolist() == [row in (0, 4) for row in range(ROWS)]
    assert not lost[1:4].any()


def test_a_model_that_changes_its_input_in_place_changes_no_other_view(
    predict: PredictWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = ["identity", "hflip", "rot180"]
    expected = predict(4, views, [])
    forward = Corner.forward

    def changing(self: Corner, batch: Tensor) -> Tensor:
        logits = forward(self, batch)
        batch.sub_(0.5)
        return logits

    monkeypatch.setattr(Corner, "forward", changing)
    found = predict(4, views, [])
    for view in views:
        assert np.array_equal(found[view], expected[view])


def test_an_answer_that_is_no_logits_is_blamed_on_the_backbone(predict: PredictWith) -> None:
    class Pooled(nn.Module):
        def forward(self, batch: Tensor) -> Tensor:
            return batch.mean(dim=(0, 2, 3))

    with pytest.raises(PluginError, match=r"backbone corner: gives .* in prediction, .* \(3, 3\)"):
        predict(3, ["identity"], [], Pooled())


def test_a_model_predicts_in_float32_inside_of_autocast_too(predict: PredictWith) -> None:
    types: list[torch.dtype] = []
    model = nn.Sequential(Corner(), nn.Linear(3, 3))
    model.register_forward_hook(lambda module, given, found: types.append(found.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        predict(3, ["identity"], [], model)
    assert set(types) == {torch.float32}
