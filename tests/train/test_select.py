"""Which epoch's weights are kept: the best one's, or the last one's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import toolkit
import toolkit.train.checkpoint as checkpoint
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan
from toolkit.report.selection import selection
from toolkit.score.measures import Measures

LAST = {"train.select": "last", "train.epochs": 4}


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`scored(0.2, 0.9, 0.5)` are the macro-F1 of the epochs; the fold's own is what it is."""
    sound = Measures.scores

    def set_scores(*of_epochs: float) -> None:
        left: Iterator[float] = iter(of_epochs)

        def scores(*arguments: Any) -> dict[str, float]:
            found = sound(*arguments)
            return {**found, "macro_f1": next(left, found["macro_f1"])}

        monkeypatch.setattr(Measures, "scores", scores)

    return set_scores


@pytest.fixture
def planned(one_fold: Any) -> Callable[..., Plan]:
    def plan(**train: Any) -> Plan:
        keys = {key.replace("__", "."): value for key, value in train.items()}
        return make_plan(load_recipe(one_fold.recipe, keys, one_fold.host), one_fold.host)

    return plan


def test_last_keeps_what_the_last_epoch_left_and_names_the_best(
    one_fold: Any, tmp_path: Path, scored: Any
) -> None:
    scored(0.2, 0.9, 0.5, 0.4)
    best = one_fold(tmp_path / "best", {"train.epochs": 4})
    scored(0.2, 0.9, 0.5, 0.4)
    last = one_fold(tmp_path / "last", LAST)
    scored(0.2, 0.1, 0.3, 0.9)  # the same epochs, of which the last is the best
    rising = one_fold(tmp_path / "rising", {"train.epochs": 4})
    assert last.weights.read_bytes() == rising.weights.read_bytes()
    assert last.weights.read_bytes() != best.weights.read_bytes()
    facts = [json.loads(folder.done.read_text()) for folder in (best, last)]
    assert [(f["best_epoch"], f["selected_epoch"], f["epochs"]) for f in facts] == [
        (2, 2, 4),
        (2, 4, 4),
    ]
    rows = pd.read_csv(last.history)
    assert rows["best_epoch"].tolist() == [1, 2, 2, 2]
    assert rows["selected_epoch"].tolist() == [1, 2, 3, 4]
    assert pd.read_csv(best.history)["selected_epoch"].tolist() == [1, 2, 2, 2]


def test_early_stopping_looks_at_the_monitor_and_keeps_the_epoch_it_stopped_at(
    one_fold: Any, tmp_path: Path, scored: Any
) -> None:
    scored(0.9, 0.5, 0.5)
    done = one_fold(tmp_path / "run", LAST | {"train.early_stop": 2}).done
    facts = json.loads(done.read_text())
    assert (facts["best_epoch"], facts["selected_epoch"], facts["epochs"]) == (1, 3, 3)


def test_a_resumed_fold_keeps_the_same_last_epoch(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = one_fold(tmp_path / "whole", LAST)
    saved = checkpoint.save_tree

    def save(file: Path, tree: Any) -> None:
        saved(file, tree)
        if tree["progress"]["epoch"] in at:
            at.remove(tree["progress"]["epoch"])
            raise KeyboardInterrupt

    at = [2, 4]  # in the middle, and behind the last epoch, before the predictions
    monkeypatch.setattr(checkpoint, "save_tree", save)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            one_fold(tmp_path / "run", LAST)
    again = one_fold(tmp_path / "run", LAST)
    assert again.weights.read_bytes() == whole.weights.read_bytes()
    assert again.oof.read_bytes() == whole.oof.read_bytes()
    assert sorted(f.name for f in again.path.iterdir()) == sorted(
        f.name for f in whole.path.iterdir()
    )


def test_it_is_another_plan(planned: Any) -> None:
    assert planned().hash("data") != planned(train__select="last").hash("data")
    assert planned().hash("data") == planned(train__select="best").hash("data")


def test_the_report_says_what_the_choice_means(planned: Any) -> None:
    assert "it is optimistic" in selection(planned())
    honest = selection(planned(train__select="last"))
    assert "no epoch was chosen by the rows" in honest
    assert "still" not in honest
    early = selection(planned(train__select="last", train__early_stop=3))
    assert "They still decided when training stopped (train.early_stop)." in early
    plateau = planned(train__select="last", schedule__use="plateau")
    assert "when the learning rate fell" in selection(plateau)
    assert "One epoch was trained" in selection(planned(train__epochs=1))


def test_report_and_page_say_which_epoch_was_kept(tiny_recipe: Path, tmp_path: Path) -> None:
    run = toolkit.run(tiny_recipe, runs=tmp_path / "runs", overrides={"train.select": "last"})
    assert run.report["select"]["epoch"] == "last"
    assert run.report["precision"] == {"training": ["fp32"], "prediction": "fp32"}
    folds = run.report["scores"]["folds"]
    assert [fold["selected_epoch"] for fold in folds] == [2, 2]
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "Of each fold the last epoch was kept" in page
    assert "weights are kept." in page
    assert "the best one" not in page


def test_a_page_of_an_earlier_version_is_drawn_still(tiny_recipe: Path, tmp_path: Path) -> None:
    from toolkit.report.page import draw_page

    run = toolkit.run(tiny_recipe, runs=tmp_path / "runs")
    report = {k: v for k, v in run.report.items() if k not in ("select", "precision")}
    for fold in report["scores"]["folds"]:
        del fold["selected_epoch"], fold["precision"]
    draw_page(run.folder, report)
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "Which epoch" not in page
    assert "the best one" in page
