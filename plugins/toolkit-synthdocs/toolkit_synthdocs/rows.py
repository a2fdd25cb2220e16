"""The rows of the competition: IDs, true labels, and the few training labels that are wrong.

Nothing here is drawn. Rows depend on the seed and the scale alone, and a smaller drawing's rows
are among a larger one's of the same seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toolkit_synthdocs.classes import CLASSES, TEST_PER_TRAIN, train_counts, wrong_label_count
from toolkit_synthdocs.painters import SPLITS, Split

WRONG_LABEL_STREAM = len(SPLITS)  # a generator of its own, beside those of the splits' images


@dataclass(frozen=True)
class Row:
    """One image: `index` counts within its split and class."""

    id: str
    split: Split
    label: int
    index: int


def rows(seed: int, scale: float) -> list[Row]:
    """Every image, training rows first, each split in the order of its IDs.

    An ID is a hash, so neither it nor the order tells the class.
    """
    drawn = [
        Row(image_id(seed, split, label, index), split, label, index)
        for split, times in zip(SPLITS, (1, TEST_PER_TRAIN), strict=True)
        for label, count in enumerate(train_counts(scale))
        for index in range(count * times)
    ]
    return sorted(drawn, key=lambda row: (SPLITS.index(row.split), row.id))


def image_id(seed: int, split: Split, label: int, index: int) -> str:
    """The image's file name."""
    name = f"{seed}/{split}/{label}/{index}".encode()
    return f"{hashlib.blake2b(name, digest_size=8).hexdigest()}.jpg"


def wrong_labels(seed: int, train: Sequence[Row]) -> dict[str, int]:
    """ID -> the label that train.csv gives it, for the rows whose label is wrong.

    A row's wrong label is any other class's, each as likely as the next.
    """
    rng = np.random.default_rng([seed, WRONG_LABEL_STREAM])
    chosen = rng.choice(len(train), wrong_label_count(len(train)), replace=False)
    shifts = rng.integers(1, len(CLASSES), len(chosen))
    return {
        train[int(row)].id: (train[int(row)].label + int(shift)) % len(CLASSES)
        for row, shift in zip(chosen, shifts, strict=True)
    }
