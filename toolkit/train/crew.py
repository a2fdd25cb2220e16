"""Trains the folds of a run through the executor that its recipe chose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.contracts import Event
from toolkit.contracts.execute import Executor
from toolkit.contracts.execute import Job as Task
from toolkit.execute.carry_out import carry_out
from toolkit.recipe.show import recipe_text
from toolkit.runs.faults import fold_faults
from toolkit.runs.lease import leased, new_token, require_free
from toolkit.runs.manifest import machine
from toolkit.train.folds import Job, fold_trainer
from toolkit.train.travel import TRACKER, Parcel

TRAIN = "toolkit.train.travel:train_parcel"


@dataclass(frozen=True)
class Crew:
    """An executor that is ready, and the folds that it is asked for."""

    job: Job
    hook: Any
    executor: Executor
    threads: int
    """That a fold is trained with."""
    numbers: tuple[int, ...]
    hosts: bool
    """Whether this process holds the run, and with it every fold."""

    def train(self, folds: pd.DataFrame) -> None:
        """Train the folds that are not done yet.

        Args:
            folds: `id, parent, group, fold`, as `assign_folds` cuts them.
        """
        job, folder = self.job, self.job.folder
        train = fold_trainer(job, folds, self.hook)  # copies are drawn here, before anybody asks
        job.stages.enter("train")
        for number in self.numbers if not self.executor.here else ():
            require_free(folder.fold(number).path, job.notify, host=self.hosts)
        tasks = [self._task(number, folds, train) for number in self.numbers]
        carry_out(self.executor, tasks, _again, job.notify, str(folder.path))

    def _task(self, fold: int, folds: pd.DataFrame, train: Any) -> Task:
        job, folder = self.job, self.job.folder
        name, place = f"fold {fold}", folder.fold(fold).path

        def here() -> None:
            with leased(place, job.notify):
                train(fold)

        if self.executor.here:
            return Task(name, TRAIN, None, here=here)
        parcel = Parcel(
            recipe_text(job.plan),
            job.plan.path,
            str(Path.cwd()),
            job.plan_hash,
            tuple(job.plan.components),
            {**machine(), "threads": self.threads},
            job.data,
            folds,
            folder.path.absolute(),
            fold,
            new_token(),
            job.steps,
            job.anew,
        )
        return Task(name, TRAIN, parcel, _packs(job), str(parcel.folder))


@contextmanager
def crew_of(job: Job, hook: Any, numbers: Sequence[int] | None = None) -> Iterator[Crew]:
    """The executor that the recipe chose, ready; it is closed however it ends.

    Args:
        hook: the trackers.
        numbers: of the folds that are wanted; by default all.
    """
    wanted = range(job.plan.folds) if numbers is None else numbers
    executor: Executor = job.plan.choice("execute").build()
    if not executor.here:  # a process for a fold that is done would find that out, and end
        wanted = [number for number in wanted if not _is_whole(job, number)]
    threads = executor.open(job.plan.execute.resources(len(wanted)), partial(_told, job, hook))
    try:
        yield Crew(job, hook, executor, threads, tuple(wanted), numbers is None)
    finally:
        executor.close()


def _told(job: Job, hook: Any, task: Task, event: Event) -> None:
    """An event of a fold that is trained elsewhere."""
    if event.stage == TRACKER:
        getattr(hook, event.text)(run=job.info, **event.data)
    else:
        job.notify(event)


def _again(task: Task) -> Task:
    """The fold once more: the token of the start that died is worth nothing any more."""
    return replace(task, facts=replace(task.facts, token=new_token()))


def _is_whole(job: Job, number: int) -> bool:
    fold = job.folder.fold(number)
    tested = job.data.table.test is not None
    return fold.done.is_file() and not fold_faults(fold, tested=tested, way_out="")


def _packs(job: Job) -> tuple[str, ...]:
    data = job.data
    packs = [data.pack] if data.twins is None else [data.pack, data.twins.pack]
    return tuple(str(pack.path.parent.absolute()) for pack in packs)
