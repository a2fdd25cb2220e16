"""The forecast of a run: from its predictions files alone, of old runs and new ones."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from toolkit.cli import run_command
from toolkit.errors import DataError, RunError
from toolkit.predict.files import PredictionsMeta, prediction_rows, write_predictions
from toolkit.report.forecast import forecast_of, forecast_run
from toolkit.report.page import draw_page
from toolkit.runs.atomic import csv_text, write_json, write_text
from toolkit.runs.folder import RunFolder
from toolkit.runs.opened import Run

Make = Callable[..., RunFolder]
CLASSES = ("letter", "form", "ticket", "bill")


@pytest.fixture
def run(finished: Run, tmp_path: Path) -> Run:
    """A copy of the finished run, to write to."""
    shutil.copytree(finished.path, tmp_path / "runs" / "run-20260708-1f3a9c20")
    return Run(tmp_path / "runs" / "run-20260708-1f3a9c20")


@pytest.fixture
def predicted(make_run: Make) -> Make:
    """`predicted(...)`: a finished run folder with drawn predictions files; see `write_files`."""

    def make(folds: int = 3, test: int = 80, **options: Any) -> RunFolder:
        folder = make_run(CLASSES, folds=folds, test=test)
        write_files(folder, folds, test, **options)
        return folder

    return make


def write_files(
    folder: RunFolder,
    folds: int,
    test: int,
    *,
    severities: Sequence[float] = (0.0,),
    severity: float = 0.2,
    views: int = 1,
    hard: bool = False,
    garbage: bool = False,
) -> None:
    """Predictions files as a run writes them.

    Args:
        severities: of the out-of-fold variants, `clean`, `robust`, `robust.2`, ...
        severity: of the test images.
        garbage: test images that say nothing, of which each model is certain.
    """
    rng = np.random.default_rng(3)
    meta = PredictionsMeta(CLASSES, "clean_f1", "f", "p")
    truth = rng.integers(0, len(CLASSES), 60)
    ids = [f"page{n:03d}" for n in range(60)]
    table = {"id": ids, "parent": ids, "group": [i[:-1] for i in ids], "label": truth}
    table["fold"] = [n // 10 % folds for n in range(60)]
    write_text(folder.folds, csv_text(pd.DataFrame(table)))
    answers = rng.integers(0, len(CLASSES), test)
    names = [f"test{n:03d}" for n in range(test)]
    shared = signals(rng, answers, severity)
    members = []
    for fold in range(folds):
        own = [n for n in range(60) if table["fold"][n] == fold]
        parts = []
        for number, strength in enumerate(severities):
            variant = ("clean", "robust", *(f"robust.{n}" for n in range(2, 9)))[number]
            logits = signals(rng, truth[own], strength)
            seen = looked_at(rng, logits, views)
            mine = [ids[n] for n in own]
            parts.append(prediction_rows(mine, mine, fold, seen, average(seen), variant))
        write_predictions(folder.fold(fold).oof, pd.concat(parts), meta)
        logits = 60 * rng.normal(size=shared.shape) if garbage else shared
        seen = looked_at(rng, logits, views)
        rows = prediction_rows(names, names, fold, seen, average(seen))
        write_predictions(folder.fold(fold).test, rows, meta)
        members.append(average(seen))
    joined = average(dict(enumerate(members)))
    if hard:
        votes = np.mean([np.eye(len(CLASSES))[m.argmax(axis=1)] for m in members], axis=0)
        joined = (0.99 * votes + 0.01 * joined).astype(np.float32)
    rows = prediction_rows(names, names, -1, {"identity": joined}, joined)
    write_predictions(folder.test, rows, meta)
    write_json(folder.path / "truth.json", dict(zip(names, answers.tolist(), strict=True)))


def signals(rng: np.random.Generator, truth: Any, severity: float) -> Any:
    logits = 0.6 * rng.normal(size=(len(truth), len(CLASSES)))
    logits[np.arange(len(truth)), truth] += rng.gamma(4, 0.6, len(truth)) * (1 - severity)
    return logits


def looked_at(rng: np.random.Generator, logits: Any, views: int) -> dict[str, Any]:
    """Probabilities of each view of a model of its own."""
    found = {}
    for view in range(views):
        raised = np.exp(2 * (logits + 0.4 * rng.normal(size=logits.shape)))
        found[f"view{view}"] = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    return found


def average(by_view: Any) -> Any:
    return np.mean(list(by_view.values()), axis=0).astype(np.float32)


def accuracy(folder: RunFolder) -> float:
    """The truth, which no forecast reads."""
    answers = json.loads((folder.path / "truth.json").read_text())
    rows = pd.read_parquet(folder.test)
    rows = rows[rows["view"] == "mean"]
    labels = rows[[f"p_{c}" for c in range(len(CLASSES))]].to_numpy().argmax(axis=1)
    return float((labels == rows["id"].map(answers)).mean())


def test_a_run_ends_with_its_forecast_and_the_command_finds_the_same(run: Run) -> None:
    own = run.report["forecast"]
    assert run.forecast == own
    assert own["rows"] == 5
    assert own["calibrated_on"] == "clean"
    assert "Forecast of the test score" in run.folder.page.read_text()
    assert forecast_run(run) == own
    assert json.loads(run.folder.forecast.read_text()) == own
    assert run.forecast == own


def test_an_older_run_is_forecast_by_the_command(run: Run) -> None:
    report = {key: value for key, value in run.report.items() if key != "forecast"}
    write_json(run.folder.report, report)
    older = Run(run.path)
    assert older.forecast is None
    assert 'id="forecast"' not in draw_page(older.folder).read_text()
    assert forecast_run(older)["accuracy"] >= 0
    assert 'id="forecast"' in draw_page(older.folder).read_text()


def test_a_run_without_test_images_has_no_forecast(make_run: Make) -> None:
    folder = make_run(CLASSES)
    assert Run(folder.path).forecast is None
    with pytest.raises(RunError, match="no test predictions to forecast"):
        forecast_run(Run(folder.path))


def test_twins_calibrate_where_there_are_any(predicted: Make) -> None:
    folder = predicted(severities=(0.0, 0.5, 0.6), severity=0.55, test=400)
    found = forecast_run(Run(folder.path))
    assert (found["calibrated_on"], found["calibration_rows"]) == ("robust", 120)
    low, high = found["intervals"]["accuracy"]
    assert low <= accuracy(folder) <= high
    (check,) = found["checks"]
    assert check["variant"] == "clean"
    assert check["truth"] > max(fold["calibration_accuracy"] for fold in found["folds"])
    assert found["notes"] == []


def test_a_run_without_twins_says_what_that_means(predicted: Make) -> None:
    found = forecast_run(Run(predicted().path))
    assert found["calibrated_on"] == "clean"
    assert found["checks"] == []
    assert "no degraded twins" in found["notes"][0]


def test_hard_votes_are_forecast_as_votes(predicted: Make) -> None:
    folder = predicted(hard=True, folds=5, severity=0.6, test=400)
    found = forecast_run(Run(folder.path))
    assert found["joined_as"]["way"] == "votes"
    assert found["joined_as"]["matches"] > 0.98
    low, high = found["intervals"]["accuracy"]
    assert low <= accuracy(folder) <= high


def test_one_model_has_no_agreement_and_no_gain(predicted: Make) -> None:
    found = forecast_run(Run(predicted(folds=1).path))
    assert (found["gain"], found["agreement"]["folds"]) == (0, None)
    assert any("nothing to join" in note for note in found["notes"])
    assert found["accuracy"] == found["folds"][0]["accuracy"]


def test_views_of_test_images_are_compared_with_those_of_calibration_images(
    predicted: Make,
) -> None:
    folder = predicted(views=3)
    found = forecast_run(Run(folder.path))
    agree = []
    for fold in range(3):
        rows = pd.read_parquet(folder.fold(fold).test)
        rows = rows[rows["view"] != "mean"]
        labels = rows[[f"p_{c}" for c in range(len(CLASSES))]].to_numpy().argmax(axis=1)
        agree += list(pd.Series(labels).groupby(rows["id"].to_numpy()).nunique() == 1)
    assert found["agreement"]["views"] == pytest.approx(np.mean(agree))
    assert found["trusted"]


def test_garbage_is_not_to_be_trusted_and_the_page_says_so(predicted: Make) -> None:
    folder = predicted(garbage=True)
    found = forecast_run(Run(folder.path))
    assert not found["trusted"]
    assert len(found["doubts"]) >= 2  # surer than all that is known, and in disagreement
    page = draw_page(folder).read_text()
    assert "No forecast can be trusted here." in page


def test_the_command_prints_scores_side_by_side_and_its_doubts(
    predicted: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = predicted(garbage=True)
    assert run_command(["forecast", str(folder.path)]) == 0
    told = capsys.readouterr()
    found = Run(folder.path).forecast
    assert found is not None
    line = next(line for line in told.out.splitlines() if line.startswith("macro_f1"))
    clean = Run(folder.path).report["scores"]["oof"]["clean"]["macro_f1"]
    assert line.split()[:3] == ["macro_f1", f"{clean:.4f}", f"{found['macro_f1']:.4f}"]
    assert told.err.count("no forecast can be trusted here") == len(found["doubts"])


def test_score_sets_the_truth_beside_the_forecast(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("ID,target\n" + "".join(f"test{n}.png,{n % 3}\n" for n in range(5)))
    assert run_command(["score", str(run.path), "--labels", str(labels)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert run.test_score is not None
    truth, told = run.test_score["accuracy"], run.report["forecast"]["accuracy"]
    line = [line for line in lines if line.startswith("accuracy")][-1].split()
    assert line[2] == f"{told:.4f}"
    assert line[-2:] == [f"{truth:.4f}", f"{truth - told:+.4f}"]


def test_a_run_whose_folds_lost_their_test_rows_is_scored_all_the_same(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = {key: value for key, value in run.report.items() if key != "forecast"}
    write_json(run.folder.report, report)
    run.folder.fold(1).test.unlink()
    labels = tmp_path / "labels.csv"
    labels.write_text("ID,target\n" + "".join(f"test{n}.png,{n % 3}\n" for n in range(5)))
    assert run_command(["score", str(run.path), "--labels", str(labels)]) == 0
    assert "note: there is no forecast: " in capsys.readouterr().err


def test_files_that_do_not_belong_together_are_refused(predicted: Make) -> None:
    folder = predicted()
    rows = pd.read_csv(folder.folds)
    write_text(folder.folds, csv_text(rows.iloc[5:]))
    with pytest.raises(DataError, match="do not belong together"):
        forecast_of(folder, [0, 1, 2], 1)
    write_text(folder.folds, csv_text(rows))
    shutil.copy(folder.fold(0).oof, folder.fold(0).test)
    with pytest.raises(DataError, match="do not belong together"):
        forecast_of(folder, [0, 1, 2], 1)
    write_text(folder.folds, csv_text(rows.drop(columns="label")))
    with pytest.raises(RunError, match="has no labels, an older version wrote it"):
        forecast_of(folder, [0, 1, 2], 1)


def test_a_lost_or_damaged_predictions_file_is_named(
    predicted: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = predicted()
    folder.fold(1).test.write_bytes(b"PAR1 and nothing")
    assert run_command(["forecast", str(folder.path)]) == 2
    assert f"{folder.fold(1).test}: is no predictions file" in capsys.readouterr().err
    folder.fold(1).test.unlink()
    assert run_command(["forecast", str(folder.path)]) == 2
    assert f"{folder.fold(1).test}: is no predictions file" in capsys.readouterr().err


def test_a_forecast_imports_no_torch(predicted: Make) -> None:
    folder = predicted()
    code = (
        "import sys; from toolkit.report.forecast import forecast_run; "
        "from toolkit.runs.opened import Run; from pathlib import Path; "
        f"forecast_run(Run(Path({str(folder.path)!r}))); print('torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
