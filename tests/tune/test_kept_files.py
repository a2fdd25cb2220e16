"""Trials keep predictions and history only; what will go on keeps its state until then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from toolkit.contracts import ignore
from toolkit.plugin.host import load_host
from toolkit.runs.folder import RunFolder
from toolkit.train.folds import Job
from toolkit.tune.asked import Question
from toolkit.tune.bench import Bench
from toolkit.tune.failures import REASON, RETRIES, RETRY
from toolkit.tune.folder import StudyFolder, sweep
from toolkit.tune.lease import requeue


class Ends:
    """A watch that ends the first fold behind its first epoch."""

    def __init__(self, how: BaseException | None) -> None:
        self.how = how

    def epoch(self, fold: int, metrics: Mapping[str, float], /) -> bool:
        if self.how is not None:
            raise self.how
        return False

    def fold(self, fold: int, scores: Mapping[str, float], /) -> bool:
        return True


@pytest.fixture
def job(tiny_recipe: Path, tmp_path: Path) -> tuple[Bench, Job]:
    host = load_host({"TOOLKIT_PLUGINS": ""})
    question = Question(str(tiny_recipe), {})
    bench = Bench(question, host, ignore)
    plan = question.plan(host)
    bench.prepare(plan)
    return bench, bench.job(plan, RunFolder(tmp_path / "trial"))


def files(job: Job) -> set[str]:
    return {path.name for path in job.folder.fold(0).path.iterdir()}


@pytest.mark.parametrize("how", [None, RuntimeError("no"), MemoryError()], ids=repr)
def test_what_is_pruned_or_fails_leaves_its_history_and_no_weights(
    how: BaseException | None, job: tuple[Bench, Job]
) -> None:
    bench, carried = job
    try:
        assert not bench.train(carried, [0, 1], Ends(how))
    except (RuntimeError, MemoryError):
        assert how is not None
    assert not any(name.endswith((".safetensors", ".tmp")) for name in files(carried))
    assert len(carried.folder.fold(0).history.read_text().splitlines()) == 2  # head, one epoch


def test_what_is_interrupted_keeps_what_it_needs_to_go_on(job: tuple[Bench, Job]) -> None:
    bench, carried = job
    with pytest.raises(KeyboardInterrupt):
        bench.train(carried, [0, 1], Ends(KeyboardInterrupt()))
    assert "state.safetensors" in files(carried)
    assert len([name for name in files(carried) if name.endswith(".safetensors")]) == 2  # and best


def trial_in(study: optuna.Study, plan: str, **attrs: Any) -> optuna.trial.Trial:
    trial = study.ask()
    trial.set_user_attr("plan", plan)
    for key, value in attrs.items():
        trial.set_user_attr(key, value)
    return trial


def test_a_start_sweeps_what_earlier_ones_left(study: optuna.Study, tmp_path: Path) -> None:
    for plan, state, attrs in (
        ("pruned", TrialState.PRUNED, {}),
        ("failed", TrialState.FAIL, {REASON: "no"}),
        ("given up", TrialState.FAIL, {RETRY: RETRIES}),
        ("complete", TrialState.COMPLETE, {}),
        ("dead", TrialState.FAIL, {}),  # nobody has queued it again yet
    ):
        trial = trial_in(study, plan, **attrs)
        study.tell(trial, 0.5 if state == TrialState.COMPLETE else None, state=state)
    trial_in(study, "running")
    folder, rescore = StudyFolder(tmp_path), optuna.create_study()

    def left() -> set[str]:
        return {path.parts[-4] for path in tmp_path.rglob("state.safetensors")}

    for plan in ("pruned", "failed", "given up", "complete", "dead", "running", "nobody's"):
        fold = RunFolder(tmp_path / "trials" / plan).fold(0)
        fold.path.mkdir(parents=True)
        for file in (fold.state, fold.weights, fold.oof, fold.history):
            file.write_text("")
    sweep(folder, study, rescore)
    assert left() == {"dead", "running"}
    assert len(list(tmp_path.rglob("oof.parquet"))) == 7
    requeue(study)
    sweep(folder, study, rescore)
    assert left() == {"dead", "running"}  # it will go on
    again = study.ask()
    study.tell(again, state=TrialState.PRUNED)
    sweep(folder, study, rescore)
    assert left() == {"running"}
