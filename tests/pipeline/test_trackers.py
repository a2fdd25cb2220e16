"""What a tracker may do to a run: nothing, once it has started."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PathDistribution
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import pytest

import toolkit
from toolkit.cli import run_command
from toolkit.contracts import Event, ignore
from toolkit.errors import PluginError
from toolkit.pipeline import smoke_plan
from toolkit.plugin.host import Host, load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import SMOKE_OVERRIDES
from toolkit.recipe.planner import make_plan
from toolkit.runs.opened import Run

MOODY = """
import torch

from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.tracker("moody", "moody_tracker:Moody", help="fails in the hook that it is told")
    register.tracker("misspelt", "moody_tracker:Misspelt", help="misspells a hook")


class Moody:
    def __init__(self, run, /, *, fails: str = "", error: str = "ValueError") -> None:
        self.fails, self.error = fails, error
        self.meet("built")

    def meet(self, hook):
        torch.manual_seed(0)  # no tracker's business, and without effect
        if hook == self.fails:
            error = {"ValueError": ValueError, "KeyboardInterrupt": KeyboardInterrupt}[self.error]
            raise error(f"no mood\\nfor {hook}")

    @hookimpl
    def toolkit_run_start(self):
        self.meet("toolkit_run_start")

    @hookimpl
    def toolkit_epoch_end(self, metrics):
        metrics["clean_f1"] = 2.0
        self.meet("toolkit_epoch_end")

    @hookimpl
    def toolkit_run_end(self, report):
        report["scores"] = None
        self.meet("toolkit_run_end")

    @hookimpl
    def toolkit_run_error(self):
        self.meet("toolkit_run_error")


class Misspelt:
    def __init__(self, run, /) -> None: ...

    @hookimpl
    def toolkit_epoch_ned(self): ...
"""


@pytest.fixture
def moody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host with the plugin `acme`, whose trackers misbehave; it is installed, too."""
    site = tmp_path / "site"
    info = site / "acme_vision-1.2.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-vision\nVersion: 1.2.3\n")
    (info / "entry_points.txt").write_text("[toolkit]\nacme = moody_tracker\n")
    (site / "moody_tracker.py").write_text(MOODY)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("TOOLKIT_PLUGINS", "acme")
    (point,) = PathDistribution(info).entry_points
    yield load_host({}, [point])
    sys.modules.pop("moody_tracker", None)


Start = Callable[..., Run]


@pytest.fixture
def start(moody: Host, tiny_recipe: Path, tmp_path: Path) -> Start:
    """`start(fails="toolkit_epoch_end")` runs the tiny recipe beside a tracker that does."""

    def started(
        use: str = "acme.moody",
        notify: Callable = ignore,
        more: Mapping[str, Any] = MappingProxyType({}),
        **options: str,
    ) -> Run:
        overrides = {"track.use": use, **{f"track.{k}": v for k, v in options.items()}, **more}
        return toolkit.run(
            tiny_recipe, overrides=overrides, runs=tmp_path / "runs", host=moody, notify=notify
        )

    return started


def folder_of(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / "runs").iterdir()
    return folder


EPOCH_DROP = {
    "tracker": "acme.moody",
    "hook": "toolkit_epoch_end",
    "reason": "ValueError: no mood for toolkit_epoch_end (acme-vision 1.2.3, FILE)",
}
LINE = (
    "tracker acme.moody is dropped: toolkit_epoch_end failed with ValueError: no mood for "
    "toolkit_epoch_end (acme-vision 1.2.3, FILE); the run goes on"
)


def said(text: str) -> str:
    """A text without the folder and the line of the tracker."""
    return re.sub(r"[^\s\"]+moody_tracker\.py:\d+", "FILE", text)


