"""Folds that another run of the same folder trained are taken over, not trained again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import toolkit
from toolkit.contracts import Event
from toolkit.predict.files import read_predictions
from toolkit.runs.opened import Run


class Steps:
    """Counts the training steps that a run tells of, and keeps its messages."""

    def __init__(self) -> None:
        self.count, self.messages = 0, list[str]()

    def __call__(self, event: Event) -> None:
        self.count += event.stage == "train"
        if event.stage == "message":
            self.messages.append(event.text)


@pytest.fixture
def runs(finished: Run, tmp_path: Path) -> Path:
    """A folder of runs with a finished one in it."""
    shutil.copytree(finished.path, tmp_path / "runs" / finished.path.name)
    return tmp_path / "runs"


def again(finished: Run, runs: Path, overrides: Mapping[str, Any], **how: Any) -> tuple[Run, Steps]:
    steps = Steps()
    run = toolkit.run(finished.folder.recipe, overrides=overrides, runs=runs, notify=steps, **how)
    return run, steps


@pytest.mark.parametrize(
    "overrides",
    [
        {"ensemble.use": "hard"},
        {"name": "another"},
        {"validate.seed": 7},
        {"tune.patience": 3},
        {"submission.clip": 0.01},
    ],
    ids=lambda value: next(iter(value)),
)
def test_what_is_joined_named_or_reported_otherwise_trains_nothing(
    finished: Run, runs: Path, overrides: dict[str, Any]
) -> None:
    run, steps = again(finished, runs, overrides)
    assert steps.count == 0
    pd.testing.assert_frame_equal(run.oof, finished.oof)
    if run.path.name != finished.path.name:
        assert sum("are taken over" in text for text in steps.messages) == 2
        for fold in (0, 1):
            ours, theirs = run.folder.fold(fold), finished.folder.fold(fold)
            assert ours.weights.read_bytes() == theirs.weights.read_bytes()
            assert read_predictions(ours.oof)[1].plan == run.plan["hash"]
        assert run.report["scores"]["folds"][0]["run"] == finished.path.name


def test_other_views_are_predicted_with_the_weights_that_are_there(
    finished: Run, runs: Path
) -> None:
    run, steps = again(finished, runs, {"augment.tta.views": ["identity"]})
    assert steps.count == 0
    before = finished.oof[finished.oof["view"] == "identity"].set_index("id").filter(like="p_")
    ours = run.oof.set_index("id").filter(like="p_")
    np.testing.assert_array_equal(ours.loc[before.index], before)
    mean = run.report["scores"]["folds"][0]["log_loss"]
    assert mean != finished.report["scores"]["folds"][0]["log_loss"]


@pytest.mark.parametrize(
    "overrides",
    [
        {"seed": 7},
        {"split.seed": 7},
        {"optimizer.lr": 2e-3},
        {"train.select": "last"},
        {"loss.use": "cross_entropy"},
        {"image.fill": 9},
        {"sampler.use": "balanced"},
        {"schedule.use": "constant"},
    ],
    ids=lambda value: next(iter(value)),
)
def test_what_acts_on_weights_trains(finished: Run, runs: Path, overrides: dict[str, Any]) -> None:
    _, steps = again(finished, runs, overrides)
    assert steps.count > 0


def test_again_trains_anew_also_where_it_is_resumed(finished: Run, runs: Path) -> None:
    class Stop(Exception):
        pass

    def stop(event: Event) -> None:
        if event.stage == "train" and event.data["fold"] == 1:
            raise Stop

    with pytest.raises(Stop):
        toolkit.run(finished.folder.recipe, runs=runs, again=True, notify=stop)
    run, steps = again(finished, runs, {})
    assert run.path.name != finished.path.name
    assert steps.count > 0
    assert not any("taken over" in text for text in steps.messages)


def test_a_fold_whose_weights_are_damaged_is_not_taken_over(finished: Run, runs: Path) -> None:
    weights = Run(runs / finished.path.name).folder.fold(0).weights
    weights.write_bytes(weights.read_bytes()[:-100])
    run, steps = again(finished, runs, {"ensemble.use": "hard"})
    assert steps.count > 0
    assert sum("are taken over" in text for text in steps.messages) == 1
    pd.testing.assert_frame_equal(run.oof, finished.oof)


def test_lost_predictions_are_made_again_from_the_weights(finished: Run, runs: Path) -> None:
    Run(runs / finished.path.name).folder.fold(0).oof.unlink()
    run, steps = again(finished, runs, {"ensemble.use": "hard"})
    assert steps.count == 0
    pd.testing.assert_frame_equal(run.oof, finished.oof)


def test_a_run_that_took_over_outlives_the_one_that_trained(finished: Run, runs: Path) -> None:
    run, _ = again(finished, runs, {"ensemble.use": "hard"})
    shutil.rmtree(runs / finished.path.name)
    third, steps = again(finished, runs, {"name": "third"})
    assert steps.count == 0
    assert third.folder.fold(0).weights.read_bytes() == run.folder.fold(0).weights.read_bytes()
