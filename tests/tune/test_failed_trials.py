"""Studies in which trials fail, from end to end, with a loss of a third party that does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from toolkit.cli import run_command
from toolkit.contracts import ignore
from toolkit.errors import UserError
from toolkit.plugin.host import Host, load_host
from toolkit.tune.asked import Asked, Question
from toolkit.tune.folder import StudyFolder
from toolkit.tune.search import tune

LOSS = """
from __future__ import annotations
import json, os, signal
from typing import Annotated
from pydantic import Field
from toolkit import hookimpl

toolkit_plugin_api = 1

@hookimpl
def toolkit_register(register):
    register.loss("moody", "moody_loss:moody", help="does as its option says")
    register.tracker("spy", "moody_loss:Spy", help="keeps what it is told, and scribbles on it")

class Spy:
    def __init__(self, run, /):
        self.run, self.told = run, []
        run.recipe["optimizer"]["lr"] = 99.0

    @hookimpl
    def toolkit_trial_end(self, study, trial):
        told = {"built": self.run.plan, "told": study.plan, "lr": study.recipe["optimizer"]["lr"]}
        study.recipe["optimizer"]["lr"] = 99.0
        with open(os.path.join(study.folder, "spy.jsonl"), "a") as file:
            file.write(json.dumps(told) + "\\n")

def moody(facts, /, *, does: Annotated[str, Field(description="what it does")] = "train"):
    import torch

    class Loss(torch.nn.Module):
        def forward(self, logits, targets):
            if does == "raise" and len(logits) > 2:
                raise RuntimeError("not in a real batch")
            if does == "exit" and len(logits) > 2:
                raise SystemExit(7)
            if does == "die" and len(logits) > 2:
                os.kill(os.getpid(), signal.SIGSEGV)
            if does in ("leave", "leave quietly") and len(logits) > 2:
                os._exit(3 if does == "leave" else 0)
            value = torch.nn.functional.cross_entropy(logits.float(), targets)
            return value * float("nan") if does == "diverge" and len(logits) > 2 else value

    return Loss()
"""

SPACE = """
[track]
use = "jsonl"

[tune]
prune = "none"
sampler = "random"
rescore = 0
patience = 0

[tune.space]
"loss.does" = { choices = [CHOICES] }
"optimizer.lr" = { low = 1e-4, high = 1e-2, log = true }
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the plugin `acme` is installed."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "moody_loss.py").write_text(LOSS)
    info = folder / "acme_moody-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-moody\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[toolkit]\nacme = moody_loss\n")
    return folder


@pytest.fixture(scope="module")
def host(site: Path) -> Iterator[Host]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        yield load_host({}, [EntryPoint("acme", "moody_loss", "toolkit")])
    sys.modules.pop("moody_loss", None)


def recipe_in(folder: Path, documents: Path, does: str, *choices: str) -> Path:
    text = (Path(__file__).parent.parent / "conftest.py").read_text()
    text = text.partition('RECIPE = """')[2].partition('"""')[0].format(root=documents)
    text = text.replace('use = "focal"\nalpha = 0.5', f'use = "acme.moody"\ndoes = "{does}"')
    text = text.replace("epochs = 2", "epochs = 1")
    file = folder / "moody.toml"
    file.write_text(text + SPACE.replace("CHOICES", ", ".join(f'"{c}"' for c in choices)))
    return file


def search(recipe: Path, host: Host, trials: int) -> tuple[StudyFolder, dict[str, Any]]:
    question, runs = Question(str(recipe), {}), recipe.parent / "runs"
    folder = tune(
        question, question.plan(host), host, asked=Asked(trials), runs=runs, notify=ignore
    )
    return folder, json.loads(folder.report.read_text())


@pytest.fixture(scope="module")
def moody(
    documents: Path, host: Host, tmp_path_factory: pytest.TempPathFactory
) -> tuple[StudyFolder, dict[str, Any]]:
    """A study whose recipe itself fails, and a part of its trials."""
    folder = tmp_path_factory.mktemp("moody")
    recipe = recipe_in(folder, documents, "raise", "train", "raise", "exit", "diverge")
    return search(recipe, host, 3)


def test_the_asked_number_is_complete_whatever_failed(moody: Any) -> None:
    _, facts = moody
    states = [row["state"] for row in facts["trials"]]
    assert states.count("complete") == 3
    assert set(states) == {"complete", "failed"}
    assert states[0] == "failed"  # the recipe itself
    assert facts["winner"] is not None
    assert facts["incumbent"] is None


