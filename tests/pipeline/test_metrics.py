"""A plugin's metric, from the recipe to the page, and what is reported without deciding."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import toolkit
from toolkit.cli.console import Console
from toolkit.contracts import Event, ignore
from toolkit.errors import PluginError
from toolkit.plugin.host import Host, load_host
from toolkit.report.outcome import score_test
from toolkit.report.page import page_text
from toolkit.runs.opened import Run
from toolkit.score.measures import Measures
from toolkit.tune.asked import Asked, Question
from toolkit.tune.search import tune

ACME = '''
from typing import Annotated

from pydantic import Field

from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.metric("cost", "metrics_acme:cost", help="what the mistakes cost")
    register.metric("broken", "metrics_acme:broken", help="has no cost table")
    register.tracker("notes", "metrics_acme:notes", help="keeps what it is told")


class Cost:
    name = "expected cost"
    higher_is_better = False
    bounds = (0.0, None)

    def __init__(self, miss):
        self.miss = miss

    def __call__(self, truth, probabilities):
        return self.miss * float((probabilities.argmax(1) != truth).mean())


class Broken(Cost):
    def __call__(self, truth, probabilities):
        if len(truth) == 12:  # a fold's validation rows, and not the first try
            raise KeyError("no cost of class 2")
        return 0.0


def cost(facts, /, *, miss: Annotated[float, Field(gt=0, description="of a mistake")] = 1.0):
    """What mistakes cost."""
    return Cost(miss)


def broken(facts, /):
    """It breaks on a fold."""
    return Broken(1.0)


TOLD = []


class Notes:
    @hookimpl
    def toolkit_epoch_end(self, metrics):
        TOLD.append(dict(metrics))


def notes(run, /):
    """Keeps what it is told."""
    return Notes()
'''


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    site = tmp_path_factory.mktemp("site")
    (site / "metrics_acme.py").write_text(ACME)
    sys.path.insert(0, str(site))
    try:
        loaded = load_host({}, [EntryPoint("acme", "metrics_acme", "toolkit")])
        assert loaded.set_aside == ()
        yield loaded
    finally:
        sys.path.remove(str(site))
        sys.modules.pop("metrics_acme", None)


DECIDES = {
    "validate.monitor": "clean_acme.cost",
    "metric.acme.cost.miss": 4.0,
    "train.epochs": 4,
    "train.early_stop": 1,
    "split.folds": 2,
}
REPORTED = {"validate.report": ["acme.cost", "top_2", "kappa"], "metric.top_2.use": "top_k"}
REPORTED |= {"metric.top_2.k": 2, "train.epochs": 1}


@pytest.fixture(scope="module")
def reported(host: Host, documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run that reports a plugin's metric, which decides nothing."""
    folder = tmp_path_factory.mktemp("reported")
    text = (Path(__file__).parent.parent / "conftest.py").read_text()
    text = text.partition('RECIPE = """')[2].partition('"""')[0]
    (folder / "tiny.toml").write_text(text.format(root=documents))
    return toolkit.run(folder / "tiny.toml", overrides=REPORTED, runs=folder / "runs", host=host)


