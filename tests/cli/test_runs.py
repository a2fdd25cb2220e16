"""`toolkit runs`, `toolkit score` and `toolkit init`, as a person types them."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.runs.opened import Run


@pytest.fixture
def run(finished: Run, folder: Path) -> Run:
    """A copy of the finished run in `runs/` of the working folder."""
    path = folder / "runs" / finished.path.name
    shutil.copytree(finished.path, path)
    return Run(path)


def test_runs_lists_name_recipe_scores_time_and_state(run: Run, toolkit_cli: Callable) -> None:
    done = toolkit_cli("runs")
    assert done.code == 0
    head, row = done.out.splitlines()
    assert head.split()[:4] == ["run", "state", "backbone", "loss"]
    score = run.report["scores"]["oof"]["clean"]["macro_f1"]
    assert row.startswith(f"{run.path.name}  finished  test_resnet  focal  {score:.4f}")


def test_an_unfinished_run_is_listed_as_stopped_and_shows_its_folds(
    run: Run, toolkit_cli: Callable
) -> None:
    run.folder.report.unlink()
    run.folder.fold(1).done.unlink()
    assert re.search(rf"{run.path.name}\s+stopped", toolkit_cli("runs").out)
    assert "1 of 2 folds are finished" in toolkit_cli("runs", "show", "tiny").out


def test_no_runs_are_said_to_be_none(toolkit_cli: Callable) -> None:
    assert toolkit_cli("runs") == (0, "runs: holds no runs\n", "")


def test_showing_a_run_prints_its_scores(run: Run, toolkit_cli: Callable) -> None:
    done = toolkit_cli("runs", "show")
    assert done.code == 0
    assert f"{run.path.relative_to(Path.cwd())}: finished, plan {run.plan['hash']}" in done.out
    assert f"macro_f1  {run.report['scores']['oof']['clean']['macro_f1']:.4f}" in done.out


def test_an_unknown_run_ends_with_2(toolkit_cli: Callable) -> None:
    for command in (("runs", "show"), ("score",)):
        done = toolkit_cli(*command, "nothing")
        assert done == (2, "", "runs: has no run nothing; it holds no run\n")


def test_score_sets_the_test_score_beside_the_out_of_fold_score(
    run: Run, folder: Path, toolkit_cli: Callable
) -> None:
    rows = "".join(f"test{n}.png,{n % 3}\n" for n in range(5))
    (folder / "labels.csv").write_text("ID,target\n" + rows)
    done = toolkit_cli("score", "--labels", "labels.csv")
    assert done.code == 0
    oof = run.report["scores"]["oof"]["clean"]["macro_f1"]
    test = json.loads(run.folder.test_score.read_text())["macro_f1"]
    line = next(line for line in done.out.splitlines() if line.startswith("macro_f1"))
    assert line.split()[:3] == ["macro_f1", f"{oof:.4f}", f"{test:.4f}"]
    assert line.split()[-1] == f"{test - oof:+.4f}"
    assert f"{test:.4f}" in toolkit_cli("runs").out
    assert f"test macro_f1 {test:.4f} on 5 images" in toolkit_cli("runs", "show").out


def test_scoring_without_labels_says_what_is_missing(run: Run, toolkit_cli: Callable) -> None:
    done = toolkit_cli("score")
    assert done.code == 2
    assert "its source csv does not know the test labels" in done.err
    assert "--labels FILE" in done.err


def test_init_writes_a_recipe_that_is_good(
    documents: Path, folder: Path, toolkit_cli: Callable
) -> None:
    done = toolkit_cli("init", str(documents), "-o", "mine.toml")
    assert done.code == 0
    assert "source csv, 24 training images, 3 classes, 5 test images" in done.out
    assert "group_column = document" in done.out
    assert toolkit_cli("validate", "mine.toml").code == 0


def test_init_names_the_recipe_after_the_data(
    documents: Path, folder: Path, toolkit_cli: Callable
) -> None:
    assert toolkit_cli("init", str(documents)).code == 0
    assert 'name = "documents"' in (folder / "documents.toml").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "문서",
        "_data",
        "1. scan (neu)",
        "données",
        "-rf",
        "...a",
        'it\'s "mine"; $HOME `x`',
        "a\nb",
        "\U0001f642\U0001f642",
        "con",
        "COM1.data",
        "\u202eabc",
        "हिन्दी",
        "x" * 250,
        "문" * 80,
    ],
)
def test_init_of_any_folder_writes_a_recipe_that_is_good_and_a_hint_that_can_be_pasted(
    name: str, documents: Path, folder: Path, toolkit_cli: Callable
) -> None:
    shutil.copytree(documents, folder / name)
    done = toolkit_cli("init", "--", name)
    assert done.code == 0, done.err
    (recipe,) = folder.glob("*.toml")
    assert recipe.name[0].isalnum()
    words = shlex.split(done.out.rpartition("try it with `")[2].rpartition("`")[0])
    assert words == ["toolkit", "run", recipe.name, "--smoke"]
    done = toolkit_cli("validate", words[2])
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("data", [".", "..", "{work}/docs/../docs/"])
def test_init_names_the_recipe_after_the_folder_that_a_path_leads_to(
    data: str,
    documents: Path,
    folder: Path,
    toolkit_cli: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(documents, folder / "docs")
    inside = {".": folder / "docs", "..": folder / "docs" / "train"}
    monkeypatch.chdir(inside.get(data, folder))
    done = toolkit_cli("init", data.format(work=folder))
    assert done.code == 0, done.err
    assert "docs.toml: written" in done.out


def test_a_hint_for_a_file_that_looks_like_an_option_can_be_pasted(
    documents: Path, folder: Path, toolkit_cli: Callable
) -> None:
    done = toolkit_cli("init", str(documents), "--output=-my own.toml")
    assert done.code == 0
    words = shlex.split(done.out.rpartition("try it with `")[2].rpartition("`")[0])
    assert toolkit_cli("validate", words[2]).code == 0
    assert toolkit_cli("recipes", "copy", "cpu", "my copy.toml").out.endswith(
        "check it with `toolkit validate 'my copy.toml'`\n"
    )


def test_init_overwrites_nothing(documents: Path, folder: Path, toolkit_cli: Callable) -> None:
    (folder / "mine.toml").write_text("# mine\n")
    done = toolkit_cli("init", str(documents), "-o", "mine.toml")
    assert done.code == 2
    assert "mine.toml: the file exists" in done.err
    assert (folder / "mine.toml").read_text() == "# mine\n"


def test_init_of_nothing_ends_with_2(folder: Path, toolkit_cli: Callable) -> None:
    done = toolkit_cli("init", "nothing")
    assert done == (2, "", "nothing: there is no such file or folder\n")
    assert list(folder.glob("*.toml")) == []
