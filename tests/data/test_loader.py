"""Batches: the pixels of an image depend on its epoch and row, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from toolkit.builtin.augmentations import document
from toolkit.contracts import ImageSpec, Preprocess, ignore
from toolkit.data.cache import Pack, open_pack
from toolkit.data.images import to_input
from toolkit.data.loader import Batches, Images, Normalize, earlier_draws, worker_count
from toolkit.data.table import file_hashes
from toolkit.errors import UserError

SaveImage = Callable[..., Path]
CPU = torch.device("cpu")
ROWS = 7


@pytest.fixture
def pack(save_image: SaveImage, spec: ImageSpec, tmp_path: Path) -> Pack:
    paths = [str(save_image(f"{n}.png", n, 20, 20 + n)) for n in range(ROWS)]
    files = {str(content): path for path, content in file_hashes(paths).items()}
    pack, _ = open_pack(files, spec, ignore, tmp_path / "packs")
    assert pack is not None
    return pack


@pytest.fixture
def augmented(pack: Pack, spec: ImageSpec) -> Images:
    return Images(pack, np.arange(ROWS)[::-1], spec, document(spec), seed=(3, 0))


def pixels(images: Images, epoch: int, batch_size: int, workers: int = 0) -> np.ndarray:
    """The images of an epoch, by row, `(n, S, S, 3)`."""
    batches = Batches(images, batch_size, workers, pin=False)
    order = np.random.default_rng(epoch).permutation(len(images))
    found = np.zeros((len(images), 16, 16, 3), dtype=np.uint8)
    for rows, batch in batches.epoch(order, epoch):
        found[rows] = batch.numpy()
    return found


def test_without_augmentation_rows_are_the_packs_images(pack: Pack, spec: ImageSpec) -> None:
    rows = np.array([4, 0, 4])
    images = Images(pack, rows, spec)
    assert len(images) == 3
    found = pixels(images, epoch=0, batch_size=2)
    for row, packed in enumerate(rows):
        np.testing.assert_array_equal(found[row], to_input(pack.images[packed], spec))


def test_one_image_is_a_batch_of_one(augmented: Images) -> None:
    torch.testing.assert_close(augmented[(2, 5)], augmented.batch([(2, 1), (2, 5)])[1])


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_batch_size_changes_no_pixel(augmented: Images, batch_size: int) -> None:
    expected = pixels(augmented, epoch=1, batch_size=2)
    np.testing.assert_array_equal(pixels(augmented, 1, batch_size), expected)


def test_loader_processes_change_no_pixel(augmented: Images) -> None:
    expected = [pixels(augmented, epoch, batch_size=2) for epoch in (0, 1)]
    state = torch.get_rng_state()
    for workers in (0, 2):
        batches = Batches(augmented, 3, workers, pin=False)
        for epoch in (0, 1):  # the processes live on from one epoch to the next
            order = np.random.default_rng(5).permutation(ROWS)
            found = list(batches.epoch(order, epoch))
            assert np.concatenate([rows for rows, _ in found]).tolist() == order.tolist()
            for rows, batch in found:
                np.testing.assert_array_equal(batch.numpy(), expected[epoch][rows])
    # Nor do they draw from the generator that dropout draws from.
    assert torch.equal(torch.get_rng_state(), state)


def test_every_epoch_sees_other_pixels(augmented: Images) -> None:
    first, again, second = (pixels(augmented, epoch, 3) for epoch in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert all((a != b).any() for a, b in zip(first, second, strict=True))


def test_every_row_and_every_seed_sees_its_own_draw(pack: Pack, spec: ImageSpec) -> None:
    same = np.zeros(2, dtype=np.int64)  # the same image twice
    first, other = (
        pixels(Images(pack, same, spec, document(spec), seed=seed), 0, 2)
        for seed in ((3, 0), (3, 1))
    )
    assert (first[0] != first[1]).any()
    assert (first[0] != other[0]).any()


def test_a_row_that_an_epoch_draws_again_is_augmented_anew(augmented: Images) -> None:
    twice = np.array([3, 5, 3, 3, 5])
    (whole,) = [batch for _, batch in Batches(augmented, 9, 0, pin=False).epoch(twice, 1)]
    assert len({image.numpy().tobytes() for image in whole}) == 5
    # The first draw is what it is where the row is drawn once.
    once = Batches(augmented, 9, 0, pin=False).epoch(np.array([5, 3]), 1)
    torch.testing.assert_close(next(iter(once))[1], whole[[1, 0]])


@pytest.mark.parametrize("workers", [0, 1])
def test_neither_batches_nor_loader_processes_change_a_repeated_draw(
    augmented: Images, workers: int
) -> None:
    order = np.array([6, 2, 2, 6, 0, 2])
    (expected,) = [batch for _, batch in Batches(augmented, 9, 0, pin=False).epoch(order, 4)]
    found = [batch for _, batch in Batches(augmented, 2, workers, pin=False).epoch(order, 4)]
    assert len(found) == 3
    torch.testing.assert_close(torch.cat(found), expected)


def test_earlier_draws_count_from_the_start_of_the_epoch() -> None:
    assert earlier_draws(np.array([4, 0, 4, 4, 0, 7])).tolist() == [0, 0, 1, 2, 1, 0]
    assert earlier_draws(np.arange(5)[::-1]).tolist() == [0] * 5


def test_batches_have_nearly_equal_length_and_drop_no_row(pack: Pack, spec: ImageSpec) -> None:
    batches = Batches(Images(pack, np.arange(ROWS), spec), 8, 0, pin=False)
    order = np.random.default_rng(0).permutation(17)
    chunks = batches.split(order)
    # 17 rows in batches of at most 8 are 3 batches, not 8 + 8 + 1
    assert [len(chunk) for chunk in chunks] == [6, 6, 5]
    np.testing.assert_array_equal(np.concatenate(chunks), order)


def test_no_batch_is_larger_than_asked(pack: Pack, spec: ImageSpec) -> None:
    batches = Batches(Images(pack, np.arange(ROWS), spec), 8, 0, pin=False)
    for rows in range(1, 30):
        lengths = [len(chunk) for chunk in batches.split(np.arange(rows))]
        assert sum(lengths) == rows
        assert max(lengths) <= 8
        assert max(lengths) - min(lengths) <= 1


def test_where_one_row_does_not_train_none_is_alone(pack: Pack, spec: ImageSpec) -> None:
    images = Images(pack, np.arange(ROWS), spec)
    for size in range(2, 9):
        batches = Batches(images, size, 0, pin=False, one_row_trains=lambda: False)
        usual = Batches(images, size, 0, pin=False)
        for rows in range(2, 60):
            lengths = [len(chunk) for chunk in batches.split(np.arange(rows))]
            assert sum(lengths) == rows
            assert min(lengths) >= 2
            assert max(lengths) <= size + 1
            cut = [len(chunk) for chunk in usual.split(np.arange(rows))]
            assert lengths == cut or 1 in cut


def test_an_epoch_of_one_row_that_cannot_train_is_refused(pack: Pack, spec: ImageSpec) -> None:
    images = Images(pack, np.arange(ROWS), spec)
    with pytest.raises(UserError, match="this epoch draws one row"):
        Batches(images, 4, 0, pin=False, one_row_trains=lambda: False).split(np.arange(1))
    assert len(Batches(images, 4, 0, pin=False).split(np.arange(1))) == 1


PREPROCESS = Preprocess(ImageSpec(4), (0.1, 0.5, 0.9), (0.2, 0.3, 0.4))


@pytest.mark.parametrize("channels_last", [True, False])
def test_normalization_is_the_formula(channels_last: bool) -> None:
    images = torch.randint(0, 256, (5, 4, 4, 3), dtype=torch.uint8)
    batch = Normalize(PREPROCESS, CPU, channels_last)(images)
    mean, std = torch.tensor(PREPROCESS.mean), torch.tensor(PREPROCESS.std)
    expected = ((images.double() / 255 - mean) / std).permute(0, 3, 1, 2)
    assert batch.shape == (5, 3, 4, 4)
    assert batch.dtype == torch.float32
    torch.testing.assert_close(batch.double(), expected, rtol=1e-5, atol=1e-5)


def test_normalized_batches_have_the_memory_format_that_was_asked_for() -> None:
    images = torch.zeros(5, 4, 4, 3, dtype=torch.uint8)
    last = Normalize(PREPROCESS, CPU, channels_last=True)(images)
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert not last.is_contiguous()
    assert Normalize(PREPROCESS, CPU, channels_last=False)(images).is_contiguous()


def test_a_shorter_batch_does_not_see_the_one_before_it() -> None:
    normalize = Normalize(PREPROCESS, CPU, channels_last=True)
    normalize(torch.full((5, 4, 4, 3), 200, dtype=torch.uint8))
    batch = normalize(torch.zeros(2, 4, 4, 3, dtype=torch.uint8))
    assert batch.shape == (2, 3, 4, 4)
    # (0 - 0.1) / 0.2, (0 - 0.5) / 0.3, (0 - 0.9) / 0.4
    torch.testing.assert_close(batch[1, :, 2, 2], torch.tensor([-0.5, -5 / 3, -2.25]))


def test_loader_processes_are_as_asked_and_none_on_a_cpu() -> None:
    assert worker_count(3, CPU) == 3
    assert worker_count("auto", CPU) == 0
    assert 1 <= worker_count("auto", torch.device("cuda")) <= 8
