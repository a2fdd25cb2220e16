"""`toolkit run`, readable top to bottom."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from toolkit.contracts import Event, Facts, Ints, Notify, RunInfo, Table, ignore
from toolkit.data.cache import cache_folder
from toolkit.data.check import Data, check_data
from toolkit.data.folds import assign_folds, fold_hash, fold_warnings, split_rows
from toolkit.data.smoke import handful
from toolkit.data.table import read_table
from toolkit.ensemble.join import join_oof, join_test
from toolkit.ensemble.submission import write_submission
from toolkit.errors import UserError
from toolkit.plugin.host import Host, load_host
from toolkit.plugin.observers import observers
from toolkit.predict.files import PredictionsMeta, as_predictions, write_predictions
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan, make_plan
from toolkit.recipe.show import recipe_text
from toolkit.report.build import build_report
from toolkit.runs.atomic import write_json, write_text
from toolkit.runs.folder import RunFolder, find_run, new_run
from toolkit.runs.lock import held
from toolkit.runs.manifest import differences, manifest
from toolkit.runs.opened import Run
from toolkit.train.fold import FoldJob, Rows, train_fold
from toolkit.train.model import check_model


def run(
    recipe: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    runs: str | Path = "runs",
    again: bool = False,
    skip_bad: bool = False,
    notify: Notify = ignore,
    host: Host | None = None,
) -> Run:
    """Run a recipe: K-fold models, out-of-fold and test predictions, submission, report.

    Args:
        recipe: a TOML file, or `toolkit:NAME`.
        overrides: dotted keys and values laid over the recipe, `{"loss.alpha": 0.5}`.
        runs: where run folders are.
        again: make a new run of a plan that is finished.
        skip_bad: set unreadable training images aside and go on.
        notify: told of every step.

    Raises `RecipeError`, `DataError` and other `UserError`s with everything that is to mend.
    """
    plan = make_plan(load_recipe(recipe, overrides), host or load_host())
    return run_plan(plan, runs=Path(runs), again=again, skip_bad=skip_bad, notify=notify)


def run_plan(
    plan: Plan,
    *,
    runs: Path,
    again: bool = False,
    skip_bad: bool = False,
    notify: Notify = ignore,
) -> Run:
    """Carry out a plan. One that was begun goes on where it stopped; one that is finished is
    opened, unless `again` asks for a new run."""
    stages = _Stages(notify)
    table = read_table(plan.choice("data").build())
    check_components(plan, table)
    stages.enter("decode")
    data = check_data(
        table, plan.split.folds, plan.image, cache_folder(), notify, skip_bad=skip_bad
    )
    plan_hash = plan.hash(data.fingerprint)
    folder = find_run(runs, plan_hash)
    if folder is not None and folder.finished and not again:
        notify(Event("message", f"{folder.path} is this plan, finished; --again runs it anew"))
        return Run(folder.path)
    if folder is None or folder.finished:
        folder = new_run(runs, plan.name, plan_hash, date.today())
    with held(folder):
        _carry_out(_Job(plan, plan_hash, data, folder, stages, _logging(folder, notify)))
    return Run(folder.path)


def smoke_plan(plan: Plan, *, notify: Notify = ignore) -> dict[str, Any]:
    """Pass every stage of a plan on a handful of images, one training step a fold.

    The plan is made with `SMOKE_OVERRIDES`. Everything it writes goes to a folder that is
    thrown away. Returns the report.
    """
    stages = _Stages(notify)
    table = handful(read_table(plan.choice("data").build()), plan.split.folds)
    check_components(plan, table)
    with tempfile.TemporaryDirectory(prefix="toolkit-smoke-") as scratch:
        stages.enter("decode")
        data = check_data(table, plan.split.folds, plan.image, Path(scratch) / "cache", notify)
        plan_hash = plan.hash(data.fingerprint)
        folder = new_run(Path(scratch) / "runs", plan.name, plan_hash, date.today())
        _carry_out(_Job(plan, plan_hash, data, folder, stages, notify, steps=1))
        return Run(folder.path).report


def check_components(plan: Plan, table: Table) -> None:
    """Build what a recipe chose, once, before any work: what only a class list can tell, weights
    that cannot be had, and a size that the backbone does not take are found here."""
    if table.problems or not len(table.train):
        return  # the data check reports these, with everything else about the data
    facts = _facts(plan, table, table.train["label"].to_numpy())
    for keys in (("loss",), ("augment", "train"), ("ensemble",)):
        given = plan.image if keys[0] == "augment" else facts
        built = plan.choice(*keys).build(given)
        if keys == ("ensemble",) and built.needs_fit:
            use = plan.choice(*keys).use
            raise UserError(
                f"ensemble.use: {use} is fitted on two members or more, and a run is one; "
                "choose soft or hard"
            )
    check_model(plan, facts)


@dataclass(frozen=True)
class _Job:
    """A plan about to be carried out in a folder."""

    plan: Plan
    plan_hash: str
    data: Data
    folder: RunFolder
    stages: _Stages
    notify: Notify
    steps: int | None = None

    @property
    def info(self) -> RunInfo:
        path = str(self.folder.path)
        return RunInfo(self.plan.name, path, self.plan_hash, self.plan.values)


def _carry_out(job: _Job) -> None:
    """Everything behind the checks, with the trackers told how it goes."""
    track = job.plan.choices.get(("track",))
    trackers = {} if track is None else {track.use: track.build(job.info)}
    hook = observers(trackers)
    hook.toolkit_run_start(run=job.info)
    try:
        _record(job)
        folds = assign_folds(job.data.table, job.plan.split.folds, job.plan.seed)
        write_text(job.folder.folds, folds.to_csv(index=False))
        meta = PredictionsMeta(
            job.data.table.classes, job.plan.validate.monitor, fold_hash(folds), job.plan_hash
        )
        job.stages.enter("train")
        for fold in range(job.plan.split.folds):
            if not job.folder.fold(fold).done.is_file():
                train_fold(_fold_job(job, folds, fold, meta), job.notify, hook)
        job.stages.enter("join")
        report = _finish(job, folds, meta)
    except BaseException as error:
        hook.toolkit_run_error(run=job.info, error=error)
        raise
    hook.toolkit_run_end(run=job.info, report=report)


def _record(job: _Job) -> None:
    """Write what is run and on what; say so where a resumed run meets another machine."""
    folder = job.folder
    found = manifest(job.plan_hash, job.data.fingerprint, job.plan.components)
    if folder.manifest.is_file():
        before = json.loads(folder.manifest.read_text(encoding="utf-8"))
        for line in differences(before, found):
            job.notify(Event("message", f"resuming, numbers may differ: {line}"))
    else:
        write_json(folder.manifest, found)
    write_text(folder.recipe, recipe_text(job.plan))
    if job.data.set_aside:
        rows = pd.DataFrame(job.data.set_aside, columns=["id", "reason"])
        write_text(folder.set_aside, rows.to_csv(index=False))
    write_json(folder.plan, {"hash": job.plan_hash, "recipe": job.plan.values})


def _fold_job(job: _Job, folds: pd.DataFrame, fold: int, meta: PredictionsMeta) -> FoldJob:
    data, table = job.data, job.data.table
    train, validation = split_rows(table, folds, fold)
    labels = table.train["label"].to_numpy()
    test = None
    if table.test is not None and data.test_rows is not None:
        order = np.argsort(table.test["id"].to_numpy(), kind="stable")
        ids = table.test["id"].to_numpy()[order].tolist()
        test = Rows(ids, ids, np.full(len(ids), -1), data.test_rows[order])
    return FoldJob(
        job.plan,
        fold,
        _facts(job.plan, table, labels[train]),
        data.pack,
        _rows(data, train),
        _rows(data, validation),
        test,
        job.folder.fold(fold),
        meta,
        job.info,
        job.steps,
    )


def _rows(data: Data, rows: Ints) -> Rows:
    table = data.table.train.iloc[rows]
    return Rows(
        table["id"].tolist(),
        table["parent"].tolist(),
        table["label"].to_numpy(),
        data.train_rows[rows],
    )


def _facts(plan: Plan, table: Table, labels: Ints) -> Facts:
    counts = np.bincount(labels, minlength=len(table.classes))
    return Facts(table.classes, tuple(counts.tolist()), plan.image, plan.seed)


def _finish(job: _Job, folds: pd.DataFrame, meta: PredictionsMeta) -> dict[str, Any]:
    """Join the folds, write the submission, and the report last of all."""
    plan, folder, table = job.plan, job.folder, job.data.table
    numbers = range(plan.split.folds)
    oof = join_oof([folder.fold(fold).oof for fold in numbers], table, meta)
    write_predictions(folder.oof, oof, meta)
    submission = None
    if table.test is not None:
        labels = table.train["label"].to_numpy()
        ensembler = plan.choice("ensemble").build(_facts(plan, table, labels))
        test = join_test([folder.fold(fold).test for fold in numbers], ensembler, meta)
        write_predictions(folder.test, test, meta)
        joined = as_predictions(test, table.classes)
        submission = write_submission(folder.submission, joined, table)
    report = build_report(
        folder,
        plan,
        job.plan_hash,
        table,
        as_predictions(oof, table.classes),
        submission=submission,
        set_aside=[{"id": i, "reason": reason} for i, reason in job.data.set_aside],
        warnings=fold_warnings(table, folds),
        seconds=job.stages.leave(),
    )
    write_json(folder.report, report)
    return report


class _Stages:
    """Seconds of each stage, and an event at the start of each."""

    def __init__(self, notify: Notify) -> None:
        self.notify, self.seconds = notify, {}
        self.stage, self.since = "plan", time.perf_counter()

    seconds: dict[str, float]

    def enter(self, stage: str) -> None:
        self.leave()
        self.stage, self.since = stage, time.perf_counter()
        self.notify(Event("stage", stage))

    def leave(self) -> dict[str, float]:
        self.seconds[self.stage] = round(time.perf_counter() - self.since, 1)
        return self.seconds


def _logging(folder: RunFolder, notify: Notify) -> Notify:
    """`notify`, and a line in `log.txt` for every event worth keeping."""

    def tell(event: Event) -> None:
        notify(event)
        if event.stage not in ("message", "stage", "epoch"):
            return
        text = event.text or " ".join(f"{key}={value}" for key, value in event.data.items())
        now = datetime.now().isoformat(timespec="seconds")
        with folder.log.open("a", encoding="utf-8") as log:
            log.write(f"{now} [{os.getpid()}] {event.stage}: {text}\n")

    return tell
