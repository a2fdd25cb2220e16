"""Joins the folds of a run: out-of-fold rows side by side, test rows through the ensembler."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from toolkit.contracts import Ensembler, Predictions, Table
from toolkit.errors import DataError, PluginError
from toolkit.predict.files import (
    ALL_FOLDS,
    PredictionsMeta,
    as_predictions,
    prediction_rows,
    read_predictions,
)


def join_oof(files: list[Path], table: Table, meta: PredictionsMeta) -> pd.DataFrame:
    """The out-of-fold rows of all folds.

    Raises `DataError` unless every original is predicted exactly once, by files of this plan.
    """
    rows = pd.concat([_rows_of(file, meta) for file in files], ignore_index=True)
    originals = table.train.loc[table.train["parent"] == table.train["id"], "id"]
    member = as_predictions(rows, meta.classes)
    if list(member.ids) != sorted(originals):
        raise DataError(
            f"{files[0].parent.parent}: the folds predict {len(member.ids)} rows, the table has "
            f"{len(originals)} originals; each must be predicted exactly once"
        )
    return rows


def join_test(files: list[Path], ensembler: Ensembler, meta: PredictionsMeta) -> pd.DataFrame:
    """The run's test prediction: its folds, as the recipe's ensembler joins them."""
    members = [as_predictions(_rows_of(file, meta), meta.classes) for file in files]
    joined = combine(ensembler, members)
    views = {"identity": joined.probabilities}
    return prediction_rows(joined.ids, joined.ids, ALL_FOLDS, views, joined.probabilities)


def combine(ensembler: Ensembler, members: list[Predictions]) -> Predictions:
    """`ensembler.combine`, with what goes in and what comes out checked."""
    ids = members[0].ids
    for member in members:
        if member.ids != ids or member.classes != members[0].classes:
            raise DataError("the members of an ensemble predict different images or classes")
        if not np.isfinite(member.probabilities).all():
            raise DataError("a member of the ensemble has probabilities that are no numbers")
    joined = ensembler.combine(members)
    sums = joined.probabilities.sum(axis=1)
    if joined.ids != ids or not np.allclose(sums, 1, atol=1e-4):
        name = type(ensembler).__name__
        raise PluginError(f"ensembler {name}: must keep the IDs and give rows that sum to 1")
    return joined


def _rows_of(file: Path, meta: PredictionsMeta) -> pd.DataFrame:
    rows, found = read_predictions(file, "remove it, and the same command makes it again")
    if found != meta:
        raise DataError(f"{file}: belongs to another plan, other folds or other classes")
    return rows