def dropped_in(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """What a report lists as dropped."""
    return [{**drop, "reason": said(drop["reason"])} for drop in report["trackers_dropped"]]


def test_a_tracker_that_fails_is_logged_once_and_listed_and_the_numbers_are_the_same(
    start: Start, finished: Run
) -> None:
    messages: list[str] = []

    def note(event: Event) -> None:
        if event.stage == "message":
            messages.append(event.text)

    run = start(fails="toolkit_epoch_end", notify=note)
    assert dropped_in(run.report) == [EPOCH_DROP]
    components = json.loads(run.folder.manifest.read_text())["components"]
    recorded = [
        (c["name"], c["package"], c["version"]) for c in components if c["kind"] == "tracker"
    ]
    assert recorded == [("acme.moody", "acme-vision", "1.2.3")]
    assert [said(message) for message in messages].count(LINE) == 1
    assert said(run.folder.log.read_text()).count(LINE) == 1
    for file in ("oof", "test", "submission"):
        assert getattr(run.folder, file).read_bytes() == getattr(finished.folder, file).read_bytes()
    for fold in (0, 1):
        history = pd.read_csv(run.folder.fold(fold).history)
        assert history["clean_f1"].max() <= 1  # not what it scribbled there


def test_random_numbers_that_a_tracker_draws_are_none_of_the_runs(
    start: Start, tiny_recipe: Path, tmp_path: Path
) -> None:
    dropout = {"backbone.drop_rate": 0.5}
    quiet = toolkit.run(tiny_recipe, overrides=dropout, runs=tmp_path / "quiet")
    run = start(more=dropout)
    losses = [pd.read_csv(r.folder.fold(0).history)["train_loss"].tolist() for r in (run, quiet)]
    assert losses[0] == losses[1]  # the second epoch's too, behind the tracker's first call


def test_a_tracker_that_fails_at_the_very_end_is_listed_too(start: Start) -> None:
    run = start(fails="toolkit_run_end")
    (dropped,) = run.report["trackers_dropped"]
    assert dropped["hook"] == "toolkit_run_end"
    assert run.report["scores"]["oof"]["clean"]["macro_f1"] >= 0  # not what it scribbled there
    assert "toolkit_run_end failed" in run.folder.log.read_text()
    assert "1 tracker dropped" in run.folder.page.read_text()


def test_a_smoke_run_builds_the_tracker_and_tells_it_nothing(
    moody: Host, tiny_recipe: Path
) -> None:
    def smoke(fails: str) -> None:
        track = {"track.use": "acme.moody", "track.fails": fails}
        recipe = load_recipe(tiny_recipe, {**SMOKE_OVERRIDES, **track}, moody)
        smoke_plan(make_plan(recipe, moody))

    smoke("toolkit_run_start")
    with pytest.raises(PluginError, match="it cannot be built"):
        smoke("built")


def test_a_run_without_faults_lists_none(finished: Run) -> None:
    assert finished.report["trackers_dropped"] == []
    assert not finished.folder.trackers_dropped.exists()


@pytest.mark.parametrize(
    ("use", "fails", "says"),
    [
        (
            "acme.moody",
            "toolkit_run_start",
            "tracker acme.moody: toolkit_run_start failed, and the run was not started: "
            "ValueError: no mood for toolkit_run_start (acme-vision 1.2.3, FILE)",
        ),
        (
            "acme.moody",
            "built",
            "tracker acme.moody: it cannot be built: ValueError: no mood for built "
            "(acme-vision 1.2.3, FILE)",
        ),
        (
            "acme.misspelt",
            None,
            "tracker acme.misspelt: unknown hook 'toolkit_epoch_ned'. Did you mean "
            '"toolkit_epoch_end"? (acme-vision 1.2.3, FILE)',
        ),
    ],
)
def test_a_tracker_that_cannot_start_stops_the_run_before_it_trains(
    use: str, fails: str | None, says: str, start: Start, tmp_path: Path
) -> None:
    with pytest.raises(PluginError) as caught:
        start(use, **({} if fails is None else {"fails": fails}))
    assert said(str(caught.value)) == says
    assert caught.value.exit_code == 2
    runs = tmp_path / "runs"
    assert not list(runs.rglob("folds"))
    # One that cannot even be built is found before the images are decoded.
    assert runs.exists() == (fails == "toolkit_run_start")


def test_the_error_of_a_run_is_not_hidden_by_a_tracker_that_fails_on_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("toolkit.pipeline.join_oof", full)
    with pytest.raises(OSError, match="disk full"):
        start(fails="toolkit_run_error")


def test_what_was_dropped_before_a_kill_is_listed_when_the_run_ends(
    start: Start, tmp_path: Path
) -> None:
    class Killed(BaseException): ...

    def kill(event: Event) -> None:
        if event.stage == "message" and "is dropped" in event.text:
            raise Killed

    with pytest.raises(Killed):
        start(fails="toolkit_epoch_end", notify=kill)
    run = start(fails="")
    assert run.path == folder_of(tmp_path)
    assert dropped_in(run.report) == [EPOCH_DROP]


def test_ctrl_c_inside_a_tracker_interrupts_the_run_which_goes_on_later(
    start: Start, finished: Run
) -> None:
    with pytest.raises(KeyboardInterrupt):
        start(fails="toolkit_epoch_end", error="KeyboardInterrupt")
    run = start(fails="")
    assert run.oof.equals(finished.oof)
    assert run.report["trackers_dropped"] == []


def test_the_command_says_that_a_tracker_was_dropped_and_ends_with_three(
    moody: Host, tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["--set", "track.use=acme.moody", "--set", "track.fails=toolkit_epoch_end"]
    code = run_command(["run", str(tiny_recipe), "--runs", str(tmp_path / "runs"), *wanted])
    out, err = capsys.readouterr()
    assert code == 3
    assert said(err).count(LINE) == 1
    assert (
        "set aside: tracker acme.moody: toolkit_epoch_end: ValueError: no mood for "
        "toolkit_epoch_end (acme-vision 1.2.3, FILE)\n"
    ) in said(out)
    report = json.loads((folder_of(tmp_path) / "report.json").read_text())
    assert dropped_in(report) == [EPOCH_DROP]
