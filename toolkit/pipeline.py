"""`toolkit run`, readable top to bottom."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from toolkit.contracts import Event, Facts, Ints, Notify, RunInfo, Table, ignore
from toolkit.data.augment import as_callable
from toolkit.data.cache import Pack, cache_folder
from toolkit.data.check import Data, check_data
from toolkit.data.folds import assign_folds, fold_hash, fold_warnings, split_rows
from toolkit.data.offline import Copies, Joined, draw_copies
from toolkit.data.smoke import handful
from toolkit.data.table import read_table
from toolkit.ensemble.join import join_oof, join_test
from toolkit.ensemble.submission import lint, write_submission
from toolkit.errors import PluginError, RunError, UserError
from toolkit.plugin.host import Host, load_host
from toolkit.plugin.observers import Dropped, Trackers
from toolkit.predict.files import (
    PredictionsMeta,
    as_predictions,
    read_predictions,
    write_predictions,
)
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan
from toolkit.recipe.show import recipe_text
from toolkit.report.build import build_report
from toolkit.report.mistakes import find_mistakes
from toolkit.report.page import draw_page
from toolkit.runs.atomic import csv_text, write_json, write_text
from toolkit.runs.folder import RunFolder, find_run, new_run
from toolkit.runs.lock import held
from toolkit.runs.manifest import changes_since, differences, manifest
from toolkit.runs.opened import Run
from toolkit.train.fold import train_fold
from toolkit.train.job import FoldJob, Rows, Watch, with_copies
from toolkit.train.model import check_model
from toolkit.train.state import same_random_numbers


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
        recipe: a TOML file, `toolkit:NAME`, or `<plugin>:NAME`.
        overrides: dotted keys and values laid over the recipe, `{"loss.alpha": 0.5}`.
        runs: where run folders are.
        again: make a new run of a plan that is finished.
        skip_bad: set unreadable training images aside and go on.
        notify: told of every step.

    Raises `RecipeError`, `DataError` and other `UserError`s with everything that is to mend.
    """
    host = host or load_host()
    plan = make_plan(load_recipe(recipe, overrides, host), host)
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
    stages = Stages(notify)
    for line in changes_since(Path(plan.path), plan.components):
        notify(Event("message", line))
    table = read_table(plan.choice("data").build(), notify)
    check_components(plan, table)
    stages.enter("decode")
    data = check_data(
        table, plan.split.folds, plan.image, cache_folder(), notify, skip_bad=skip_bad
    )
    plan_hash = plan.hash(data.fingerprint)
    folder = find_run(runs, plan_hash)
    if folder is not None and folder.finished and not again:
        notify(Event("message", f"{folder.path} is this plan, finished; --again runs it anew"))
        _follow_the_sample(folder, data.table)
        return Run(folder.path)
    if folder is None or folder.finished:
        folder = new_run(runs, plan.name, plan_hash, date.today())
    with held(folder):
        _carry_out(Job(plan, plan_hash, data, folder, stages, _logging(folder, notify)))
    return Run(folder.path)


def _follow_the_sample(folder: RunFolder, table: Table) -> None:
    """A sample submission whose order or header changed changes no prediction, only the file."""
    if table.test is not None and lint(folder.submission, table):
        rows, _ = read_predictions(folder.test)
        write_submission(folder.submission, as_predictions(rows, table.classes), table)


def smoke_plan(plan: Plan, *, skip_bad: bool = False, notify: Notify = ignore) -> dict[str, Any]:
    """Pass every stage of a plan on a handful of images, one training step a fold.

    The plan is made with `SMOKE_OVERRIDES`. Everything it writes goes to a folder that is
    thrown away. Returns the report.
    """
    stages = Stages(notify)
    table = handful(read_table(plan.choice("data").build(), notify), plan.split.folds)
    check_components(plan, table)
    with tempfile.TemporaryDirectory(
        prefix="toolkit-smoke-", ignore_cleanup_errors=True
    ) as scratch:
        stages.enter("decode")
        cache = Path(scratch) / "cache"
        data = check_data(table, plan.split.folds, plan.image, cache, notify, skip_bad=skip_bad)
        plan_hash = plan.hash(data.fingerprint)
        folder = new_run(Path(scratch) / "runs", plan.name, plan_hash, date.today())
        _carry_out(Job(plan, plan_hash, data, folder, stages, notify, steps=1))
        return Run(folder.path).report


