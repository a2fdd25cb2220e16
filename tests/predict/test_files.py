"""Predictions files: what is written is read, the same rows are the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit.errors import DataError
from toolkit.predict.files import (
    PredictionsMeta,
    as_predictions,
    prediction_rows,
    read_predictions,
    write_predictions,
)

META = PredictionsMeta(("invoice", "letter", "Büro"), "clean_f1", "folds-hash", "plan-hash")
COLUMNS = ["id", "parent", "fold", "variant", "view", "p_0", "p_1", "p_2"]
IDS = ("c", "a", "b")


def probabilities(seed: int, rows: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet([1, 1, 1], rows).astype(np.float32)


@pytest.fixture
def rows() -> pd.DataFrame:
    """Two views and their mean."""
    by_view = {"identity": probabilities(1), "hflip": probabilities(2)}
    return prediction_rows(IDS, IDS, 4, by_view, probabilities(0))


def test_a_fold_has_a_row_an_image_and_view_and_the_mean(rows: pd.DataFrame) -> None:
    assert rows.columns.tolist() == COLUMNS
    assert rows.groupby("view")["id"].apply(list).to_dict() == {
        "mean": list(IDS), "identity": list(IDS), "hflip": list(IDS),
    }  # fmt: skip
    assert set(rows["fold"]) == {4}
    assert set(rows["variant"]) == {"clean"}
    mean = rows.loc[rows["view"] == "mean", ["p_0", "p_1", "p_2"]].to_numpy()
    np.testing.assert_array_equal(mean, probabilities(0))


def test_without_views_there_is_only_the_mean() -> None:
    only = probabilities(0)
    rows = prediction_rows(IDS, IDS, 0, {"identity": only}, only)
    assert rows["view"].tolist() == ["mean"] * 3


def test_what_is_written_is_read(rows: pd.DataFrame, tmp_path: Path) -> None:
    write_predictions(tmp_path / "oof.parquet", rows, META)
    found, meta = read_predictions(tmp_path / "oof.parquet")
    assert meta == META
    assert found.columns.tolist() == COLUMNS
    expected = rows.sort_values(["variant", "view", "id"]).reset_index(drop=True)
    for column in COLUMNS:
        assert found[column].tolist() == expected[column].tolist()
    assert found["p_0"].dtype == np.float32


def test_the_same_rows_in_another_order_are_the_same_bytes(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    first, second, other = (tmp_path / f"{n}.parquet" for n in range(3))
    write_predictions(first, rows, META)
    write_predictions(second, rows.sample(frac=1, random_state=1), META)
    assert first.read_bytes() == second.read_bytes()
    write_predictions(other, rows, replace(META, plan="another"))
    assert first.read_bytes() != other.read_bytes()


def test_any_reader_of_parquet_sees_floats_and_text(rows: pd.DataFrame, tmp_path: Path) -> None:
    write_predictions(tmp_path / "oof.parquet", rows, META)
    schema = pq.read_schema(tmp_path / "oof.parquet")
    assert schema.field("p_2").type == pa.float32()
    assert schema.field("id").type in (pa.string(), pa.large_string())
    assert schema.field("fold").type == pa.int64()


def test_a_member_is_one_view_in_the_order_of_ids(rows: pd.DataFrame) -> None:
    member = as_predictions(rows, META.classes)
    assert member.ids == ("a", "b", "c")
    assert member.classes == META.classes
    np.testing.assert_array_equal(member.probabilities, probabilities(0)[[1, 2, 0]])
    assert member.probabilities.dtype == np.float32
    flipped = as_predictions(rows, META.classes, view="hflip")
    np.testing.assert_array_equal(flipped.probabilities, probabilities(2)[[1, 2, 0]])
    assert as_predictions(rows, META.classes, variant="robust").ids == ()


def test_a_file_that_is_no_predictions_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    missing, text, plain = (tmp_path / name for name in ("gone", "text", "plain"))
    text.write_text("id,p_0\na,1\n")
    pq.write_table(pa.table({"id": ["a"], "p_0": [1.0]}), plain)
    for file in (missing, text, plain):
        with pytest.raises(DataError, match=f"{file}: is no predictions file: "):
            read_predictions(file)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.drop(columns="p_2"),
        lambda rows: rows.assign(p_3=0.0),
        lambda rows: rows.rename(columns={"view": "angle"}),
        lambda rows: rows[["parent", "id", *COLUMNS[2:]]],
    ],
)
def test_a_file_with_other_columns_is_an_error(
    rows: pd.DataFrame, tmp_path: Path, change: object
) -> None:
    file = tmp_path / "odd.parquet"
    write_predictions(file, rows, META)
    table = pq.read_table(file)
    changed = pa.Table.from_pandas(change(table.to_pandas()), preserve_index=False)  # type: ignore[operator]
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), file)
    with pytest.raises(DataError, match="expected the columns"):
        read_predictions(file)


def test_a_failed_write_leaves_the_file_as_it_was(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "oof.parquet"
    write_predictions(file, rows, META)
    before = file.read_bytes()

    def disk_full(table: pa.Table, where: Path) -> None:
        where.write_bytes(b"PAR1")
        raise OSError("no space left on device")

    monkeypatch.setattr(pq, "write_table", disk_full)
    with pytest.raises(OSError, match="no space left"):
        write_predictions(file, rows, META)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_not_written(rows: pd.DataFrame, tmp_path: Path, value: float) -> None:
    rows.loc[1, "p_2"] = value
    with pytest.raises(DataError, match=r"not written: 1 of 9 rows .* \(a is the first\)"):
        write_predictions(tmp_path / "oof.parquet", rows, META)
    assert list(tmp_path.iterdir()) == []
