"""`toolkit run`, readable top to bottom."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.contracts import Event, Notify, Table, ignore
from toolkit.data.cache import cache_folder
from toolkit.data.check import check_data
from toolkit.data.duplicates import duplicates_of
from toolkit.data.folds import assign_folds, fold_hash, fold_warnings
from toolkit.data.smoke import handful
from toolkit.data.table import table_of
from toolkit.ensemble.join import check_ensembler, join_oof, join_test
from toolkit.ensemble.submission import lint, write_submission
from toolkit.errors import RunError
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
from toolkit.runs.atomic import csv_text, not_finite, write_json, write_text
from toolkit.runs.children import refuse_while_a_script_is_run_again
from toolkit.runs.faults import faults
from toolkit.runs.folder import RunFolder, find_run, new_run
from toolkit.runs.lock import held
from toolkit.runs.log import Stages, log_error, logging_to
from toolkit.runs.machine import machine_faults
from toolkit.runs.manifest import changes_since, differences, manifest
from toolkit.runs.opened import MANIFEST_KEYS, Run
from toolkit.runs.reading import DamagedFile, read_csv, read_json
from toolkit.train.components import check_components
from toolkit.train.folds import Job, mend_folds, predictions_meta, train_folds
from toolkit.train.job import facts_of
from toolkit.train.pace import watching_pace
from toolkit.train.state import same_random_numbers
from toolkit.train.waiting import waiting


@machine_faults()
def run(
    recipe: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    runs: str | Path = "runs",
    again: bool = False,
    skip_bad: bool = False,
    verify: bool = False,
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
        verify: read every image's content anew, also where its file looks unchanged.
        notify: told of every step.

    Raises `RecipeError`, `DataError` and other `UserError`s with everything that is to mend;
    `MachineError` where the machine refuses (disk, rights, memory).
    """
    host = host or load_host()
    plan = make_plan(load_recipe(recipe, overrides, host), host)
    return run_plan(
        plan, runs=Path(runs), again=again, skip_bad=skip_bad, verify=verify, notify=notify
    )


@machine_faults()
def run_plan(
    plan: Plan,
    *,
    runs: Path,
    again: bool = False,
    skip_bad: bool = False,
    verify: bool = False,
    notify: Notify = ignore,
) -> Run:
    """Carry out a plan. One that was begun goes on where it stopped; one that is finished is
    opened, unless `again` asks for a new run."""
    refuse_while_a_script_is_run_again()
    stages = Stages(notify)
    for line in (*plan.notes, *changes_since(Path(plan.path), plan.components)):
        notify(Event("message", line))
    table = table_of(plan.choice("data"), notify)
    _check(plan, table, notify)
    stages.enter("decode")
    data = check_data(
        table,
        plan.split.folds,
        plan.image,
        cache_folder(),
        notify,
        skip_bad=skip_bad,
        verify=verify,
        conflicts=plan.split.conflicts,
    )
    plan_hash = plan.hash(data.fingerprint)
    folder = find_run(runs, plan_hash)
    if folder is None or (folder.finished and again):
        folder = new_run(runs, plan.name, plan_hash, date.today())
    tell = watching_pace(logging_to(folder, notify))
    job = Job(plan, plan_hash, data, folder, stages, tell)
    if not (folder.finished and _is_whole(job)):
        with held(folder):
            _carry_out(job)
    else:
        notify(Event("message", f"{folder.path} is this plan, finished; --again runs it anew"))
        _follow_the_sample(folder, data.table)
    return Run(folder.path)


def _check(plan: Plan, table: Table, notify: Notify) -> None:
    """Build and try what the recipe chose, before any work."""
    check_components(plan, table, notify)
    if table.test is not None and not table.problems and len(table.train):
        facts = facts_of(plan, table, table.train["label"].to_numpy())
        check_ensembler(plan.choice("ensemble"), facts, plan.split.folds)


