"""The eight symmetries of the square."""

from __future__ import annotations

from itertools import product
from typing import get_args

import numpy as np
import pytest
import torch

from toolkit.predict.views import VIEWS, view_of
from toolkit.recipe.sections import View

# What becomes of  1 2
#                  3 4
BY_HAND = {
    "identity": [[1, 2], [3, 4]],
    "hflip": [[2, 1], [4, 3]],
    "vflip": [[3, 4], [1, 2]],
    "rot90": [[2, 4], [1, 3]],  # counter-clockwise
    "rot180": [[4, 3], [2, 1]],
    "rot270": [[3, 1], [4, 2]],
    "transpose": [[1, 3], [2, 4]],
    "antitranspose": [[4, 2], [3, 1]],
}

NUMPY = {
    "identity": lambda x: x,
    "hflip": np.fliplr,
    "vflip": np.flipud,
    "rot90": np.rot90,
    "rot180": lambda x: np.rot90(x, 2),
    "rot270": lambda x: np.rot90(x, 3),
    "transpose": lambda x: np.swapaxes(x, 0, 1),
    "antitranspose": lambda x: np.swapaxes(np.rot90(x, 2), 0, 1),
}


@pytest.mark.parametrize("view", BY_HAND)
def test_a_view_is_as_worked_by_hand(view: str) -> None:
    batch = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(2, 3, 2, 2)
    seen = view_of(batch, view)
    assert seen.shape == (2, 3, 2, 2)
    for image, channel in product(range(2), range(3)):
        assert seen[image, channel].tolist() == BY_HAND[view]


@pytest.mark.parametrize("view", NUMPY)
def test_a_view_is_what_numpy_makes_of_the_image(view: str) -> None:
    image = np.random.default_rng(0).random((5, 5, 3), dtype=np.float32)
    batch = torch.from_numpy(image).permute(2, 0, 1)[None]
    seen = view_of(batch, view)[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(seen, NUMPY[view](image))


def test_the_eight_views_are_those_a_recipe_can_name_and_all_differ() -> None:
    assert set(VIEWS) == set(get_args(View)) == set(BY_HAND)
    image = torch.arange(27.0).reshape(1, 3, 3, 3)
    assert len({tuple(view_of(image, view).flatten().tolist()) for view in VIEWS}) == 8


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_a_view_keeps_the_memory_format(view: str, memory_format: torch.memory_format) -> None:
    batch = torch.rand(2, 3, 4, 4).contiguous(memory_format=memory_format)
    before = batch.clone()
    assert view_of(batch, view).is_contiguous(memory_format=memory_format)
    assert torch.equal(batch, before)
