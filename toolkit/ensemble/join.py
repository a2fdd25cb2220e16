"""Joins the folds of a run: out-of-fold rows side by side, test rows through the ensembler."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from toolkit.contracts import Ensembler, Table
from toolkit.data.given import validated
from toolkit.ensemble.combine import combine
from toolkit.errors import DataError
from toolkit.predict.files import (
    ALL_FOLDS,
    PredictionsMeta,
    as_predictions,
    finite_rows,
    prediction_rows,
    read_predictions,
    variants_in,
)
from toolkit.recipe.plan import Choice
from toolkit.recipe.scores import CLEAN, ROBUST
from toolkit.train.folds import Job
from toolkit.train.job import facts_of


def join_oof(files: list[Path], table: Table, meta: PredictionsMeta) -> pd.DataFrame:
    """The out-of-fold rows of all folds.

    Raises `DataError` unless every original (of a given split, its own) is predicted exactly
    once, by files of this plan.
    """
    rows = pd.concat([_rows_of(file, meta) for file in files], ignore_index=True)
    originals = table.train["id"][validated(table.train)]
    for variant in dict.fromkeys([CLEAN, *([ROBUST] if meta.twins else []), *variants_in(rows)]):
        member = as_predictions(rows, meta.classes, variant)
        if list(member.ids) != sorted(originals):
            of = "" if variant == CLEAN else f" of the variant {variant}"
            raise DataError(
                f"{files[0].parent.parent}: the folds predict {len(member.ids)} rows{of}, the "
                f"table has {len(originals)} originals; each must be predicted exactly once"
            )
    return rows


def join_test(
    files: list[Path], ensembler: Ensembler, meta: PredictionsMeta, choice: Choice | None = None
) -> pd.DataFrame:
    """The run's test prediction: its folds, as the recipe's ensembler joins them.

    Args:
        choice: what the recipe calls the ensembler, which is blamed for its faults.
    """
    members = [as_predictions(_rows_of(file, meta), meta.classes) for file in files]
    joined = combine(ensembler, members, choice)
    views = {"identity": joined.probabilities}
    return prediction_rows(joined.ids, joined.ids, ALL_FOLDS, views, joined.probabilities)


def joined_test(job: Job, meta: PredictionsMeta) -> pd.DataFrame:
    """The test rows of all folds, joined by the recipe's ensembler."""
    plan, table = job.plan, job.data.table
    choice = plan.choice("ensemble")
    ensembler = choice.build(facts_of(plan, table, table.train["label"].to_numpy()))
    files = [job.folder.fold(fold).test for fold in range(plan.folds)]
    return join_test(files, ensembler, meta, choice)


def _rows_of(file: Path, meta: PredictionsMeta) -> pd.DataFrame:
    rows, found = read_predictions(file, "remove it, and the same command makes it again")
    if found != meta:
        raise DataError(f"{file}: belongs to another plan, other folds or other classes")
    if not finite_rows(rows, found.classes).all():
        raise DataError(
            f"{file}: has probabilities that are no numbers; remove {file.parent}, and the same "
            "command trains that fold again"
        )
    return rows
