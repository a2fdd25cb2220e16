"""One fold in seconds: the tiny competition's first fold, trained as a run would train it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from toolkit.contracts import Event, Notify, ignore
from toolkit.data.assignment import assign_folds
from toolkit.data.check import check_data
from toolkit.data.table import read_table
from toolkit.plugin.host import Host, load_host
from toolkit.plugin.observers import Trackers
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.runs.folder import FoldFolder, RunFolder
from toolkit.runs.log import Stages
from toolkit.train.folds import Job, train_folds
from toolkit.train.job import Watch


@dataclass(frozen=True)
class OneFold:
    """Trains the first fold of the tiny recipe."""

    recipe: Path
    cache: Path
    host: Host

    def __call__(
        self,
        folder: Path,
        overrides: Mapping[str, Any] | None = None,
        *,
        steps: int | None = None,
        notify: Notify = ignore,
        watch: Watch | None = None,
    ) -> FoldFolder:
        """Train it in `folder`, or go on with what is there."""
        plan = make_plan(load_recipe(self.recipe, overrides, self.host), self.host)
        table = read_table(plan.choice("data").build(), ignore)
        data = check_data(table, plan.split.folds, plan.image, self.cache, ignore)
        run = RunFolder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        job = Job(plan, plan.hash(data.fingerprint), data, run, Stages(ignore), notify, steps)
        job = replace(job, anew=True)  # whatever a fold beside it has trained
        folds = assign_folds(table, plan.split.folds, plan.seed)
        train_folds(job, folds, Trackers({}, lambda dropped: None), watch, [0])
        return run.fold(0)


@pytest.fixture
def one_fold(tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> OneFold:
    """`one_fold(folder, {"train.epochs": 1})` trains the first fold there; its `FoldFolder`."""
    return OneFold(tiny_recipe, tmp_path_factory.getbasetemp() / "pixels", load_host())


@pytest.fixture
def told() -> tuple[list[Event], Callable[[Event], None]]:
    """Events, and the `notify` that keeps them."""
    events: list[Event] = []
    return events, events.append


def history(folder: FoldFolder) -> pd.DataFrame:
    return pd.read_csv(folder.history)
