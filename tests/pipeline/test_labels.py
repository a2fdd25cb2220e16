"""Patched labels and groups of classes in a run: its folds, manifest, submission and score."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

import toolkit
from toolkit.contracts import ignore
from toolkit.errors import DataError
from toolkit.plugin.host import load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import SMOKE_OVERRIDES
from toolkit.recipe.planner import make_plan
from toolkit.report.outcome import labels_from_csv, score_test
from toolkit.report.overview import look

PATCH = "id,from,to,reason,author,date\npage00.png,ticket,form,a grid,Ann,2026-07-08\n"
GROUPS = {"labels.relabel.letter": "paper", "labels.relabel.form": "paper"}


@pytest.fixture
def patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A patch in the working directory, by the path that a recipe names."""
    monkeypatch.chdir(tmp_path)
    Path("labels.patch.csv").write_text(PATCH)
    return "labels.patch.csv"


def test_a_run_trains_patched_groups_records_them_and_is_scored_in_the_classes(
    tiny_recipe: Path, documents: Path, patch: str, tmp_path: Path
) -> None:
    data = (documents / "train.csv").read_bytes()
    offline = {"augment.offline.use": "light", "augment.offline.copies": 1, "train.epochs": 1}
    laid = {"labels.patches": [patch], **GROUPS, **offline}
    run = toolkit.run(tiny_recipe, overrides=laid, runs="runs")
    assert (documents / "train.csv").read_bytes() == data
    assert run.classes == ("ticket", "paper")
    labels = pd.read_csv(run.path / "folds.csv").set_index("id")["label"]
    assert (labels["page00.png"], labels["page03.png"], labels["page01.png"]) == (1, 0, 1)
    digest = hashlib.sha256(PATCH.encode()).hexdigest()
    assert run.manifest["labels"] == {
        "patches": [{"file": patch, "sha256": digest, "rows": 1}],
        "classes": [
            {"class": "ticket", "target": "0", "group": "ticket"},
            {"class": "letter", "target": "1", "group": "paper"},
            {"class": "form", "target": "2", "group": "paper"},
        ],
    }
    assert set(pd.read_csv(run.path / "submission.csv")["target"]) <= {"ticket", "paper"}
    assert "[labels.relabel]" in (run.path / "recipe.toml").read_text()
    truth = tmp_path / "truth.csv"
    rows = [f"test{number}.png,{number % 3}" for number in range(5)]
    truth.write_text("ID,target\n" + "\n".join(rows) + "\n")
    scored = score_test(run, *labels_from_csv(run, truth))
    assert [row["class"] for row in scored["classes"]] == ["ticket", "paper"]
    assert [row["support"] for row in scored["classes"]] == [2, 3]


def test_looking_at_the_data_and_a_smoke_run_see_the_same_labels(
    tiny_recipe: Path, patch: str
) -> None:
    host = load_host()
    laid = {"labels.patches": [patch], **GROUPS}
    found = look(make_plan(load_recipe(tiny_recipe, laid, host), host), ignore)
    assert [(name, images) for name, _, images, _ in found.classes] == [
        ("ticket", 7),
        ("paper", 17),
    ]
    smoke = make_plan(load_recipe(tiny_recipe, {**laid, **SMOKE_OVERRIDES}, host), host)
    report = toolkit.pipeline.smoke_plan(smoke)
    assert [row["class"] for row in report["classes"]] == ["ticket", "paper"]


def test_rows_that_were_handed_over_are_patched_too(
    tiny_recipe: Path, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = pd.read_csv(documents / "train.csv")
    rows["path"] = [str(documents / "train" / name) for name in rows["ID"]]
    rows["target"] = [["ticket", "letter", "form"][label] for label in rows["target"]]
    Path("p.csv").write_text("id,from,to\npage00.png,letter,form\n")
    with pytest.raises(DataError, match=r"p\.csv:2: .page00\.png. is .ticket."):
        toolkit.run(
            tiny_recipe,
            overrides={"labels.patches": ["p.csv"]},
            table=rows,
            columns={"id": "ID", "path": "path", "label": "target", "group": "document"},
        )
