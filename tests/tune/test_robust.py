"""A study that looks at twins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from toolkit.contracts import ignore
from toolkit.plugin.host import load_host
from toolkit.runs.reading import read_json
from toolkit.tune.asked import Asked, Question
from toolkit.tune.search import tune


@pytest.mark.parametrize("monitor", ["robust_f1", "blend"])
def test_a_study_looks_at_the_score_of_twins_that_decides(
    tiny_recipe: Path, tmp_path: Path, monitor: str
) -> None:
    overrides: dict[str, Any] = {
        "validate.twins.use": "scanned",
        "validate.monitor": monitor,
        "train.epochs": 1,
        "tune.rescore": 0,
    }
    host, question = load_host({"TOOLKIT_PLUGINS": ""}), Question(str(tiny_recipe), overrides)
    plan = question.plan(host)
    study = tune(question, plan, host, asked=Asked(1), runs=tmp_path / "runs", notify=ignore)
    (trial,) = json.loads(study.report.read_text())["trials"]
    assert trial["state"] == "complete"
    (folder,) = (study.path / "trials").glob("*/folds")
    folds = [read_json(done) for done in sorted(folder.glob("*/done"))]
    assert len(folds) == 2
    low, high = sorted(fold[monitor] for fold in folds)
    # The score over all rows lies about where those of the folds do, and is none of clean images.
    assert low - 0.3 <= trial["score"] <= high + 0.3
