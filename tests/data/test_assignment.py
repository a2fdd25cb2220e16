"""Folds: lineage is law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from toolkit.contracts import Table
from toolkit.data.assignment import assign_folds, fold_hash, fold_warnings, split_rows, units
from toolkit.errors import DataError


def table_of(rows: Sequence[tuple[str, int, str, str]], classes: int = 2) -> Table:
    """A table from `(id, label, parent, group)`, sorted by ID as the host reads it."""
    train = pd.DataFrame(rows, columns=["id", "label", "parent", "group"]).sort_values("id")
    train = train.assign(path=train["id"] + ".png").reset_index(drop=True)
    return Table(train, None, tuple("abcdefgh"[:classes]))


def plain_table(counts: Sequence[int]) -> Table:
    """Rows without parents and groups, `counts` of each class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    rows = [(f"i{n:03d}", int(label), f"i{n:03d}", f"i{n:03d}") for n, label in enumerate(labels)]
    return table_of(rows, len(counts))


def tangled_table(seed: int) -> Table:
    """60 originals of 3 classes in 20 groups, and 40 rows made of them; made rows are in
    groups of their own, or share another original's."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"o{n:02d}", int(rng.integers(3)), f"o{n:02d}", f"g{rng.integers(20)}") for n in range(60)
    ]
    for n in range(40):
        _, label, parent, group = rows[int(rng.integers(60))]
        group = (group, f"m{n}", f"g{rng.integers(20)}")[int(rng.choice(3, p=[0.6, 0.35, 0.05]))]
        rows.append((f"m{n:02d}", label, parent, group))
    return table_of(rows, 3)


@pytest.mark.parametrize("seed", range(4))
def test_no_parent_and_no_group_stands_in_two_folds(seed: int) -> None:
    folds = assign_folds(tangled_table(seed), 3, seed)
    assert folds.columns.tolist() == ["id", "parent", "group", "fold"]
    assert (folds.groupby("parent")["fold"].nunique() == 1).all()
    assert (folds.groupby("group")["fold"].nunique() == 1).all()


@pytest.mark.parametrize("seed", range(4))
def test_every_row_is_in_exactly_one_fold(seed: int) -> None:
    table = tangled_table(seed)
    folds = assign_folds(table, 3, seed)
    assert folds["id"].tolist() == sorted(table.train["id"])
    assert set(folds["fold"]) == {0, 1, 2}


@pytest.mark.parametrize("seed", range(4))
def test_every_original_is_validated_once_and_nothing_else_is(seed: int) -> None:
    table = tangled_table(seed)
    folds = assign_folds(table, 3, seed)
    validated: list[str] = []
    for fold in range(3):
        train, validation = split_rows(table, folds, fold)
        assert set(train).isdisjoint(validation)
        in_fold = set(np.flatnonzero(folds["fold"] == fold))
        assert set(train) == set(range(100)) - in_fold
        validated += table.train["id"].iloc[validation].tolist()
    assert sorted(validated) == [f"o{n:02d}" for n in range(60)]


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_plain_rows_are_stratified_within_one(folds: int) -> None:
    table = plain_table([23, 11, 5])
    assigned = assign_folds(table, folds, seed=1).merge(table.train[["id", "label"]], on="id")
    counts = pd.crosstab(assigned["label"], assigned["fold"])
    assert counts.shape == (3, folds)
    assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()


def test_stratification_counts_originals_only() -> None:
    # 6 originals of each class; one has 10 copies, which would fill a fold if they counted.
    rows = [(f"{c}{n}", c, f"{c}{n}", f"{c}{n}") for c in (0, 1) for n in range(6)]
    rows += [(f"00-copy{n}", 0, "00", "00") for n in range(10)]
    table = table_of(rows)
    folds = assign_folds(table, 3, seed=0)
    for fold in range(3):
        _, validation = split_rows(table, folds, fold)
        assert np.bincount(table.train["label"].to_numpy()[validation]).tolist() == [2, 2]


@pytest.mark.parametrize("make", [lambda: tangled_table(0), lambda: plain_table([9, 8])])
def test_the_order_of_rows_changes_nothing(make: object) -> None:
    table: Table = make()  # type: ignore[operator]
    shuffled = replace(table, train=table.train.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(assign_folds(table, 3, 5), assign_folds(shuffled, 3, 5))


def test_the_names_of_groups_change_nothing() -> None:
    table = tangled_table(0)
    renamed = table.train.assign(group="x" + table.train["group"])
    before = assign_folds(table, 3, 5)["fold"]
    assert before.equals(assign_folds(replace(table, train=renamed), 3, 5)["fold"])


def test_the_seed_decides_and_repeats() -> None:
    table = plain_table([30, 30])
    hashes = [fold_hash(assign_folds(table, 3, seed)) for seed in (0, 0, 1)]
    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]
    assert len(hashes[0]) == 16


def test_rows_join_through_parents_and_groups_transitively() -> None:
    rows = pd.DataFrame(
        [
            ("a", "a", "g1"),  # a and b by group g1,
            ("b", "b", "g1"),
            ("c", "b", "g2"),  # c by parent b,
            ("d", "d", "g2"),  # d by group g2
            ("e", "e", "e"),
        ],
        columns=["id", "parent", "group"],
    )
    a, b, c, d, e = units(rows).tolist()
    assert a == b == c == d
    assert e != a


def test_a_parent_and_a_group_of_the_same_name_are_not_the_same() -> None:
    rows = pd.DataFrame([("x", "x", "g"), ("y", "y", "x")], columns=["id", "parent", "group"])
    first, second = units(rows).tolist()
    assert first != second


def test_a_parent_on_both_sides_of_a_split_is_a_leak() -> None:
    rows = [(i, n % 2, i, i) for n, i in enumerate("abcd")] + [("e", 0, "a", "e")]
    table = table_of(rows)
    folds = table.train[["id", "parent", "group"]].assign(fold=[0, 0, 1, 1, 1])
    with pytest.raises(DataError, match=r"leak: 1 values of parent .* \(a\)"):
        split_rows(table, folds, 0)


def test_a_group_on_both_sides_of_a_split_is_a_leak() -> None:
    table = table_of([("a", 0, "a", "g"), ("b", 1, "b", "b"), ("c", 0, "c", "g")])
    folds = table.train[["id", "parent", "group"]].assign(fold=[0, 0, 1])
    with pytest.raises(DataError, match=r"leak: 1 values of group .* \(g\)"):
        split_rows(table, folds, 1)


def test_fewer_groups_than_folds_is_an_error() -> None:
    rows = [(f"i{n}", n % 2, f"i{n}", f"g{n % 3}") for n in range(12)]
    with pytest.raises(DataError, match="fall into 3 groups, too few for 4 folds"):
        assign_folds(table_of(rows), 4, seed=0)
    assert set(assign_folds(table_of(rows), 3, seed=0)["fold"]) == {0, 1, 2}


def test_a_class_that_one_group_holds_is_warned_of() -> None:
    rows = [(f"a{n}", 0, f"a{n}", f"a{n}") for n in range(6)]
    rows += [(f"b{n}", 1, f"b{n}", "one") for n in range(4)]
    table = table_of(rows)
    folds = assign_folds(table, 2, seed=0)
    holder = int(folds.loc[folds["id"] == "b0", "fold"].iloc[0])
    assert sorted(fold_warnings(table, folds)) == sorted(
        [
            f'fold {holder}: class "b" has no training image (its groups are few)',
            f'fold {1 - holder}: class "b" has no validation image (its groups are few)',
        ]
    )


def test_sound_folds_have_no_warnings() -> None:
    table = plain_table([6, 6])
    assert fold_warnings(table, assign_folds(table, 3, seed=0)) == []