def check_components(plan: Plan, table: Table) -> None:
    """Build what a recipe chose, once, before any work: what only a class list can tell, weights
    that cannot be had, and a size that the backbone does not take are found here."""
    if table.problems or not len(table.train):
        return  # the data check reports these, with everything else about the data
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import asks the network otherwise
    facts = _facts(plan, table, table.train["label"].to_numpy())
    if plan.choice("ensemble").build(facts).needs_fit:
        raise UserError(
            f"ensemble.use: {plan.choice('ensemble').use} is fitted on two members or more, and a "
            "run is one; choose soft or hard"
        )
    _probe(plan, facts)
    check_model(plan, facts)


def _probe(plan: Plan, facts: Facts) -> None:
    """One grey image through the augmentation and two rows through the loss: what a third party
    got wrong shows here, not as black batches or in the first backward pass."""
    side = plan.image.working_size
    grey = np.full((side, side, 3), 128, dtype=np.uint8)
    for keys in (("augment", "train"), ("augment", "offline")):
        augmentation = plan.choices.get(keys)
        if augmentation is None:
            continue
        changed = as_callable(augmentation.build(plan.image))(grey, np.random.default_rng(0))
        if changed.dtype != np.uint8 or changed.ndim != 3 or changed.shape[2] != 3:
            raise PluginError(
                f"augmentation {augmentation.use}: gives {changed.dtype} {changed.shape}, expected "
                "uint8 (height, width, 3); normalization is the host's"
            )
    loss = plan.choice("loss").build(facts)
    targets = torch.eye(len(facts.classes))[:2]
    value = loss(torch.zeros_like(targets), targets)
    if value.shape != ():
        raise PluginError(
            f"loss {plan.choice('loss').use}: gives a tensor {tuple(value.shape)}, no scalar"
        )


@dataclass(frozen=True)
class Job:
    """A plan about to be carried out in a folder."""

    plan: Plan
    plan_hash: str
    data: Data
    folder: RunFolder
    stages: Stages
    notify: Notify
    steps: int | None = None

    @property
    def info(self) -> RunInfo:
        path = str(self.folder.path)
        return RunInfo(self.plan.name, path, self.plan_hash, deepcopy(dict(self.plan.values)))


def _carry_out(job: Job) -> None:
    """Everything behind the checks, with the trackers told how it goes."""
    hook, dropped = _trackers(job)
    try:
        hook.toolkit_run_start(run=job.info)
        _record(job)
        folds = _folds(job)
        warnings = fold_warnings(job.data.table, folds)
        for warning in warnings:
            job.notify(Event("message", f"warning: {warning}"))
        train_folds(job, folds, hook)
        job.stages.enter("join")
        report = _finish(job, predictions_meta(job, folds), warnings, dropped)
    except BaseException as error:
        hook.toolkit_run_error(run=job.info, error=error)
        raise
    hook.toolkit_run_end(run=job.info, report=report)
    if len(dropped) != len(report["trackers_dropped"]):  # one failed at the very end
        write_json(job.folder.report, {**report, "trackers_dropped": dropped})


def train_folds(
    job: Job,
    folds: pd.DataFrame,
    hook: Any,
    watch: Watch | None = None,
    numbers: Sequence[int] | None = None,
) -> bool:
    """Train the folds that are not done yet, in order.

    Args:
        folds: `id, parent, group, fold`, as `assign_folds` cuts them.
        hook: receives the tracker events.
        watch: sees every score and may stop the training.
        numbers: the folds to train; without them, all.

    Returns whether every fold came to its end.
    """
    meta, copies = predictions_meta(job, folds), _copies(job)
    job.stages.enter("train")
    for fold in range(job.plan.split.folds) if numbers is None else numbers:
        done = job.folder.fold(fold).done
        if done.is_file():
            job.folder.fold(fold).state.unlink(missing_ok=True)
        elif not train_fold(_fold_job(job, folds, fold, meta, copies), job.notify, hook, watch):
            return False
        if watch is not None and not watch.fold(fold, json.loads(done.read_text("utf-8"))):
            return False
    return True


