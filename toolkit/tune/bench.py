"""The bench that trials are done on: the data, read and checked once, and how one recipe is
trained and scored on it, through the same code as `toolkit run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd
import torch
from filelock import FileLock

from toolkit.contracts import Event, Facts, ImageSpec, Notify
from toolkit.data.assignment import assign_folds
from toolkit.data.cache import cache_folder
from toolkit.data.check import Data, check_plan_data
from toolkit.data.duplicates import duplicates_of
from toolkit.ensemble.join import join_oof
from toolkit.plugin.host import Host
from toolkit.plugin.observers import Trackers
from toolkit.predict.files import as_predictions, read_predictions, variants_in
from toolkit.prepare import prepare, with_twins
from toolkit.recipe.plan import Plan
from toolkit.runs.atomic import csv_text, write_text
from toolkit.runs.folder import FoldFolder, RunFolder
from toolkit.runs.log import Stages
from toolkit.runs.reading import read_json
from toolkit.runs.supervised import mark
from toolkit.score.measures import measures_of
from toolkit.score.variants import scores_of_variants
from toolkit.train.components import check_components
from toolkit.train.folds import Job, predictions_meta, train_folds
from toolkit.train.job import Watch, facts_of
from toolkit.train.pace import watching_pace
from toolkit.tune.asked import Question
from toolkit.tune.failures import ends_the_study
from toolkit.tune.objective import Objective


@dataclass
class Bench:
    """Trains and scores plans of one question on its data."""

    question: Question
    host: Host
    notify: Notify
    skip_bad: bool = False
    _data: dict[ImageSpec, Data] = field(default_factory=dict)

    def prepare(self, plan: Plan, *, verify: bool = False) -> Data:
        """Read, check and decode the data of the recipe; build its components once.

        Args:
            verify: read every image anew.
        """
        stages = Stages(self.notify)
        prepared = prepare(plan, cache_folder(), stages, skip_bad=self.skip_bad, verify=verify)
        data = prepared.data
        for warning in duplicates_of(data.table).warnings():
            self.notify(Event("message", f"warning: {warning}"))
        self._data[plan.image] = data
        return data

    def data(self, plan: Plan) -> Data:
        """The data at a plan's size; decoded once for each size.

        Raises `UserError` where the plan's backbone cannot use that size.
        """
        if plan.image not in self._data:
            known = next(iter(self._data.values()))
            check_components(plan, known.table, self.notify)
            cache = cache_folder()
            found = check_plan_data(plan, known.table, cache, self.notify)
            self._data[plan.image] = with_twins(plan, found, cache, self.notify)
        return self._data[plan.image]

    def facts(self, plan: Plan) -> Facts:
        """Of the whole training table."""
        table = self.data(plan).table
        return facts_of(plan, table, table.train["label"].to_numpy())

    def job(self, plan: Plan, folder: RunFolder) -> Job:
        """The plan as a run of its own, but without test images: a trial predicts none."""
        data = self.data(plan)
        bare = replace(data, table=replace(data.table, test=None), test_rows=None)
        stages, notify = Stages(self._quiet), watching_pace(self._quiet)
        return Job(plan, plan.hash(data.fingerprint), bare, folder, stages, notify)

    def _quiet(self, event: Event) -> None:
        if event.stage != "stage":
            self.notify(event)

    def train(self, job: Job, numbers: Sequence[int], watch: Watch) -> bool:
        """Train folds of a job, or pick up what is there. Returns whether all came to their end.

        Another process that trains the same plan is waited for; what it leaves is then there.
        Weights and state are thrown away however it ends, but for an interruption, behind which
        the trial goes on: predictions and history are all that a trial needs.
        """
        job.folder.path.mkdir(parents=True, exist_ok=True)
        mark(folder=str(job.folder.path))
        folds = self.folds(job)
        silent = Trackers({}, lambda dropped: None)
        keeping = _Tidy(job.folder, watch)
        with FileLock(job.folder.lock):
            write_text(job.folder.folds, csv_text(folds))
            try:
                whole = train_folds(job, folds, silent, keeping, numbers)
            except BaseException as error:
                keeping.tidy(numbers, resumed=ends_the_study(error))
                raise
            keeping.tidy(numbers, resumed=False)
            return whole

    def folds(self, job: Job) -> pd.DataFrame:
        return assign_folds(job.data.table, job.plan.folds, job.plan.split.seed)

    def score(self, job: Job, numbers: Sequence[int], objective: Objective) -> float:
        """The out-of-fold score over the trained folds, as `report.json` would give it."""
        files = [job.folder.fold(number).oof for number in numbers]
        meta = predictions_meta(job, self.folds(job))
        if len(files) == job.plan.folds:
            rows = join_oof(files, job.data.table, meta)
        else:
            rows = pd.concat([read_predictions(file)[0] for file in files], ignore_index=True)
        oof = as_predictions(rows, meta.classes)
        truth = job.data.table.train.set_index("id").loc[list(oof.ids), "label"].to_numpy()
        predicted = {
            v: as_predictions(rows, meta.classes, v).probabilities for v in variants_in(rows)
        }
        measures = measures_of(job.plan, self.facts(job.plan))
        found = scores_of_variants(measures, "the out-of-fold rows", truth, predicted)
        return next(value for score, value in found.items() if score.key == objective.score)

    def seconds(self, job: Job, numbers: Sequence[int]) -> float:
        """Seconds that the finished folds took, also where another trial trained them."""
        done = [job.folder.fold(number).done for number in numbers]
        return float(sum(read_json(file)["seconds"] for file in done if file.is_file()))


class _Tidy:
    """A watch that throws away a fold's weights when its scores are known."""

    def __init__(self, folder: RunFolder, watch: Watch) -> None:
        self.folder, self.watch = folder, watch
        self.epochs: dict[int, dict[int, Mapping[str, float]]] = {}

    def epoch(self, fold: int, metrics: Mapping[str, float], /) -> bool:
        self.epochs.setdefault(fold, {})[int(metrics["epoch"])] = metrics
        return self.watch.epoch(fold, metrics)

    def fold(self, fold: int, scores: Mapping[str, float], /) -> bool:
        forget(self.folder.fold(fold))
        return self.watch.fold(fold, scores)

    def tidy(self, numbers: Sequence[int], *, resumed: bool) -> None:
        """Leave of each fold its predictions and its history.

        Args:
            resumed: whether the trial will go on: a fold in training keeps what it needs for it.
        """
        for fold in numbers:
            place = self.folder.fold(fold)
            if place.done.is_file():
                forget(place)
            elif not resumed:
                if rows := self.epochs.get(fold):
                    write_text(place.history, csv_text(pd.DataFrame(list(rows.values()))))
                forget(place)


def forget(fold: FoldFolder) -> None:
    """Throw away what a fold needs to go on, half-written files too; the history stays."""
    for file in [*fold.path.glob("*.safetensors"), *fold.path.glob(".*.tmp")]:
        file.unlink(missing_ok=True)


def threads() -> int:
    """Threads that a training step of this process uses."""
    return torch.get_num_threads()
