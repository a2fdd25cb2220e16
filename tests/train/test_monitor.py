"""`validate.monitor` decides, in its own direction: the best epoch, the end, the rate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import toolkit.train.checkpoint as checkpoint
from toolkit.predict.files import read_predictions
from toolkit.score.measures import Measures

LOSS = {"validate.monitor": "clean_log_loss", "train.epochs": 4}


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`scored("log_loss", 0.9, 0.4)` are the scores of the epochs; the fold's own is what it is."""
    sound = Measures.scores

    def set_scores(name: str, *of_epochs: float) -> None:
        left: Iterator[float] = iter(of_epochs)

        def scores(measures: Measures, where: str, *rows: Any) -> dict[str, float]:
            found = sound(measures, where, *rows)
            return {**found, name: next(left, found[name])}

        monkeypatch.setattr(Measures, "scores", scores)

    return set_scores


def facts(folder: Any) -> tuple[int, int, int]:
    done = json.loads(folder.done.read_text())
    return done["best_epoch"], done["selected_epoch"], done["epochs"]


def test_the_epoch_with_the_lowest_log_loss_is_kept(
    one_fold: Any, tmp_path: Path, scored: Any
) -> None:
    scored("log_loss", 0.9, 0.3, 0.4, 0.3)  # of equal ones the first
    done = one_fold(tmp_path / "run", LOSS)
    assert facts(done) == (2, 2, 4)
    assert pd.read_csv(done.history)["best_epoch"].tolist() == [1, 2, 2, 2]


def test_training_stops_where_the_log_loss_falls_no_longer(
    one_fold: Any, tmp_path: Path, scored: Any
) -> None:
    scored("log_loss", 0.5, 0.4, 0.6, 0.7)
    assert facts(one_fold(tmp_path / "falls" / "run", LOSS | {"train.early_stop": 2})) == (2, 2, 4)
    scored("log_loss", 0.5, 0.6, 0.7, 0.1)
    assert facts(one_fold(tmp_path / "rises" / "run", LOSS | {"train.early_stop": 2})) == (1, 1, 3)


def test_another_score_than_the_monitor_decides_nothing(
    one_fold: Any, tmp_path: Path, scored: Any
) -> None:
    scored("macro_f1", 0.1, 0.2, 0.3, 0.4)
    by_loss = one_fold(tmp_path / "run", LOSS)
    losses = pd.read_csv(by_loss.history)["clean_log_loss"]
    assert facts(by_loss)[0] == losses.idxmin() + 1


@pytest.mark.parametrize(
    ("losses", "falls"), [([0.9, 0.8, 0.7, 0.6], False), ([0.6, 0.7, 0.8, 0.9], True)]
)
def test_the_plateau_rule_waits_while_the_log_loss_falls(
    losses: list[float], falls: bool, one_fold: Any, tmp_path: Path, scored: Any
) -> None:
    scored("log_loss", *losses)
    plateau = {"schedule.use": "plateau", "schedule.patience": 0, "schedule.warmup_epochs": 0.0}
    rates = pd.read_csv(one_fold(tmp_path / "run", LOSS | plateau).history)["lr"]
    assert (rates.iloc[-1] < rates.iloc[0]) == falls


def test_what_was_best_is_still_the_best_behind_a_resume(
    one_fold: Any, tmp_path: Path, scored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = checkpoint.save_tree

    def save(file: Path, tree: Any) -> None:
        saved(file, tree)
        if tree["progress"]["epoch"] == 2:
            monkeypatch.setattr(checkpoint, "save_tree", saved)
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_tree", save)
    scored("log_loss", 0.3, 0.9, 0.4, 0.35)
    with pytest.raises(KeyboardInterrupt):
        one_fold(tmp_path / "run", LOSS)
    assert facts(one_fold(tmp_path / "run", LOSS)) == (1, 1, 4)


def test_the_history_and_the_predictions_say_what_was_asked(one_fold: Any, tmp_path: Path) -> None:
    wanted = {"train.epochs": 1, "validate.monitor": "clean_auc", "validate.report": ["kappa"]}
    done = one_fold(tmp_path / "run", wanted)
    columns = list(pd.read_csv(done.history).columns)
    scores = ("f1", "accuracy", "log_loss", "auc", "kappa")
    assert columns[3:8] == [f"clean_{name}" for name in scores]
    assert {"macro_f1", "auc", "kappa"} <= json.loads(done.done.read_text()).keys()
    assert read_predictions(done.oof)[1].monitor == "clean_auc"