def predictions_meta(job: Job, folds: pd.DataFrame) -> PredictionsMeta:
    """What the predictions of a job say of themselves."""
    classes, monitor = job.data.table.classes, job.plan.validate.monitor
    return PredictionsMeta(classes, monitor, fold_hash(folds), job.plan_hash)


def _trackers(job: Job) -> tuple[Trackers, list[dict[str, str]]]:
    """The recipe's tracker, and those that this start of the run, or an earlier one, dropped."""
    dropped: list[dict[str, str]] = []
    file = job.folder.trackers_dropped
    if file.is_file():
        dropped += json.loads(file.read_text(encoding="utf-8"))

    def drop(failed: Dropped) -> None:
        dropped.append(asdict(failed))
        write_json(file, dropped)
        job.notify(Event("message", f"{failed}; the run goes on"))

    track = job.plan.choices.get(("track",))
    makers = {} if track is None else {track.use: partial(track.build, job.info)}
    return Trackers(makers, drop, guard=same_random_numbers), dropped


def _record(job: Job) -> None:
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
        write_text(folder.set_aside, csv_text(rows))
    origins = {".".join(keys): str(origin) for keys, origin in job.plan.origins.items()}
    plan = {"hash": job.plan_hash, "recipe": job.plan.values, "origins": origins}
    write_json(folder.plan, plan)


def _folds(job: Job) -> pd.DataFrame:
    """Cut the folds, and hold them against those that the run began with."""
    table, file = job.data.table, job.folder.folds
    folds = assign_folds(table, job.plan.split.folds, job.plan.seed)
    if file.is_file():
        saved = pd.read_csv(file, dtype={"id": str}, keep_default_na=False)
        if fold_hash(saved) != fold_hash(folds):
            raise RunError(
                f"{file}: the run began with other folds than these versions cut; go back to the "
                f"versions of {job.folder.manifest}, or remove {job.folder.path}"
            )
    write_text(file, csv_text(folds))
    return folds


def _copies(job: Job) -> Copies | None:
    """The offline copies of the training originals, where the recipe asks for them."""
    offline, plan, data = job.plan.offline, job.plan, job.data
    if offline is None:
        return None
    job.stages.enter("offline")
    train, choice = data.table.train, plan.choice("augment", "offline")
    originals = np.flatnonzero((train["parent"] == train["id"]).to_numpy())
    return draw_copies(
        data.pack,
        data.train_rows,
        originals,
        choice.build,
        {"use": choice.use, "version": choice.entry.version, **choice.options},
        offline.copies,
        plan.image,
        plan.seed,
        data.pack.cache,
        job.notify,
    )


def _fold_job(
    job: Job, folds: pd.DataFrame, fold: int, meta: PredictionsMeta, copies: Copies | None
) -> FoldJob:
    data, table = job.data, job.data.table
    train, validation = split_rows(table, folds, fold)
    training = _rows(data, train)
    pack: Pack | Joined = data.pack
    if copies is not None:
        training, pack = with_copies(training, copies, train, data.pack)
    test = None
    if table.test is not None and data.test_rows is not None:
        order = np.argsort(table.test["id"].to_numpy(), kind="stable")
        ids = table.test["id"].to_numpy()[order].tolist()
        test = Rows(ids, ids, np.full(len(ids), -1), data.test_rows[order])
    return FoldJob(
        job.plan,
        fold,
        _facts(job.plan, table, training.labels),
        pack,
        training,
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


def _finish(
    job: Job, meta: PredictionsMeta, warnings: list[str], dropped: list[dict[str, str]]
) -> dict[str, Any]:
    """Join the folds, write the submission, the page, and the report last of all."""
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
        trackers_dropped=list(dropped),
        warnings=warnings,
        seconds=job.stages.leave(),
    )
    write_json(folder.mistakes, find_mistakes(oof, job.data, plan.image))
    draw_page(folder, report)
    write_json(folder.report, report)
    return report


class Stages:
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
