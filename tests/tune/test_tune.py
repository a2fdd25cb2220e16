"""`toolkit tune` from end to end, on a very small model."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

import toolkit
from toolkit.cli import run_command
from toolkit.contracts import Event, ignore
from toolkit.plugin.host import load_host
from toolkit.runs.listing import run_folders
from toolkit.tune.asked import Asked, Question
from toolkit.tune.folder import StudyFolder
from toolkit.tune.search import tune

SPACE = """
[tune]
prune = "none"

[tune.space]
"optimizer.lr" = { low = 1e-4, high = 1e-2, log = true }
"loss.alpha" = { low = 0.0, high = 1.0 }
"""


def search(
    recipe: Path, runs: Path, trials: int, overrides: dict[str, Any] | None = None, **more: Any
) -> tuple[StudyFolder, dict[str, Any]]:
    host, question = load_host({"TOOLKIT_PLUGINS": ""}), Question(str(recipe), overrides or {})
    notify = more.pop("notify", ignore)
    asked = Asked(trials, **more)
    plan = question.plan(host)
    folder = tune(question, plan, host, asked=asked, runs=runs, notify=notify)
    return folder, json.loads(folder.report.read_text())


@pytest.fixture(scope="module")
def searched(
    documents: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, StudyFolder, dict[str, Any]]:
    """A finished study of four trials, and its recipe, for tests that only look."""
    folder = tmp_path_factory.mktemp("searched")
    recipe = folder / "tiny.toml"
    text = (Path(__file__).parent.parent / "conftest.py").read_text()
    text = text.partition('RECIPE = """')[2].partition('"""')[0]
    recipe.write_text(text.format(root=documents) + SPACE)
    return recipe, *search(recipe, folder / "runs", 4)


def test_the_first_trial_is_the_recipe_as_it_is(searched: Any) -> None:
    _, _, facts = searched
    assert [row["incumbent"] for row in facts["trials"]] == [True, False, False, False]
    assert facts["trials"][0]["values"] == {"optimizer.lr": 0.003, "loss.alpha": 0.5}
    assert facts["trials"][0]["state"] == "complete"


def test_the_best_recipe_gives_the_recorded_score_to_the_last_digit(
    searched: Any, tmp_path: Path
) -> None:
    _, folder, facts = searched
    run = toolkit.run(folder.best, runs=tmp_path)
    score = run.report["scores"]["oof"]["clean"]["macro_f1"]
    assert score == facts["trials"][facts["winner"]]["score"]
    assert score == max(row["score"] for row in facts["trials"] if row["score"] is not None)


def test_the_best_recipe_extends_the_original_and_says_what_changed(searched: Any) -> None:
    recipe, folder, facts = searched
    text = folder.best.read_text()
    values = tomllib.loads(text)
    assert (folder.path / values["extends"]).resolve() == recipe.resolve()
    winner = facts["trials"][facts["winner"]]["values"]
    assert values["optimizer"]["lr"] == winner["optimizer.lr"]
    assert values["loss"]["alpha"] == winner["loss.alpha"]
    assert values["name"] == "tiny-tuned"
    assert text.startswith(f"# Trial {facts['winner']} of 4: clean_f1 ")
    assert "# This score is optimistic" in text
    fresh = facts["rescore"]["trials"][0]["score"]
    assert f"On fresh folds (split.seed 1000045) it is {fresh:.4f}" in text
    assert ("from 0.003" in text) == (winner["optimizer.lr"] != 0.003)


def test_the_best_is_scored_again_on_fresh_folds(searched: Any) -> None:
    _, folder, facts = searched
    (again,) = facts["rescore"]["trials"]
    assert again["of"] == facts["winner"]
    assert again["state"] == "complete"
    first = folder.trial(facts["trials"][facts["winner"]]["plan"]).folds.read_text()
    assert folder.rescore(again["plan"]).folds.read_text() != first


def test_a_trial_keeps_predictions_and_no_weights(searched: Any) -> None:
    _, folder, facts = searched
    fold = folder.trial(facts["trials"][0]["plan"]).fold(1)
    assert fold.oof.is_file()
    assert not fold.test.exists()  # a trial predicts no test images
    assert not list(folder.path.rglob("*.safetensors"))


def test_the_page_loads_nothing_and_tells_what_was_found(searched: Any) -> None:
    _, folder, facts = searched
    page = folder.page.read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert "<script" not in page
    for title in ("Result", "History", "Scores by key", "Importance", "Trials"):
        assert f">{title}</h2>" in page
    for key in ("trial", "optimizer.lr", "loss.alpha"):
        assert f'aria-label="clean_f1 against {key}: ' in page
    assert "This score is optimistic" in page
    assert "not estimated: too few complete trials: 4 of at least 20." in page
    assert f"{facts['trials'][facts['winner']]['score']:.4f}" in page


def test_a_study_is_no_run(searched: Any) -> None:
    _, folder, _ = searched
    assert run_folders(folder.path.parent) == []


def test_the_same_command_goes_on_with_the_study(searched: Any) -> None:
    recipe, folder, facts = searched
    events: list[Event] = []
    again, more = search(recipe, folder.path.parent, 6, notify=events.append)
    assert again == folder
    assert more["trials"][:4] == facts["trials"]
    done = [row for row in more["trials"] if row["state"] in ("complete", "pruned")]
    assert len(done) == 6
    rows = [e.data for e in events if e.stage == "trial" and e.data["of"] is None]
    told = [row["trial"] for row in rows if row["state"] != "running"]
    assert told == [4, 5]


@pytest.mark.slow
def test_another_question_is_another_study(searched: Any, tmp_path: Path) -> None:
    recipe, folder, _ = searched
    runs = folder.path.parent
    other, _ = search(recipe, runs, 1, {"tune.objective": "clean_log_loss"})
    same, _ = search(recipe, runs, 1, {"tune.patience": 3})  # how, not what
    assert other != folder
    assert same == folder


@pytest.mark.slow
def test_less_is_better_where_the_objective_says_so(searched: Any) -> None:
    recipe, folder, _ = searched
    _, facts = search(recipe, folder.path.parent, 3, {"tune.objective": "clean_log_loss"})
    scores = {r["trial"]: r["score"] for r in facts["trials"] if r["score"] is not None}
    assert facts["winner"] == min(scores, key=lambda number: scores[number])
    assert facts["direction"] == "minimize"


@pytest.mark.slow
def test_a_proxy_searches_cheaply_and_the_best_are_scored_in_full(
    searched: Any, tmp_path: Path
) -> None:
    recipe, _, _ = searched
    cheap = {"tune.proxy.size": 16, "tune.proxy.epochs": 1, "tune.proxy.folds": 1}
    folder, facts = search(recipe, tmp_path / "runs", 3, cheap)
    for row in facts["trials"]:
        assert len(row["folds"]) == 1
        fold = folder.trial(row["plan"]).fold(0)
        assert json.loads(fold.preprocess.read_text())["size"] == 16
        assert len(fold.history.read_text().splitlines()) == 2  # the head, and one epoch
    again = {row["of"]: row["score"] for row in facts["rescore"]["trials"]}
    complete = {row["trial"] for row in facts["trials"] if row["state"] == "complete"}
    assert set(again) == complete  # at most three, and the recipe itself
    assert facts["winner"] == max(again, key=lambda number: (again[number], -number))
    values = tomllib.loads(folder.best.read_text())
    assert "image" not in values  # the proxy is not what is found


@pytest.mark.slow
def test_a_trial_that_cannot_train_is_failed_with_its_reason(searched: Any, tmp_path: Path) -> None:
    recipe, _, _ = searched
    text = recipe.read_text().replace(
        "[tune.space]", '[tune.space]\n"loss.gamma" = { choices = [2.0, 1e30] }'
    )
    file = tmp_path / "diverges.toml"
    file.write_text(text.replace("high = 1e-2", "high = 1e9").replace("low = 1e-4", "low = 1e8"))
    _, facts = search(file, tmp_path / "runs", 3)
    assert facts["trials"][0]["state"] == "complete"
    assert "the loss is nan" in "".join(row["reason"] for row in facts["trials"])


MISTAKES = """
[tune.space]
"optimizer.lrr" = { low = 1e-5, high = 1e-3 }
"loss.alpha" = { low = 1.0, high = 0.0 }
"sampler.use" = { choices = ["shuffle", "balancd"] }
"image.fit" = { choices = ["letterbox", 3] }
"""


def test_mistakes_in_the_space_are_a_line_each_and_no_trial_starts(
    tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_recipe.write_text(tiny_recipe.read_text() + MISTAKES)
    code = run_command(["tune", str(tiny_recipe), "--runs", str(tmp_path / "runs")])
    lines = capsys.readouterr().err.splitlines()
    assert code == 2
    assert len(lines) == 4
    for line, says in zip(
        lines,
        (
            'tune.space.optimizer.lrr: the recipe has no such key. Did you mean "optimizer.lr"?',
            "tune.space.loss.alpha: low (1.0) must be below high (0.0)",
            'tune.space.sampler.use: there is no sampler "balancd". Did you mean "balanced"?',
            'tune.space.image.fit: expected "letterbox" | "stretch" | "crop", found 3',
        ),
        strict=True,
    ):
        assert line.endswith(says)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--timeout", "soon"], "--timeout soon: write a number and a unit: 90s, 30m, 2h, 1d"),
        (["--storage", "here"], "--storage here: write postgresql://"),
    ],
)
def test_wrong_arguments_say_what_to_write(
    arguments: list[str], says: str, tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tiny_recipe.parent / "runs"
    assert run_command(["tune", str(tiny_recipe), "--runs", str(runs), *arguments]) == 2
    assert capsys.readouterr().err.startswith(says)
    assert not runs.exists()


def test_without_a_recipe_the_latest_runs_is_searched(
    finished: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = finished.path.parent
    assert run_command(["tune", "--trials", "1", "--runs", str(runs)]) == 0
    told = capsys.readouterr()
    assert "trial 0 (the recipe): " in told.err
    assert "* the recipe as it is" in told.out
    assert "it is the recipe itself" in told.out
    (folder,) = runs.glob("tune-*")
    values = tomllib.loads((folder / "best.toml").read_text())
    assert (folder / values["extends"]).resolve() == (finished.path / "recipe.toml").resolve()


def test_a_study_says_where_it_is_kept(searched: Any, tmp_path: Path) -> None:
    recipe, _, _ = searched
    runs, storage = tmp_path / "runs", f"journal:{tmp_path / 'shared.journal'}"
    folder, _ = search(recipe, runs, 1, storage=storage)
    assert not folder.journal.exists()
    with pytest.raises(toolkit.errors.RunError, match="this study is kept in journal:"):
        search(recipe, runs, 1)


def test_the_dashboard_says_how_to_install_it(
    searched: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, folder, _ = searched
    monkeypatch.setenv("PATH", "")
    assert run_command(["tune", "--dashboard", "--runs", str(folder.path.parent)]) == 2
    assert "pip install optuna-dashboard" in capsys.readouterr().err
