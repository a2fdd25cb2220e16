"""One damaged or missing file hides no other run, and no command ends in a traceback."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import toolkit
from toolkit.errors import RunError
from toolkit.runs.opened import Run

FILES = (
    "plan.json",
    "recipe.toml",
    "manifest.json",
    "report.json",
    "report.html",
    "mistakes.json",
    "folds.csv",
    "oof.parquet",
    "test.parquet",
    "submission.csv",
    "log.txt",
    "test_score.json",
    "folds/0/done",
    "folds/0/history.csv",
    "folds/0/weights.safetensors",
    "folds/0/preprocess.json",
    "folds/0/oof.parquet",
    "folds/0/test.parquet",
)
DAMAGES: dict[str, bytes | None] = {
    "gone": None,
    "empty": b"",
    "zeros": b"\0" * 64,
    "list": b"[]\n",
    "object": b"{}\n",
    "garbage": b"\xff\xfe\x00 garbage",
}


@pytest.fixture
def run(finished: Run, folder: Path, toolkit_cli: Callable) -> Run:
    """A copy of the finished run in `runs/`, scored, and a second copy beside it."""
    for name in (finished.path.name, "other-20260101-0badcafe"):
        shutil.copytree(finished.path, folder / "runs" / name)
    rows = "".join(f"test{n}.png,{n % 3}\n" for n in range(5))
    (folder / "labels.csv").write_text("ID,target\n" + rows)
    assert toolkit_cli("score", "tiny", "--labels", "labels.csv").code == 0
    return Run(Path("runs") / finished.path.name)


@pytest.mark.parametrize(
    "how",
    ["empty", *(pytest.param(how, marks=pytest.mark.slow) for how in DAMAGES if how != "empty")],
)
def test_no_file_in_no_state_ends_a_command_in_a_traceback(
    run: Run, toolkit_cli: Callable, how: str
) -> None:
    for name in FILES:
        file = run.path / name
        whole = file.read_bytes()
        content = DAMAGES[how]
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        listed = toolkit_cli("runs")
        assert listed.code in (0, 3), (name, listed.err)
        assert "other-20260101-0badcafe  finished" in listed.out, name
        for command in (
            ("runs", "show", "tiny"),
            ("report", "tiny"),
            ("score", "tiny", "--labels", "labels.csv"),
        ):
            done = toolkit_cli(*command)
            assert done.code in (0, 2, 3), (name, command, done.err)
            assert "Traceback" not in done.err, (name, command, done.err)
            if done.code == 2:
                assert name.rpartition("/")[2] in done.err, (name, command, done.err)
        if name in ("recipe.toml", "manifest.json"):  # which a recipe of a run folder looks at
            assert toolkit_cli("validate", str(run.folder.recipe)).code in (0, 2)
        file.write_bytes(whole)
        shutil.copy(run.path.parent / "other-20260101-0badcafe/report.html", run.path)


def test_a_damaged_report_is_listed_as_damaged_with_the_command_that_makes_it_again(
    run: Run, toolkit_cli: Callable
) -> None:
    run.folder.report.write_text("")
    done = toolkit_cli("runs")
    assert done.code == 3
    row = next(line for line in done.out.splitlines() if line.startswith("tiny"))
    assert row.split()[1:] == ["damaged", "test_resnet", "focal"]
    told = f"{run.folder.report}: is empty; `toolkit run {run.folder.recipe}` makes it again"
    assert told in done.err
    again = toolkit_cli("runs", "show", "tiny")
    assert (again.code, again.err) == (2, f"{told}\n")


def test_a_damaged_plan_hides_no_run(run: Run, toolkit_cli: Callable) -> None:
    for file in (run.folder.manifest, run.folder.report):
        file.unlink()
    run.folder.plan.write_text("{")
    done = toolkit_cli("runs")
    assert (done.code, "tiny" in done.out) == (3, True)
    assert f"{run.folder.plan}: is damaged, no JSON" in done.err


def test_a_finished_run_without_its_submission_is_shown_and_says_so(
    run: Run, toolkit_cli: Callable
) -> None:
    run.folder.submission.unlink()
    done = toolkit_cli("runs", "show", "tiny")
    assert done.code == 0
    assert f"note: {run.folder.submission}: is gone; `toolkit run" in done.err


def test_an_opened_run_says_what_is_gone_and_never_that_it_had_no_test_images(run: Run) -> None:
    run.folder.test.unlink()
    with pytest.raises(RunError, match=r"test\.parquet: is gone; `toolkit run .* makes it again"):
        _ = toolkit.open_run(run.path).test
    run.folder.oof.write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"oof\.parquet: is damaged .*; remove it, and `toolkit run"):
        _ = toolkit.open_run(run.path).oof


def test_open_run_takes_the_start_of_a_name_and_the_latest_run(run: Run) -> None:
    assert toolkit.open_run("tiny").path == run.path
    assert toolkit.open_run("other", "runs").path.name == "other-20260101-0badcafe"
    assert toolkit.open_run(runs=run.path.parent).folder.finished
    with pytest.raises(RunError, match="has no run coat"):
        toolkit.open_run("coat")


def test_the_hint_can_be_pasted_where_the_folder_has_spaces(finished: Run, tmp_path: Path) -> None:
    path = tmp_path / "my runs" / finished.path.name
    shutil.copytree(finished.path, path)
    (path / "report.json").write_text("")
    with pytest.raises(RunError) as error:
        _ = toolkit.open_run(path).report
    assert f"`toolkit run '{path / 'recipe.toml'}' --runs '{path.parent}'`" in str(error.value)
