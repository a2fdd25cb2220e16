"""Inference: every row once, every view through the same model, whatever the batches."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from toolkit.contracts import ImageSpec, Preprocess
from toolkit.data.cache import Pack
from toolkit.data.loader import Batches, Images, Normalize
from toolkit.predict.infer import mean_view, predict_views
from toolkit.predict.views import VIEWS

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


def predict(images: Images, batch_size: int, views: list[str], seen: list[int]) -> dict[str, Any]:
    preprocess = Preprocess(images.spec, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    return predict_views(
        Corner(),
        Batches(images, batch_size, workers=0, pin=False),
        ROWS,
        Normalize(preprocess, torch.device("cpu"), channels_last=True),
        views,
        nullcontext,  # type: ignore[arg-type]
        seen.append,
    )


def test_every_row_is_predicted_in_order_and_in_evaluation_mode(images: Images) -> None:
    seen: list[int] = []
    (probabilities,) = predict(images, 3, ["identity"], seen).values()
    assert probabilities.shape == (ROWS, 3)
    assert probabilities.dtype == np.float32
    assert seen == [3, 2, 2]
    for row in range(ROWS):
        image = images[(0, row)].double().numpy() / 255
        logits = 20 * (image[: SIZE // 2, : SIZE // 2].mean(axis=(0, 1)) - 0.5) / 0.25
        expected = np.exp(logits) / np.exp(logits).sum()
        np.testing.assert_allclose(probabilities[row], expected, rtol=1e-4)


def test_the_batch_size_hardly_changes_a_probability(images: Images) -> None:
    first, second = (predict(images, size, ["identity", "rot90"], []) for size in (1, 5))
    for view in ("identity", "rot90"):
        np.testing.assert_allclose(first[view], second[view], rtol=1e-5)


def test_every_view_is_predicted_from_its_own_pixels(images: Images) -> None:
    by_view = predict(images, 3, list(VIEWS), [])
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


def test_a_row_with_a_logit_that_is_no_number_has_no_probability(images: Images) -> None:
    normalize = Normalize(
        Preprocess(images.spec, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
        torch.device("cpu"),
        channels_last=True,
    )
    batches = Batches(images, 4, workers=0, pin=False)
    found = predict_views(Lost(), batches, ROWS, normalize, ["identity"], nullcontext, print)
    lost = np.isnan(found["identity"])
    assert lost.all(axis=1).tolist() == [row in (0, 4) for row in range(ROWS)]
    assert not lost[1:4].any()


def test_a_model_that_changes_its_input_in_place_changes_no_other_view(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = ["identity", "hflip", "rot180"]
    expected = predict(images, 4, views, [])
    forward = Corner.forward

    def changing(self: Corner, batch: Tensor) -> Tensor:
        logits = forward(self, batch)
        batch.sub_(0.5)
        return logits

    monkeypatch.setattr(Corner, "forward", changing)
    found = predict(images, 4, views, [])
    for view in views:
        assert np.array_equal(found[view], expected[view])
