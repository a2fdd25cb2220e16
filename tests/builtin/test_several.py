"""What is several labels in one, and what is a class whose name has several words."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.builtin.several import several_labels
from toolkit.builtin.sources import csv


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (("rust", "scab", "rust scab", "healthy"), "rust scab"),
        (("rust", "scab", "rust_scab"), "rust_scab"),
        (("cat", "dog", "cat|dog"), "cat|dog"),
        (("cat|dog", "cat|bird", "dog|bird"), "cat|bird"),
        (("a", "b", "a,b"), "a,b"),
        (("a", "b", "b; a"), "b; a"),
        (("cat", "dog", "cat and dog"), "cat and dog"),
        (("0", "16", "16 0"), "16 0"),
        (("a", "b", "a b", "b c", "a"), "a b"),
        (("x", "['x', 'y']"), "['x', 'y']"),
        (("x", '["y", "z"]'), '["y", "z"]'),
    ],
)
def test_labels_that_split_into_other_labels_are_several(
    labels: tuple[str, ...], found: str
) -> None:
    assert several_labels(labels) == found


@pytest.mark.parametrize(
    "labels",
    [
        ("golden retriever", "great white shark", "New York"),
        ("cat dog", "bird"),
        ("grey wolf", "wolf", "red fox"),
        ("tiger", "shark", "tiger shark", "great white shark"),
        ("low", "low-medium", "medium", "high"),
        ("Portland, Oregon", "Portland, Maine", "Salem, Oregon"),
        ("pickup_truck", "truck", "tank", "lawn_mower"),
        ("['x']", "['y']"),
        ("a|b", "c|d"),
        ("-1", "1", "0"),
        ("", "a"),
    ],
)
def test_a_class_of_several_words_is_one(labels: tuple[str, ...]) -> None:
    assert several_labels(labels) is None


def labelled(root: Path, *labels: str) -> None:
    rows = "".join(f'{k},"{label}"\n' for k, label in enumerate(labels))
    (root / "train.csv").write_text(f"ID,target\n{rows}")


def test_the_source_refuses_several_labels_in_one_unless_combinations_are_meant(
    tmp_path: Path,
) -> None:
    labelled(tmp_path, "rust", "scab", "rust scab")
    (problem,) = csv(root=str(tmp_path)).read().problems
    assert "'target' holds several labels in one ('rust scab')" in problem
    assert "combinations = true in [data]" in problem
    table = csv(root=str(tmp_path), combinations=True).read()
    assert (table.problems, table.classes) == ((), ("rust", "rust scab", "scab"))


def test_a_table_of_classes_says_that_a_label_is_one(tmp_path: Path) -> None:
    labelled(tmp_path, "rust", "scab", "rust scab")
    (tmp_path / "meta.csv").write_text("target,class_name\nrust,R\nscab,S\nrust scab,B\n")
    assert not csv(root=str(tmp_path)).read().problems