def test_a_plugins_metric_decides_when_training_stops(
    host: Host, tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, costs = Measures.scores, iter([0.9, 0.5, 0.6, 0.5, 0.7])

    def scores(measures: Measures, where: str, *rows: Any) -> dict[str, float]:
        found = sound(measures, where, *rows)
        of_an_epoch = "behind step" in where
        return {**found, "acme.cost": next(costs)} if of_an_epoch else found

    monkeypatch.setattr(Measures, "scores", scores)
    lines: list[str] = []
    monkeypatch.setattr(Console, "_line", lambda console, text: lines.append(text))
    run = toolkit.run(
        tiny_recipe, overrides=DECIDES, runs=tmp_path, host=host, notify=Console().notify
    )
    folds = run.report["scores"]["folds"]
    assert [(fold["best_epoch"], fold["epochs"]) for fold in folds] == [(2, 3), (1, 2)]
    assert run.report["monitor"] == "clean_acme.cost"
    assert "the epoch with the lowest clean_acme.cost" in run.report["select"]["meaning"]
    assert any("clean_acme.cost 0.9000, " in line for line in lines)
    # 4 a mistake, whatever share of the rows they are
    clean = run.report["scores"]["oof"]["clean"]
    assert clean["acme.cost"] == pytest.approx(4 * (1 - clean["accuracy"]))


def test_what_is_reported_stands_wherever_scores_do(
    reported: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    report, wanted = reported.report, {"acme.cost", "top_2", "kappa"}
    clean = report["scores"]["oof"]["clean"]
    assert wanted <= clean.keys()
    assert wanted <= clean["intervals"].keys()
    low, high = clean["intervals"]["acme.cost"]
    assert low <= clean["acme.cost"] <= high
    assert all(wanted <= fold.keys() for fold in report["scores"]["folds"])
    history = pd.read_csv(reported.folder.fold(0).history)
    assert {f"clean_{name}" for name in wanted} <= set(history.columns)
    described = {metric["name"]: metric for metric in report["metrics"]}
    assert described["acme.cost"] == {
        "name": "acme.cost",
        "title": "expected cost",
        "help": "what the mistakes cost",
        "higher_is_better": False,
        "bounds": [0.0, None],
    }
    page = reported.folder.page.read_text()
    for heading in ("Expected cost", "Top-2 accuracy", "Cohen&#39;s kappa", "Macro-F1"):
        assert f"<h3>{heading}</h3>" in page
    assert "What the mistakes cost. Lower is better, 0 is perfect." in page
    assert "Expected cost on validation" in page
    Console().summary(report, reported.path)
    out = capsys.readouterr().out
    assert f"acme.cost  {clean['acme.cost']:.4f}" in out
    assert "fold  macro_f1  acme.cost  top_2   kappa   best epoch" in out


def test_the_page_is_drawn_again_without_the_plugin(reported: Run) -> None:
    assert page_text(reported.folder) == reported.folder.page.read_text()


def test_a_metric_that_is_only_reported_trains_nothing_anew(
    reported: Run, host: Host, tmp_path: Path
) -> None:
    steps: list[Event] = []

    def count(event: Event) -> None:
        if event.stage == "train":
            steps.append(event)

    overrides = {"validate.report": ["mcc", "acme.cost"], "metric.acme.cost.miss": 2.0}
    run = toolkit.run(
        reported.folder.recipe, overrides=overrides, runs=reported.path.parent, host=host,
        notify=count,
    )  # fmt: skip
    assert run.path != reported.path
    assert not steps
    for ours, theirs in zip(
        run.report["scores"]["folds"], reported.report["scores"]["folds"], strict=True
    ):
        assert ours["acme.cost"] == pytest.approx(2 * theirs["acme.cost"])
        assert "mcc" in ours
        assert "kappa" not in ours
    # What was trained before has no curve of it.
    assert "Matthews correlation on validation" not in run.folder.page.read_text()
    assert "<h3>Matthews correlation</h3>" in run.folder.page.read_text()


def test_the_monitor_and_its_options_do_train(reported: Run, host: Host) -> None:
    steps: list[str] = []
    toolkit.run(
        reported.folder.recipe,
        overrides={"validate.monitor": "acme.cost"},
        runs=reported.path.parent,
        host=host,
        notify=lambda event: steps.append(event.stage),
    )
    assert "train" in steps


def test_a_tracker_is_told_of_a_plugins_metric(
    host: Host, tiny_recipe: Path, tmp_path: Path
) -> None:
    overrides = {**REPORTED, "track.use": "acme.notes"}
    toolkit.run(tiny_recipe, overrides=overrides, runs=tmp_path, host=host)
    told = sys.modules["metrics_acme"].TOLD
    assert all("clean_acme.cost" in metrics and "clean_kappa" in metrics for metrics in told)
    assert len(told) == 2


def test_a_search_minimizes_a_plugins_metric(host: Host, tiny_recipe: Path, tmp_path: Path) -> None:
    space = {"optimizer.lr": {"low": 1e-4, "high": 1e-2, "log": True}}
    overrides = {**REPORTED, "tune.objective": "acme.cost", "tune.space": space, "tune.rescore": 0}
    question = Question(str(tiny_recipe), overrides)
    plan = question.plan(host)
    folder = tune(question, plan, host, asked=Asked(2), runs=tmp_path, notify=ignore)
    facts = json.loads(folder.report.read_text())
    assert (facts["objective"], facts["direction"]) == ("clean_acme.cost", "minimize")
    scores = [row["score"] for row in facts["trials"] if row["state"] == "complete"]
    assert facts["trials"][facts["winner"]]["score"] == min(scores)
    assert "clean_acme.cost" in folder.page.read_text()


def test_the_test_set_is_scored_by_the_runs_own_metrics(reported: Run, host: Host) -> None:
    labels = pd.DataFrame({"id": sorted(reported.test["id"].unique())})
    labels = labels.assign(label=[number % 3 for number in range(len(labels))])
    found = score_test(reported, labels, "a friend", host)
    assert found["acme.cost"] == pytest.approx(1 - found["accuracy"])
    assert found["not_scored"] == {}
    assert "top_2" in found["intervals"]
    without = score_test(reported, labels, "a friend", load_host({"TOOLKIT_PLUGINS": ""}, []))
    assert "acme.cost" not in without
    assert without["kappa"] == found["kappa"]
    assert 'no plugin "acme" is loaded' in without["not_scored"]["acme.cost"]
    assert "<h3>Expected cost</h3>" in page_text(reported.folder)  # of the out-of-fold rows alone
    reported.folder.test_score.unlink()


def test_a_metric_that_breaks_is_named_with_where_and_whose_it_is(
    host: Host, tiny_recipe: Path, tmp_path: Path
) -> None:
    overrides = {"validate.report": ["acme.broken"], "train.epochs": 1}
    with pytest.raises(PluginError) as error:
        toolkit.run(tiny_recipe, overrides=overrides, runs=tmp_path, host=host)
    said = str(error.value)
    assert said.startswith("metric acme.broken: fails on fold 0, epoch 1")
    assert "KeyError: 'no cost of class 2' (" in said
    assert "metrics_acme.py:" in said