def _is_whole(job: Job) -> bool:
    """Whether a finished run is all there, or could be made so without training."""
    try:
        lost = faults(job.folder)
    except RunError as damage:  # of the report itself
        job.notify(Event("message", str(damage)))
        return False
    if any(not_finite(Run(job.folder.path).report)):  # as earlier versions finished some runs
        text = f"{job.folder.report}: holds what is no number; the run is carried on from its folds"
        job.notify(Event("message", text))
        return False
    if not lost:
        return True
    with held(job.folder):
        return _mended(job, lost)


def _mended(job: Job, lost: list[DamagedFile]) -> bool:
    """Make again what a finished run lost, from what is there. Returns whether that can be."""
    folder, table, report = job.folder, job.data.table, Run(job.folder.path).report
    for fault in lost:
        job.notify(Event("message", f"{fault.file}: {fault.fault}"))
    broken = {fault.file for fault in lost}
    _record(job)
    folds = _folds(job)
    meta = predictions_meta(job, folds)
    joined = None if folder.oof in broken else read_predictions(folder.oof, folder.way_out)[0]
    known = [{k: v for k, v in row.items() if k != "fold"} for row in report["scores"]["folds"]]
    left = mend_folds(job, folds, known, joined)
    each = [folder.fold(fold) for fold in range(len(known))]
    wanted = {fold.oof for fold in each} if folder.oof in broken else set()
    wanted |= {fold.test for fold in each} if folder.test in broken else set()
    if any(fault.file in wanted for fault in left):
        return False
    for fault in left:
        job.notify(
            Event(
                "message",
                f"{fault}; it cannot be made again, and nothing else of the run needs it; to train "
                f"that fold anew, remove {fault.file.parent} and {folder.report}",
            )
        )
    if folder.oof in broken:
        write_predictions(folder.oof, join_oof([fold.oof for fold in each], table, meta), meta)
    if folder.test in broken:
        write_predictions(folder.test, _joined_test(job, meta), meta)
    _follow_the_sample(folder, table)
    if folder.mistakes in broken:
        oof, _ = read_predictions(folder.oof)
        write_json(folder.mistakes, find_mistakes(oof, job.data, job.plan.image))
    draw_page(folder)
    return True


def _follow_the_sample(folder: RunFolder, table: Table) -> None:
    """A sample submission whose order or header changed changes no prediction, only the file; one
    that is gone is written again."""
    if table.test is not None and lint(folder.submission, table):
        rows, _ = read_predictions(folder.test, f"remove it, and {folder.way_out}")
        write_submission(folder.submission, as_predictions(rows, table.classes), table)


@machine_faults()
def smoke_plan(plan: Plan, *, skip_bad: bool = False, notify: Notify = ignore) -> dict[str, Any]:
    """Pass every stage of a plan on a handful of images, one training step a fold.

    The plan is made with `SMOKE_OVERRIDES`. Everything it writes goes to a folder that is
    thrown away, and no tracker is told. Returns the report.
    """
    stages = Stages(notify)
    table = handful(table_of(plan.choice("data"), notify), plan.split.folds)
    _check(plan, table, notify)
    with tempfile.TemporaryDirectory(
        prefix="toolkit-smoke-", ignore_cleanup_errors=True
    ) as scratch:
        stages.enter("decode")
        cache = Path(scratch) / "cache"
        data = check_data(
            table,
            plan.split.folds,
            plan.image,
            cache,
            notify,
            skip_bad=skip_bad,
            conflicts=plan.split.conflicts,
        )
        plan_hash = plan.hash(data.fingerprint)
        folder = new_run(Path(scratch) / "runs", plan.name, plan_hash, date.today())
        _carry_out(Job(plan, plan_hash, data, folder, stages, notify, steps=1), tracked=False)
        return Run(folder.path).report


def _carry_out(job: Job, *, tracked: bool = True) -> None:
    """Everything behind the checks, with the trackers told how it goes."""
    chosen = waiting()
    if chosen is not None:
        job.notify(Event("message", chosen))
    hook, dropped = _trackers(job, tracked=tracked)
    try:
        hook.toolkit_run_start(run=job.info)
        _record(job)
        folds = _folds(job)
        warnings = [
            *duplicates_of(job.data.table).warnings(),
            *fold_warnings(job.data.table, folds),
        ]
        for warning in warnings:
            job.notify(Event("message", f"warning: {warning}"))
        warnings = [*job.data.warnings, *warnings]  # those were told when they were found
        train_folds(job, folds, hook)
        job.stages.enter("join")
        report = _finish(job, predictions_meta(job, folds), warnings, dropped)
    except BaseException as error:
        log_error(job.folder.log, error)
        hook.toolkit_run_error(run=job.info, error=error)
        raise
    hook.toolkit_run_end(run=job.info, report=report)
    if len(dropped) != len(report["trackers_dropped"]):  # one failed at the very end
        report = {**report, "trackers_dropped": dropped}
        draw_page(job.folder, report)
        write_json(job.folder.report, report)


