"""The predictions table: `id, parent, fold, variant, view, p_0 ... p_{C-1}`, as parquet.

Class names, monitor, fold hash and plan hash travel in the file's metadata, so that whatever
joins two files can see whether they belong together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.contracts import Floats, Predictions
from toolkit.errors import DataError
from toolkit.recipe.scores import CLEAN
from toolkit.runs.atomic import writing

KEYS = ["id", "parent", "fold", "variant", "view"]
MEAN = "mean"
PRECISION = "fp32"
"""Of every prediction, whatever the model was trained in: bfloat16 has eight bits for a logit, so
that classes tie which do not, and an image's answer hangs on the hardware's way of rounding."""
ALL_FOLDS = -1
"""The fold of a row that was predicted by all folds together."""


@dataclass(frozen=True)
class PredictionsMeta:
    """What a predictions file says of itself."""

    classes: tuple[str, ...]
    monitor: str
    folds: str
    """Hash of the assignment of IDs to folds."""
    plan: str
    """Hash of the plan."""
    twins: str = ""
    """Hash of the twins that the rows of the robust variants are of."""


def prediction_rows(
    ids: Sequence[str],
    parents: Sequence[str],
    fold: int,
    by_view: dict[str, Floats],
    mean: Floats,
    variant: str = CLEAN,
) -> pd.DataFrame:
    """Rows of one fold: the mean, and with TTA each single view too."""
    views = {MEAN: mean} | (by_view if len(by_view) > 1 else {})
    frames = []
    for view, probabilities in views.items():
        keys = {"id": ids, "parent": parents, "fold": fold, "variant": variant, "view": view}
        columns = {f"p_{c}": probabilities[:, c] for c in range(probabilities.shape[1])}
        frames.append(pd.DataFrame({**keys, **columns}))
    return pd.concat(frames, ignore_index=True)


def write_predictions(file: Path, rows: pd.DataFrame, meta: PredictionsMeta) -> None:
    """Write a predictions table, sorted by variant, view, ID and fold; the same rows give the
    same bytes. Raises `DataError` where a probability is no number."""
    bad = rows[~finite_rows(rows, meta.classes)]
    if len(bad):
        raise DataError(
            f"{file}: not written: {len(bad)} of {len(rows)} rows have probabilities that are no "
            f"numbers ({bad['id'].iloc[0]} is the first)"
        )
    rows = rows.sort_values(["variant", "view", "id", "fold"], kind="stable")
    table = pa.Table.from_pandas(rows.reset_index(drop=True), preserve_index=False)
    facts = asdict(meta)
    if not meta.twins:  # the bytes of a file from before there were any
        del facts["twins"]
    text = {"toolkit": json.dumps(facts)}
    with writing(file) as half_made:
        pq.write_table(table.replace_schema_metadata(text), half_made)


def read_predictions(file: Path, way_out: str = "") -> tuple[pd.DataFrame, PredictionsMeta]:
    """A predictions table and its metadata. Raises `DataError` where the file is none.

    Args:
        way_out: what the error tells to do.
    """
    try:
        table = pq.read_table(file)
        meta: dict[str, Any] = json.loads((table.schema.metadata or {})[b"toolkit"])
        facts = PredictionsMeta(
            tuple(meta["classes"]),
            meta["monitor"],
            meta["folds"],
            meta["plan"],
            meta.get("twins", ""),
        )
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        text = f"{file}: is no predictions file: {' '.join(str(error).split())}"
        raise DataError(f"{text}; {way_out}" if way_out else text) from error
    expected = KEYS + [f"p_{c}" for c in range(len(facts.classes))]
    if table.column_names != expected:
        raise DataError(f"{file}: expected the columns {expected}, found {table.column_names}")
    return table.to_pandas(), facts


def finite_rows(rows: pd.DataFrame, classes: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which rows of a predictions table `(n,)` hold numbers alone."""
    finite: npt.NDArray[np.bool_] = np.isfinite(
        rows[[f"p_{c}" for c in range(len(classes))]].to_numpy()
    ).all(axis=1)
    return finite


def as_predictions(
    rows: pd.DataFrame, classes: Sequence[str], variant: str = CLEAN, view: str = MEAN
) -> Predictions:
    """One member: the rows of a variant and a view, in the order of their IDs."""
    chosen = rows[(rows["variant"] == variant) & (rows["view"] == view)].sort_values("id")
    columns = [f"p_{c}" for c in range(len(classes))]
    probabilities = chosen[columns].to_numpy(dtype=np.float32)
    return Predictions(tuple(chosen["id"]), probabilities, tuple(classes))


def variants_in(rows: pd.DataFrame) -> list[str]:
    """The variants of a predictions table, `clean` first, then the twins by their number."""
    return sorted(rows["variant"].unique(), key=lambda name: (name != CLEAN, len(name), name))


def all_twins(rows: pd.DataFrame, classes: Sequence[str]) -> Predictions | None:
    """The rows of all twins, the first ones of all images in front; None where there are none.
    An ID comes as often as an image has twins."""
    parts = [as_predictions(rows, classes, name) for name in variants_in(rows) if name != CLEAN]
    if not parts:
        return None
    ids = tuple(i for part in parts for i in part.ids)
    return Predictions(ids, np.concatenate([p.probabilities for p in parts]), tuple(classes))