def test_each_failure_is_told_with_its_reason(moody: Any) -> None:
    folder, facts = moody
    page = folder.page.read_text()
    assert "not in a real batch" in page
    reasons = {
        "raise": "RuntimeError: not in a real batch",
        "exit": "SystemExit: 7",
        "diverge": "the loss is nan",
    }
    lost = [row for row in facts["trials"] if row["state"] == "failed"]
    for row in lost:
        assert reasons[row["values"]["loss.does"]] in row["reason"]
    assert f"{len(lost)} failed" in page
    assert "Traceback" in folder.log.read_text()


def test_failures_are_told_to_trackers_with_their_reason(moody: Any) -> None:
    folder, facts = moody
    lines = [json.loads(line) for line in (folder.path / "events.jsonl").read_text().splitlines()]
    told = {line["number"]: line for line in lines if line["event"] == "trial_end"}
    assert sorted(told) == [row["trial"] for row in facts["trials"]]
    for row in facts["trials"]:
        line = told[row["trial"]]
        assert line["state"] == row["state"]
        assert line["reason"] == row["reason"]
        assert line["params"] == row["values"]
        assert line["plan"] == row["plan"]
        assert Path(line["folder"]) == folder.trial(row["plan"]).path


def test_a_trial_keeps_predictions_and_history_only_whatever_ended_it(moody: Any) -> None:
    folder, facts = moody
    assert not list(folder.path.rglob("*.safetensors"))
    done = next(row for row in facts["trials"] if row["state"] == "complete")
    fold = folder.trial(done["plan"]).fold(0)
    assert fold.oof.is_file()
    assert fold.history.is_file()


def test_a_tracker_is_told_the_plans_hash_and_gets_a_copy_of_the_recipe(
    documents: Path, host: Host, tmp_path: Path
) -> None:
    recipe = recipe_in(tmp_path, documents, "train", "train")
    recipe.write_text(recipe.read_text().replace('"jsonl"', '"acme.spy"'))
    folder, facts = search(recipe, host, 2)
    told = [json.loads(line) for line in (folder.path / "spy.jsonl").read_text().splitlines()]
    plan = facts["trials"][0]["plan"]  # of the recipe as it is
    assert told == [{"built": plan, "told": plan, "lr": 3e-3}] * 2


@pytest.mark.slow
def test_a_study_whose_every_trial_fails_ends_with_the_reasons(
    documents: Path, host: Host, tmp_path: Path
) -> None:
    recipe = recipe_in(tmp_path, documents, "raise", "raise", "exit")
    for _ in range(2):  # a later start tries again, and ends again
        with pytest.raises(UserError) as caught:
            search(recipe, host, 3)
        text = str(caught.value)
        assert "RuntimeError: not in a real batch" in text
        assert "no trial is complete: 10 trials in a row failed" in text
    (folder,) = (tmp_path / "runs").glob("tune-*")
    facts = json.loads((folder / "tune.json").read_text())
    assert {row["state"] for row in facts["trials"]} == {"failed"}


def test_values_that_failed_are_not_trained_again_in_the_same_start(
    documents: Path, host: Host, tmp_path: Path
) -> None:
    recipe = recipe_in(tmp_path, documents, "raise", "raise", "train")
    text = recipe.read_text()
    recipe.write_text("\n".join(li for li in text.splitlines() if not li.startswith('"optimizer')))
    _, facts = search(recipe, host, 4)
    lost = [row["reason"] for row in facts["trials"] if row["state"] == "failed"]
    assert "RuntimeError: not in a real batch" in lost[0]
    assert len(lost) > 1
    assert all(reason.startswith("as trial 0, which tried the same: ") for reason in lost[1:])


def test_a_study_without_time_for_a_trial_says_so(
    tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tiny_recipe.parent / "runs"
    code = run_command(["tune", str(tiny_recipe), "--timeout", "0s", "--runs", str(runs)])
    assert code == 2
    assert "no trial is complete: the time is up" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("does", "workers", "says"),
    [
        ("die", 1, "killed by SIGSEGV"),
        ("die", 2, "killed by SIGSEGV"),
        ("leave", 1, "killed by an exit with code 3"),
        ("leave quietly", 1, "killed by an exit with code 0"),
        ("leave quietly", 2, "killed by an exit with code 0"),
    ],
)
def test_a_trial_that_ends_its_process_is_one_failure_of_a_study_that_ends(
    documents: Path, site: Path, tmp_path: Path, does: str, workers: int, says: str
) -> None:
    recipe = recipe_in(tmp_path, documents, does, "train", does)
    command = [sys.executable, "-m", "toolkit", "tune", str(recipe), "--trials", "3"]
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*command, "--workers", str(workers)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        timeout=300,
    )
    assert done.returncode == 3, done.stderr
    assert says in done.stdout
    (folder,) = (tmp_path / "runs").glob("tune-*")
    facts = json.loads((folder / "tune.json").read_text())
    states = [row["state"] for row in facts["trials"]]
    assert states.count("complete") == 3
    assert "failed" in states
