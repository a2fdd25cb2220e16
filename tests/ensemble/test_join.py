"""Folds are joined: every original once, by files that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from toolkit.builtin.ensemblers import Hard, Soft
from toolkit.contracts import Predictions, Table
from toolkit.ensemble.combine import combine
from toolkit.ensemble.join import join_oof, join_test
from toolkit.errors import DataError, PluginError
from toolkit.predict.files import (
    PredictionsMeta,
    as_predictions,
    prediction_rows,
    read_predictions,
    write_predictions,
)

META = PredictionsMeta(("invoice", "letter"), "clean_f1", "folds", "plan")


def chances(ids: Sequence[str], shift: int = 0) -> np.ndarray:
    """Probabilities that tell the IDs apart: `ord / 256` for the first class."""
    first = np.array([(ord(i[0]) + shift) / 256 for i in ids], dtype=np.float32)
    return np.stack([first, 1 - first], axis=1)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes a fold's predictions of some IDs, and gives the file."""

    def write(fold: int, ids: Sequence[str], meta: PredictionsMeta = META, shift: int = 0) -> Path:
        ids = list(ids)
        file = tmp_path / str(fold) / "predictions.parquet"
        file.parent.mkdir(exist_ok=True)
        values = chances(ids, shift)
        rows = prediction_rows(ids, ids, fold, {"identity": values, "hflip": values}, values)
        write_predictions(file, rows, meta)
        return file

    return write


def test_folds_together_predict_every_original_once(write: Any, table: Table) -> None:
    rows = join_oof([write(0, "fbc"), write(1, "ead")], table, META)
    member = as_predictions(rows, META.classes)
    assert member.ids == tuple("abcdef")
    np.testing.assert_array_equal(member.probabilities, chances("abcdef"))
    mean = rows[rows["view"] == "mean"].set_index("id")["fold"]
    assert mean.to_dict() == {"f": 0, "b": 0, "c": 0, "e": 1, "a": 1, "d": 1}
    assert set(rows["view"]) == {"mean", "identity", "hflip"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("abc", "de"),  # one is missing
        ("abc", "cdef"),  # one is predicted twice
        ("abc", "dee"),  # one is missing, another there twice
        ("abc", ["d", "e", "f", "a-copy"]),  # one is no original
        ("abc", "dex"),  # one is unknown
    ],
)
def test_any_other_set_of_originals_is_an_error(
    write: Any, table: Table, tmp_path: Path, first: Sequence[str], second: Sequence[str]
) -> None:
    files = [write(0, first), write(1, second)]
    with pytest.raises(DataError) as error:
        join_oof(files, table, META)
    assert str(error.value).startswith(f"{tmp_path}: the folds predict ")
    assert "the table has 6 originals; each must be predicted exactly once" in str(error.value)


@pytest.mark.parametrize(
    "change",
    [{"plan": "other"}, {"folds": "other"}, {"classes": ("letter", "invoice")}],
)
def test_a_file_of_another_plan_or_other_folds_or_classes_is_an_error(
    write: Any, table: Table, change: dict[str, Any]
) -> None:
    ours, foreign = write(0, "abc"), write(1, "def", replace(META, **change))
    with pytest.raises(DataError, match=f"{foreign}: belongs to another plan"):
        join_oof([ours, foreign], table, META)
    with pytest.raises(DataError, match=f"{foreign}: belongs to another plan"):
        join_test([ours, foreign], Soft(), META)


def test_the_test_prediction_is_the_mean_over_folds(write: Any) -> None:
    rows = join_test([write(fold, "zxy", shift=8 * fold) for fold in (0, 1)], Soft(), META)
    assert rows["id"].tolist() == ["x", "y", "z"]
    assert rows["parent"].tolist() == ["x", "y", "z"]
    assert rows["view"].tolist() == ["mean"] * 3
    assert rows["fold"].tolist() == [-1] * 3  # by all folds together
    found = rows[["p_0", "p_1"]].to_numpy()
    np.testing.assert_allclose(found, chances("xyz", shift=4), rtol=1e-6)


def member(rows: Any, ids: Sequence[str] = "xyz", classes: Sequence[str] = "ab") -> Predictions:
    return Predictions(tuple(ids), np.array(rows, dtype=np.float32), tuple(classes))


GOOD = [[1, 0], [0.5, 0.5], [0, 1]]


