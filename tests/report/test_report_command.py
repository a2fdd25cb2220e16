"""`toolkit report`."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.cli import run_command
from toolkit.runs.folder import RunFolder

Make = Callable[..., RunFolder]


@pytest.fixture
def folder(make_run: Make) -> RunFolder:
    return make_run(["진단서", "passport"])


def test_a_run_is_drawn_again_from_its_path_its_name_or_the_start_of_it(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = str(folder.path.parent)
    for name in ([str(folder.path)], ["drawn", "--runs", runs], ["--runs", runs]):
        folder.page.unlink(missing_ok=True)
        assert run_command(["report", *name]) == 0
        assert capsys.readouterr().out == f"{folder.page}\n"
        assert "진단서" in folder.page.read_text(encoding="utf-8")


def test_output_writes_the_same_page_elsewhere_and_leaves_the_run_alone(
    folder: RunFolder, tmp_path: Path
) -> None:
    assert run_command(["report", str(folder.path), "-o", str(tmp_path / "page.html")]) == 0
    assert not folder.page.exists()
    assert run_command(["report", str(folder.path)]) == 0
    assert (tmp_path / "page.html").read_bytes() == folder.page.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["report", "nothing", "--runs", "{runs}"], "has no run nothing"),
        (["report", "{runs}"], "is no run folder"),
        (["report", "{run}", "-o", "{runs}/no/page.html"], "there is no folder"),
        (["report", "{run}", "-o", "{runs}"], "is a folder; name a file"),
    ],
)
def test_a_mistake_ends_with_two_and_says_what_to_mend(
    folder: RunFolder, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    places = {"run": folder.path, "runs": folder.path.parent}
    assert run_command([argument.format(**places) for argument in arguments]) == 2
    assert told in capsys.readouterr().err


def test_an_unfinished_run_is_told_as_such(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.report.unlink()
    assert run_command(["report", str(folder.path)]) == 2
    assert "has no report.json; the run is not finished" in capsys.readouterr().err


def test_open_shows_the_page_in_the_browser(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: shown.append(url) or True)
    assert run_command(["report", str(folder.path), "--open"]) == 0
    assert shown == [folder.page.resolve().as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    assert run_command(["report", str(folder.path), "--open"]) == 2
    assert "no browser was found" in capsys.readouterr().err
