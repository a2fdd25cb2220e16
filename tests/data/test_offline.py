"""Offline copies: drawn once, the same for the same image, and only of what trains."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.contracts import Event, Image, ImageSpec, Notify, ignore
from toolkit.data.cache import Pack, open_pack
from toolkit.data.offline import Copies, Joined, draw_copies
from toolkit.data.shares import copies_each, rows_that_train
from toolkit.data.table import file_hashes
from toolkit.errors import DataError
from toolkit.recipe.offline import Offline
from toolkit.train.job import Rows, with_copies

SaveImage = Callable[..., Path]


def noisy(strength: int, spec: ImageSpec) -> Callable[..., Image]:
    def augment(image: Image, rng: np.random.Generator) -> Image:
        shift = rng.integers(1, strength, image.shape)
        return ((image.astype(int) + shift) % 256).astype(np.uint8)

    return augment


NOISE = partial(noisy, 9)


def half(spec: ImageSpec) -> Callable[..., Image]:
    return lambda image, rng: np.ascontiguousarray(image[::2])


def floats(spec: ImageSpec) -> Callable[..., Any]:
    return lambda image, rng: image / 255


@pytest.fixture
def source(save_image: SaveImage, spec: ImageSpec, tmp_path: Path) -> tuple[Pack, list[str]]:
    """Four images in a pack, and their contents in the order of the table."""
    paths = [str(save_image(f"images/{n}.png", seed=n)) for n in range(4)]
    hashes = file_hashes(paths)
    contents = [str(hashes[path]) for path in paths]
    pack, _ = open_pack(dict(zip(contents, paths, strict=True)), spec, ignore, tmp_path / "packs")
    assert pack is not None
    return pack, contents


def drawn(
    source: tuple[Pack, list[str]],
    spec: ImageSpec,
    *,
    build: Callable[..., Any] = NOISE,
    rows: slice = slice(None),
    originals: tuple[int, ...] | None = None,
    copies: int = 2,
    seed: int = 7,
    facts: dict[str, Any] | None = None,
    notify: Notify = ignore,
) -> Copies:
    pack, contents = source
    numbers = pack.rows(contents[rows])
    chosen = np.arange(len(numbers)) if originals is None else np.array(originals)
    return draw_copies(
        pack, numbers, chosen, build, facts or {}, copies, spec, seed, pack.cache, notify
    )


def test_each_original_has_its_copies_and_no_two_are_alike(
    source: tuple[Pack, list[str]], spec: ImageSpec
) -> None:
    copies = drawn(source, spec)
    assert copies.rows.shape == (4, 2)
    images = [source[0].images[n] for n in range(4)] + [copies.pack.images[n] for n in range(8)]
    assert len({image.tobytes() for image in images}) == 12


def test_originals_of_the_same_content_have_copies_of_their_own(
    source: tuple[Pack, list[str]], spec: ImageSpec
) -> None:
    pack, contents = source
    twins = drawn((pack, [contents[1], contents[0], contents[1]]), spec)
    assert len({image.tobytes() for image in twins.pack.images}) == 6
    assert len(set(twins.rows.flatten().tolist())) == 6
    # A twin behind it changes nothing for the first.
    alone = drawn((pack, [contents[1]]), spec)
    for copy in (0, 1):
        np.testing.assert_array_equal(
            twins.pack.images[twins.rows[0, copy]], alone.pack.images[alone.rows[0, copy]]
        )


def test_rows_that_are_no_originals_have_none(
    source: tuple[Pack, list[str]], spec: ImageSpec
) -> None:
    copies = drawn(source, spec, originals=(0, 2))
    assert (copies.rows >= 0).all(axis=1).tolist() == [True, False, True, False]
    assert copies.pack.shape[0] == 4


def test_the_second_time_nothing_is_drawn(source: tuple[Pack, list[str]], spec: ImageSpec) -> None:
    first = drawn(source, spec)
    events: list[Event] = []
    again = drawn(source, spec, notify=events.append)
    assert events == []
    assert again.pack.path == first.pack.path


def test_an_images_copies_do_not_depend_on_the_other_images(
    source: tuple[Pack, list[str]], spec: ImageSpec
) -> None:
    all_four, last_two = drawn(source, spec), drawn(source, spec, rows=slice(2, None))
    for row in (0, 1):
        for copy in (0, 1):
            np.testing.assert_array_equal(
                last_two.pack.images[last_two.rows[row, copy]],
                all_four.pack.images[all_four.rows[row + 2, copy]],
            )


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"copies": 3}, {"facts": {"strength": 5}}], ids=lambda c: next(iter(c))
)
def test_another_seed_count_or_option_is_another_pack(
    source: tuple[Pack, list[str]], spec: ImageSpec, change: dict[str, Any]
) -> None:
    assert drawn(source, spec, **change).pack.path != drawn(source, spec).pack.path


def test_another_seed_draws_other_pixels(source: tuple[Pack, list[str]], spec: ImageSpec) -> None:
    one, other = drawn(source, spec), drawn(source, spec, seed=8)
    assert not np.array_equal(one.pack.images, other.pack.images)


def test_a_copy_of_any_shape_comes_to_the_working_size(
    source: tuple[Pack, list[str]], spec: ImageSpec
) -> None:
    side = spec.working_size
    assert drawn(source, spec, build=half).pack.images.shape == (8, side, side, 3)


def test_what_is_no_image_is_refused_once(source: tuple[Pack, list[str]], spec: ImageSpec) -> None:
    with pytest.raises(DataError, match=r"augment.offline gives float64 .* expected uint8") as e:
        drawn(source, spec, build=floats)
    assert len(e.value.lines) == 1


def test_a_fold_gets_the_copies_of_its_own_training_originals(
    source: tuple[Pack, list[str]], spec: ImageSpec
) -> None:
    pack, contents = source
    copies = drawn(source, spec, originals=(0, 1, 2))
    train = np.array([0, 2, 3])  # row 1 validates; row 3 is no original
    rows = Rows(["a", "c", "d"], ["a", "c", "a"], np.array([5, 6, 5]), pack.rows(contents)[train])
    joined, both = with_copies(rows, copies, train, pack)
    assert joined.ids == ["a", "c", "d", "a#0", "a#1", "c#0", "c#1"]
    assert joined.parents == ["a", "c", "a", "a", "a", "c", "c"]
    assert joined.labels.tolist() == [5, 6, 5, 5, 5, 6, 6]
    np.testing.assert_array_equal(both.images[joined.packed[1]], pack.images[rows.packed[1]])
    np.testing.assert_array_equal(
        both.images[joined.packed[5]], copies.pack.images[copies.rows[2, 0]]
    )


def test_joined_packs_travel_to_loader_processes(
    source: tuple[Pack, list[str]], spec: ImageSpec
) -> None:
    both = Joined(source[0], drawn(source, spec).pack)
    copy = pickle.loads(pickle.dumps(both))
    np.testing.assert_array_equal(copy.images[7], both.images[7])


@pytest.mark.parametrize(
    ("mode", "to", "copies"),
    [
        # Class 0 has four originals and a row made from one of them, class 1 has two originals.
        ("append", 9, [1, 1, 1, 1, 0, 4, 3]),
        ("append", 7, [1, 0, 1, 0, 0, 3, 2]),
        ("append", 2, [0, 0, 0, 0, 0, 0, 0]),
        ("replace", 9, [2, 2, 2, 2, 0, 5, 4]),
        ("replace", 2, [1, 1, 1, 1, 0, 1, 1]),  # one of each at least: no original is lost
    ],
)
def test_only_what_a_class_lacks_is_drawn_and_spread_over_its_originals(
    mode: str, to: int, copies: list[int]
) -> None:
    labels = np.array([0, 0, 0, 0, 0, 1, 1])
    original = np.array([True, True, True, True, False, True, True])
    offline = Offline(mode=mode, balance_to=to)  # type: ignore[arg-type]
    found = copies_each(labels, original, offline)
    assert found.tolist() == copies
    counts = np.bincount(labels, rows_that_train(original, found, offline))
    assert counts.tolist() == [max(to, 5), max(to, 2)]


def test_originals_have_as_many_copies_as_was_asked_of_each(
    source: tuple[Pack, list[str]], spec: ImageSpec
) -> None:
    pack, contents = source
    numbers = pack.rows(contents)
    wanted = np.array([0, 3, 1])
    chosen = np.array([0, 2, 3])
    copies = draw_copies(pack, numbers, chosen, NOISE, {}, wanted, spec, 7, pack.cache, ignore)
    assert copies.rows.shape == (4, 3)
    assert (copies.rows >= 0).sum(axis=1).tolist() == [0, 0, 3, 1]
    assert copies.pack.shape[0] == 4
    three = drawn(source, spec, copies=3)
    np.testing.assert_array_equal(  # the same pixels, however many there are
        copies.pack.images[copies.rows[2, 2]], three.pack.images[three.rows[2, 2]]
    )


def test_copies_stand_in_the_place_of_their_originals_and_a_fold_has_its_share(
    source: tuple[Pack, list[str]], spec: ImageSpec
) -> None:
    pack, contents = source
    copies = drawn(source, spec, originals=(0, 1, 2))
    train = np.array([0, 2, 3])  # row 3 is no original, and stays
    rows = Rows(["a", "c", "d"], ["a", "c", "a"], np.array([5, 6, 5]), pack.rows(contents)[train])
    each = np.array([2, 1, 0])
    joined, both = with_copies(rows, copies, train, pack, each, replace=True)
    assert joined.ids == ["d", "a#0", "a#1", "c#0"]
    assert joined.parents == ["a", "a", "a", "c"]
    assert joined.labels.tolist() == [5, 5, 5, 6]
    np.testing.assert_array_equal(both.images[joined.packed[0]], pack.images[rows.packed[2]])
