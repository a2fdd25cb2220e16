"""A study's folder, `runs/tune-<name>-<date>-<hash>/`: its files, which one belongs to a question,
and what is swept out of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.trial import FrozenTrial, TrialState

from toolkit.recipe.names import safe_name
from toolkit.recipe.plan import Plan
from toolkit.runs.folder import FoldFolder, RunFolder
from toolkit.runs.reading import DamagedFile, read_json
from toolkit.tune.bench import forget
from toolkit.tune.failures import died, given_up, retry_ticket, ticket_of


@dataclass(frozen=True)
class StudyFolder:
    """The files of a study. It has no plan.json: it is no run, and no list of runs shows it."""

    path: Path

    @property
    def facts(self) -> Path:
        """What is asked: recipe, overrides, space, objective, and their hash."""
        return self.path / "study.json"

    @property
    def journal(self) -> Path:
        """Every trial, where no other storage is named."""
        return self.path / "study.journal"

    @property
    def best(self) -> Path:
        """The best recipe."""
        return self.path / "best.toml"

    @property
    def report(self) -> Path:
        """Every number of the study."""
        return self.path / "tune.json"

    @property
    def page(self) -> Path:
        return self.path / "tune.html"

    @property
    def log(self) -> Path:
        """Why trials failed, in full, and what ended a start of the study that ended badly."""
        return self.path / "log.txt"

    def trial(self, plan_hash: str) -> RunFolder:
        """Where a trial trains; trials that train the same plan share it, and its result."""
        return RunFolder(self.path / "trials" / plan_hash[:12])

    def rescore(self, plan_hash: str) -> RunFolder:
        """Where one of the best is scored again."""
        return RunFolder(self.path / "rescore" / plan_hash[:12])

    @property
    def study_hash(self) -> str | None:
        """None where it is no study's folder."""
        with suppress(DamagedFile):
            return str(read_json(self.facts, keys=["study"])["study"])
        return None


def study_hash(plan: Plan, fingerprint: str) -> str:
    """32 hex digits over what a study asks: recipe, data, space, objective and proxy. How it is
    searched (sampler, pruning, patience) may change on the way."""
    tune = plan.values["tune"]
    asked = [plan.hash(fingerprint), tune["space"], tune["objective"], tune["proxy"]]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


def study_folder(runs: Path, name: str, hash_: str, today: date) -> StudyFolder:
    """The folder of a study, whatever its date; made where there is none.

    Where study.json is gone or damaged, the folder's name alone says whose it is: the trials in it
    are not lost with that file.
    """
    for path in sorted(runs.glob(f"tune-*-{hash_[:8]}")):
        if StudyFolder(path).study_hash in (hash_, None):
            return StudyFolder(path)
    path = runs / f"tune-{safe_name(name)}-{today:%Y%m%d}-{hash_[:8]}"
    path.mkdir(parents=True, exist_ok=True)
    return StudyFolder(path)


def latest_study(runs: Path) -> StudyFolder | None:
    """The study that was written to last."""
    found = [StudyFolder(path) for path in runs.glob("tune-*") if path.is_dir()]
    found = [folder for folder in found if folder.facts.is_file()]
    return max(found, key=lambda folder: folder.facts.stat().st_mtime, default=None)


def sweep(study: StudyFolder, search: optuna.Study, rescore: optuna.Study) -> None:
    """Leave of every trial its predictions and its history, but for those that go on."""
    deaths = {**search.user_attrs, **rescore.user_attrs}
    for folder, of in (("trials", search), ("rescore", rescore)):
        going_on = _going_on(of.get_trials(deepcopy=False), deaths)
        for path in sorted((study.path / folder).glob("*")):
            if not any(plan.startswith(path.name) for plan in going_on):
                _sweep(RunFolder(path))


def _going_on(trials: Sequence[FrozenTrial], deaths: Mapping[str, Any]) -> set[str]:
    """The plans of the trials that are under way, or were cut off and will be done again."""
    successors = {ticket_of(t): t for t in reversed(trials) if ticket_of(t) is not None}
    found = set()
    for trial in trials:
        last = trial
        while died(last) and (retry := successors.get(retry_ticket(last.number))) is not None:
            last = retry
        waits = last.state in (TrialState.RUNNING, TrialState.WAITING)
        if (waits or (died(last) and not given_up(last, deaths))) and "plan" in trial.user_attrs:
            found.add(str(trial.user_attrs["plan"]))
    return found


def _sweep(folder: RunFolder) -> None:
    left = [path for path in folder.path.glob("folds/*") if _has_more(path)]
    if not left:
        return
    with suppress(Timeout), FileLock(folder.lock, timeout=0):  # held: it trains at this moment
        for path in left:
            forget(FoldFolder(path))


def _has_more(fold: Path) -> bool:
    return any(fold.glob("*.safetensors")) or any(fold.glob(".*.tmp"))