def test_members_that_agree_on_ids_and_classes_are_combined() -> None:
    joined = combine(Hard(), [member(GOOD), member(GOOD), member(GOOD[::-1])])
    assert joined.labels().tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    "other",
    [
        member(GOOD, ids="xzy"),
        member(GOOD[:2], ids="xy"),
        member(GOOD, classes="ba"),
    ],
)
def test_members_with_other_ids_or_classes_are_refused(other: Predictions) -> None:
    with pytest.raises(DataError, match="predict different images or classes"):
        combine(Soft(), [member(GOOD), other])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_probability_that_is_no_number_is_refused(value: float) -> None:
    bad = [[1, 0], [value, 0.5], [0, 1]]
    with pytest.raises(DataError, match="probabilities that are no numbers"):
        combine(Soft(), [member(GOOD), member(bad)])


@dataclass(frozen=True)
class Returns:
    """An ensembler of a plugin, with a fault."""

    result: Predictions
    needs_fit: bool = False

    def fit(self, oof: Sequence[Predictions], truth: np.ndarray, /) -> Returns:
        return self

    def combine(self, members: Sequence[Predictions], /) -> Predictions:
        return self.result


@pytest.mark.parametrize(
    "result",
    [
        member(GOOD, ids="xzy"),
        member([[1, 0], [0.5, 0.6], [0, 1]]),
        member([[1, 0], [np.nan, 0.5], [0, 1]]),
        member([[1, 0], [np.inf, -np.inf], [0, 1]]),
        member([[1, 0], [1.5, -0.5], [0, 1]]),
        member(np.array(GOOD).sum(axis=1)),
        member(GOOD[:2], ids="xy"),
        member(GOOD, classes="ba"),
        replace(member(GOOD), probabilities=np.array([[1, 0], [0, 1], [0, 1]])),
        replace(member(GOOD), probabilities=[[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]),
        np.array(GOOD),
        None,
    ],
)
def test_an_ensembler_that_breaks_its_contract_is_named(result: Any) -> None:
    with pytest.raises(PluginError, match="ensembler Returns: must keep the IDs"):
        combine(Returns(result), [member(GOOD)])


def with_variant(write: Any, fold: int, ids: str, variant: str, twins: Sequence[str]) -> Path:
    """A fold's file of clean rows and of these IDs' twins."""
    file: Path = write(fold, ids, replace(META, twins="drawn"))
    rows, meta = read_predictions(file)
    values = chances(twins, 1)
    more = prediction_rows(list(twins), list(twins), fold, {"identity": values}, values, variant)
    write_predictions(file, pd.concat([rows, more]), meta)
    return file


@pytest.mark.parametrize(
    ("variant", "twins", "said"),
    [
        ("robust", "de", "5 rows of the variant robust"),
        ("robust.2", "def", "0 rows of the variant robust"),
    ],
)
def test_an_original_without_its_twin_is_an_error(
    write: Any, table: Table, variant: str, twins: str, said: str
) -> None:
    files = [
        with_variant(write, 0, "abc", variant, "abc"),
        with_variant(write, 1, "def", variant, twins),
    ]
    with pytest.raises(DataError, match=f"predict {said}, the table has 6 originals"):
        join_oof(files, table, replace(META, twins="drawn"))


def test_twins_of_every_original_are_joined(write: Any, table: Table) -> None:
    files = [with_variant(write, n, ids, "robust", ids) for n, ids in enumerate(("abc", "def"))]
    rows = join_oof(files, table, replace(META, twins="drawn"))
    assert as_predictions(rows, META.classes, "robust").ids == tuple("abcdef")
    with pytest.raises(DataError, match="belongs to another plan"):
        join_oof(files, table, replace(META, twins="otherwise"))


def test_an_original_without_its_second_twin_is_an_error(write: Any, table: Table) -> None:
    files = [with_variant(write, n, ids, "robust.2", twins) for n, ids, twins in _HALVES]
    for file, (fold, ids, _) in zip(files, _HALVES, strict=True):
        rows, meta = read_predictions(file)
        first = prediction_rows(
            list(ids), list(ids), fold, {"identity": chances(ids)}, chances(ids), "robust"
        )
        write_predictions(file, pd.concat([rows, first]), meta)
    with pytest.raises(DataError, match=r"predict 5 rows of the variant robust\.2, the table"):
        join_oof(files, table, replace(META, twins="drawn"))


_HALVES = ((0, "abc", "abc"), (1, "def", "de"))
