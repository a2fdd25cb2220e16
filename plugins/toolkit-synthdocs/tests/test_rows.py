"""Counts, IDs and wrong labels: everything about rows that needs no pixel."""

from collections import Counter
from itertools import pairwise

import pytest

from toolkit_synthdocs.classes import CLASSES, FEWEST, train_counts
from toolkit_synthdocs.rows import Row, rows, wrong_labels


def of(split: str, scale: float, seed: int = 0) -> list[Row]:
    return [row for row in rows(seed, scale) if row.split == split]


def test_the_full_competition_has_1570_training_and_3140_test_images() -> None:
    assert (len(of("train", 1.0)), len(of("test", 1.0))) == (1570, 3140)


def test_the_rare_classes_are_1_13_and_14() -> None:
    counts = Counter(row.label for row in of("train", 1.0))

    assert {label: count for label, count in counts.items() if count != 100} == {
        1: 46,
        13: 74,
        14: 50,
    }


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.001])
def test_the_test_set_has_twice_the_training_images_of_every_class(scale: float) -> None:
    train, test = (Counter(row.label for row in of(split, scale)) for split in ("train", "test"))

    assert test == {label: 2 * count for label, count in train.items()}


@pytest.mark.parametrize("scale", [1e-9, 0.001, 0.05])
def test_the_smallest_drawing_keeps_every_class(scale: float) -> None:
    counts = train_counts(scale)

    assert len(counts) == len(CLASSES) == 17
    assert min(counts) == FEWEST


def test_a_smaller_drawing_is_a_part_of_a_larger_one() -> None:
    assert set(rows(0, 0.1)) < set(rows(0, 0.2))


def test_another_seed_has_other_ids() -> None:
    assert not {row.id for row in rows(0, 0.1)} & {row.id for row in rows(1, 0.1)}


def test_no_id_appears_twice() -> None:
    ids = [row.id for row in rows(0, 1.0)]

    assert len(set(ids)) == len(ids)


def test_rows_are_in_the_order_of_ids_that_say_no_class() -> None:
    train = of("train", 1.0)

    assert [row.id for row in train] == sorted(row.id for row in train)
    neighbours = sum(a.label == b.label for a, b in pairwise(train))
    assert neighbours < 0.1 * len(train)  # 0.062 is what chance gives


# 0.5 %, rounded: 1,570 -> 7.85 -> 8; 471 -> 2.4 -> 2; the smallest, 85 -> 0.4 -> but at least 1.
@pytest.mark.parametrize(("scale", "count"), [(1.0, 8), (0.3, 2), (0.001, 1)])
def test_half_a_percent_of_the_training_labels_is_wrong(scale: float, count: int) -> None:
    train = of("train", scale)
    wrong = wrong_labels(0, train)
    truth = {row.id: row.label for row in train}

    assert len(wrong) == count
    assert all(truth[name] != label and 0 <= label < 17 for name, label in wrong.items())
    assert wrong == wrong_labels(0, train)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("scale", [0.001, 0.05, 0.1, 0.2])
def test_at_least_four_images_of_a_class_keep_their_label(scale: float, seed: int) -> None:
    train = of("train", scale, seed)
    wrong = wrong_labels(seed, train)
    right = Counter(row.label for row in train if row.id not in wrong)

    assert min(right[label] for label in range(17)) >= 4
