"""A study's folder, `runs/tune-<name>-<date>-<hash>/`, and which one belongs to a question."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from toolkit.recipe.names import safe_name
from toolkit.recipe.plan import Plan
from toolkit.runs.folder import RunFolder
from toolkit.runs.reading import DamagedFile, read_json


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
