"""The seventeen kinds of `document17`: each does something, alone and in company."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from toolkit.builtin.augmentations import Kind, document17
from toolkit.builtin.seventeen.pipeline import EXTRAS, KINDS, PIXELS, PLACED, WARP
from toolkit.contracts import Image, ImageSpec
from toolkit.errors import UserError

SPEC = ImageSpec(size=64)


def page(height: int = 74, width: int = 74) -> Image:
    """A white page with coloured text in its upper left."""
    image = np.full((height, width, 3), 236, dtype=np.uint8)
    image[6:40:4, 8:50] = (30, 40, 90)
    return image


def test_there_are_seventeen_and_two_more() -> None:
    assert len(KINDS) == 17
    assert set(KINDS) == set(get_args(Kind))
    assert {*PLACED, WARP, *PIXELS} == {*KINDS, *EXTRAS}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_a_page_and_keeps_its_size(kind: str) -> None:
    augment = document17(SPEC, kinds=[kind], most=1)  # type: ignore[list-item]
    image, before = page(), page()
    drawn = [augment(image, np.random.default_rng(seed)) for seed in range(4)]
    assert {one.shape for one in drawn} == {image.shape}
    assert all(not np.array_equal(one, image) for one in drawn)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("extra", ["shadow", "dropout"])
def test_the_extras_come_as_often_as_they_are_asked_for(extra: str) -> None:
    grey = {"kinds": ["greyscale"], "most": 1}
    plain, more = document17(SPEC, **grey), document17(SPEC, **grey, **{extra: 0.5})  # type: ignore[arg-type]
    image = page()
    changed = [
        not np.array_equal(
            plain(image, np.random.default_rng(n)), more(image, np.random.default_rng(n))
        )
        for n in range(60)
    ]
    assert 15 <= sum(changed) <= 45


def test_quarter_turns_and_flips_lose_nothing_of_a_square() -> None:
    image = page()
    for kind in ("quarter_turn", "flip"):
        augment = document17(SPEC, kinds=[kind], most=1)  # type: ignore[list-item]
        for seed in range(6):
            changed = augment(image, np.random.default_rng(seed)).astype(int)
            again = [np.rot90(image, k) for k in (1, 2, 3)] + [image[:, ::-1], image[::-1]]
            assert min(np.abs(changed - one).max() for one in again) <= 1


def test_numbers_of_kinds_that_cannot_be_are_refused_in_words() -> None:
    with pytest.raises(UserError, match="least = 5 is more than most = 4"):
        document17(SPEC, least=5)
    with pytest.raises(UserError, match="least = 2, and there are 1 kinds"):
        document17(SPEC, least=2, kinds=["jpeg"])
