"""How many rows of each class an epoch draws: told before training, and in the report."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import toolkit
from toolkit.contracts import Event
from toolkit.runs.opened import Run


def test_the_rows_of_each_class_are_told_before_training_and_stand_in_the_report(
    tiny_recipe: Path, documents: Path, tmp_path: Path
) -> None:
    events: list[Event] = []
    laid = {
        "sampler.use": "oversample",
        "sampler.to": 20,
        "augment.offline.use": "light",
        "augment.offline.copies": 1,
        "train.epochs": 1,
    }
    run = toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "runs", notify=events.append)
    stages = [event.stage for event in events if event.stage in ("drawn", "train")]
    assert stages[0] == "drawn"
    told = [event.text for event in events if event.stage == "drawn"]
    assert told[0] == "fold 0: an epoch of 60 rows: 20 ticket, 20 letter, 20 form"
    assert len(told) == 2
    assert [row["drawn"] for row in run.report["classes"]] == [20, 20, 20]
    assert [fold["drawn"] for fold in run.report["scores"]["folds"]] == [[20, 20, 20]] * 2
    assert "An epoch" in run.folder.page.read_text(encoding="utf-8")


def test_without_a_sampler_an_epoch_draws_what_the_fold_has(finished: Run) -> None:
    folds = pd.read_csv(finished.folder.folds)
    drawn = [fold["drawn"] for fold in finished.report["scores"]["folds"]]
    for fold, counts in enumerate(drawn):
        rows = folds[folds["fold"] != fold]
        assert counts == rows["label"].value_counts().sort_index().tolist()