def _trackers(job: Job, *, tracked: bool) -> tuple[Trackers, list[dict[str, str]]]:
    """The recipe's tracker, and those that this start of the run, or an earlier one, dropped."""
    dropped: list[dict[str, str]] = []
    file = job.folder.trackers_dropped
    if file.is_file():
        try:
            dropped += read_json(file, kind=list)
        except DamagedFile as damage:
            job.notify(Event("message", f"{damage}; which trackers it named is not known"))

    def drop(failed: Dropped) -> None:
        dropped.append(asdict(failed))
        write_json(file, dropped)
        job.notify(Event("message", f"{failed}; the run goes on"))

    track = job.plan.choices.get(("track",))
    makers = {track.use: partial(track.build, job.info)} if tracked and track else {}
    return Trackers(makers, drop, guard=same_random_numbers), dropped


def _record(job: Job) -> None:
    """Write what is run and on what; say so where a resumed run meets another machine."""
    folder = job.folder
    found = manifest(job.plan_hash, job.data.fingerprint, job.plan.components)
    if folder.manifest.is_file():
        try:
            changes = differences(read_json(folder.manifest, keys=MANIFEST_KEYS), found)
        except DamagedFile as damage:
            changes = [f"{damage}; it is written again, and the versions before are not known"]
            write_json(folder.manifest, found)
        for line in changes:
            job.notify(Event("message", f"resuming, numbers may differ: {line}"))
    else:
        write_json(folder.manifest, found)
    folder.log.touch()
    write_text(folder.recipe, recipe_text(job.plan))
    if job.data.set_aside:
        rows = pd.DataFrame(job.data.set_aside, columns=["id", "reason"])
        write_text(folder.set_aside, csv_text(rows))
    origins = {".".join(keys): str(origin) for keys, origin in job.plan.origins.items()}
    plan = {"hash": job.plan_hash, "recipe": job.plan.values, "origins": origins}
    write_json(folder.plan, plan)


def _folds(job: Job) -> pd.DataFrame:
    """Cut the folds, and hold them against those that the run began with.

    Predictions carry the folds' hash, so that damage here lets no other folds in.
    """
    table, file = job.data.table, job.folder.folds
    folds = assign_folds(table, job.plan.split.folds, job.plan.seed)
    if file.is_file():
        try:
            saved = read_csv(file, {"id": str, "fold": int})
        except DamagedFile as damage:
            job.notify(Event("message", f"{damage}; cut and written again"))
            saved = folds
        if list(saved["id"]) != list(folds["id"]):  # the plan's hash covers the IDs
            job.notify(Event("message", f"{file}: is damaged, rows are missing; written again"))
        elif fold_hash(saved) != fold_hash(folds):
            raise RunError(
                f"{file}: the run began with other folds than these versions cut; go back to the "
                f"versions of {job.folder.manifest}, or remove {job.folder.path}"
            )
    labels = table.train.set_index("id")["label"].loc[folds["id"]].to_numpy()
    write_text(file, csv_text(folds.assign(label=labels)))
    return folds


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
        test = _joined_test(job, meta)
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


def _joined_test(job: Job, meta: PredictionsMeta) -> pd.DataFrame:
    """The test rows of all folds, joined by the recipe's ensembler."""
    plan, table = job.plan, job.data.table
    choice = plan.choice("ensemble")
    ensembler = choice.build(facts_of(plan, table, table.train["label"].to_numpy()))
    files = [job.folder.fold(fold).test for fold in range(plan.split.folds)]
    return join_test(files, ensembler, meta, choice)
