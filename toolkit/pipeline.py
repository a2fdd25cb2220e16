"""`toolkit run`, readable top to bottom."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.check.handed import Columns, Given, given
from toolkit.contracts import Event, Notify, ignore
from toolkit.data.assignment import fold_warnings
from toolkit.data.cache import cache_folder
from toolkit.data.duplicates import duplicates_of
from toolkit.data.rare import rare_warning
from toolkit.data.smoke import handful
from toolkit.data.table import Frames
from toolkit.ensemble.join import join_oof, joined_test
from toolkit.ensemble.opened import OpenedRun
from toolkit.ensemble.submission import write_submission
from toolkit.errors import DataError
from toolkit.model.generators import same_random_numbers
from toolkit.plugin.host import Host, load_host
from toolkit.plugin.observers import Dropped, Trackers
from toolkit.predict.files import (
    PredictionsMeta,
    all_twins,
    as_predictions,
    write_predictions,
)
from toolkit.prepare import prepare
from toolkit.recipe.lines import split_key
from toolkit.recipe.load import Recipe, load_recipe, with_section
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan
from toolkit.report.build import build_report
from toolkit.report.forecast import forecast_of
from toolkit.report.mend import follow_the_sample, is_whole
from toolkit.report.mistakes import find_mistakes
from toolkit.report.page import draw_page
from toolkit.runs.atomic import write_json
from toolkit.runs.children import refuse_while_a_script_is_run_again
from toolkit.runs.folder import find_run, new_run
from toolkit.runs.lock import held
from toolkit.runs.log import Stages, log_error, logging_to
from toolkit.runs.machine import machine_faults
from toolkit.runs.manifest import changes_since
from toolkit.runs.reading import DamagedFile, read_json
from toolkit.train.crew import crew_of
from toolkit.train.folds import Job, predictions_meta
from toolkit.train.pace import watching_pace
from toolkit.train.part import WHOLE, Part, require_trained, train_alone
from toolkit.train.record import begun_anew, record, settle_folds
from toolkit.train.waiting import waiting

if TYPE_CHECKING:
    import pandas as pd


@machine_faults()
def run(
    recipe: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    table: pd.DataFrame | str | Path | None = None,
    test: pd.DataFrame | None = None,
    root: str | Path | None = None,
    columns: Columns | None = None,
    runs: str | Path = "runs",
    again: bool = False,
    skip_bad: bool = False,
    verify: bool = False,
    notify: Notify = ignore,
    host: Host | None = None,
) -> OpenedRun:
    """Run a recipe: K-fold models, out-of-fold and test predictions, submission, report.

    Args:
        recipe: a TOML file, `toolkit:NAME`, or `<plugin>:NAME`.
        overrides: dotted keys and values laid over the recipe, `{"loss.alpha": 0.5}`.
        table: the data, instead of the recipe's `[data]`: a pandas table, a row an image, with its
            path and label, or the path of a folder or an archive, which is read as `toolkit init`
            reads it. What was chosen is told to `notify`, and stands in the run's recipe.
        test: a pandas table of the rows to predict.
        root: the folder that a table's paths start from; by default the working directory.
        columns: what a table's columns are, where that should not be found out:
            `{"path": "file", "label": "breed", "group": "dog"}`, and `id`, `parent`, `split`; a
            list of 0/1 columns is one label, and None says that there is none.
        runs: where run folders are.
        again: make a new run of a plan that is finished, and train what other runs have trained.
        skip_bad: set unreadable training images aside and go on.
        verify: read every image's content anew, also where its file looks unchanged.
        notify: told of every step.

    Raises `RecipeError`, `DataError` and other `UserError`s with everything that is to mend;
    `MachineError` where the machine refuses (disk, rights, memory).
    """
    host = host or load_host()
    asked = load_recipe(recipe, overrides, host)
    handed = _handed(asked, overrides, table, test, root, columns)
    if handed is not None:
        asked = with_section(asked, "data", handed.section, "toolkit.run(table=)")
        for line in handed.said:
            notify(Event("message", line))
    return run_plan(
        make_plan(asked, host),
        runs=Path(runs),
        again=again,
        skip_bad=skip_bad,
        verify=verify,
        notify=notify,
        frames=None if handed is None else handed.frames,
    )


def _handed(
    asked: Recipe,
    overrides: Mapping[str, Any] | None,
    table: object,
    test: pd.DataFrame | None,
    root: str | Path | None,
    columns: Columns | None,
) -> Given | None:
    """What `run` was handed in the place of `[data]`; None where that is the recipe's."""
    if table is None:
        if test is not None or root is not None or columns is not None:
            raise DataError("test, root and columns go with table, which was not given")
        return None
    laid = [key for key in overrides or {} if split_key(key)[0] == "data"]
    if laid:
        raise DataError(f"{laid[0]}: table takes the place of [data]; leave one of them out")
    known = asked.values.get("data", {})
    return given(table, test, root, columns or {}, known if isinstance(known, dict) else {})


@machine_faults()
@same_random_numbers()  # the generators of whoever calls go on as if nothing had been trained
def run_plan(
    plan: Plan,
    *,
    runs: Path,
    again: bool = False,
    skip_bad: bool = False,
    verify: bool = False,
    part: Part = WHOLE,
    notify: Notify = ignore,
    frames: Frames | None = None,
) -> OpenedRun:
    """Carry out a plan. One that was begun goes on where it stopped; one that is finished is
    opened, unless `again` asks for a new run. Of a part, the run is given as it then is.

    Args:
        frames: the rows of a source that takes them.
    """
    refuse_while_a_script_is_run_again()
    part.check(plan.folds)
    stages = Stages(notify)
    for line in (*plan.notes, *changes_since(Path(plan.path), plan.components)):
        notify(Event("message", line))
    cache = cache_folder()
    prepared = prepare(plan, cache, stages, skip_bad=skip_bad, verify=verify, frames=frames)
    plan_hash = prepared.plan_hash
    folder = find_run(runs, plan_hash)
    if folder is None or (folder.finished and again):
        folder = new_run(runs, plan.name, plan_hash, date.today())
    tell = watching_pace(logging_to(folder, notify))
    anew = again or begun_anew(folder)
    job = Job(plan, plan_hash, prepared.data, folder, stages, tell, anew=anew)
    if not (folder.finished and is_whole(job)):
        if part.fold is not None:
            train_alone(job, part.fold, _trackers(job, tracked=True)[0])
            return OpenedRun(folder.path)
        with held(folder):
            if part.join:
                require_trained(job)
            _carry_out(job)
    else:
        notify(Event("message", f"{folder.path} is this plan, finished; --again runs it anew"))
        follow_the_sample(plan, folder, prepared.data.table)
    return OpenedRun(folder.path)


@machine_faults()
def smoke_plan(plan: Plan, *, skip_bad: bool = False, notify: Notify = ignore) -> dict[str, Any]:
    """Pass every stage of a plan on a handful of images, one training step a fold.

    The plan is made with `SMOKE_OVERRIDES`. Everything it writes goes to a folder that is
    thrown away, and no tracker is told. Returns the report.
    """
    stages = Stages(notify)
    with tempfile.TemporaryDirectory(
        prefix="toolkit-smoke-", ignore_cleanup_errors=True
    ) as scratch:
        some, cache = partial(handful, folds=plan.folds), Path(scratch) / "cache"
        prepared = prepare(plan, cache, stages, skip_bad=skip_bad, some=some)
        plan_hash = prepared.plan_hash
        folder = new_run(Path(scratch) / "runs", plan.name, plan_hash, date.today())
        job = Job(plan, plan_hash, prepared.data, folder, stages, notify, steps=1)
        _carry_out(job, tracked=False)
        return OpenedRun(folder.path).report


def _carry_out(job: Job, *, tracked: bool = True) -> None:
    """Everything behind the checks, with the trackers told how it goes."""
    chosen = waiting()
    if chosen is not None:
        job.notify(Event("message", chosen))
    hook, dropped = _trackers(job, tracked=tracked)
    try:
        hook.toolkit_run_start(run=job.info)
        with crew_of(job, hook) as crew:
            record(job, crew.threads)
            folds = settle_folds(job)
            warnings = [
                *duplicates_of(job.data.table).warnings(),
                *fold_warnings(job.data.table, folds),
                *rare_warning(job.data.table, job.plan.folds),
            ]
            for warning in warnings:
                job.notify(Event("message", f"warning: {warning}"))
            warnings = [*job.data.warnings, *warnings]  # those were told when they were found
            crew.train(folds)
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
    entries = {track.use: track.entry} if track else {}
    return Trackers(makers, drop, guard=same_random_numbers, entries=entries), dropped


def _finish(
    job: Job, meta: PredictionsMeta, warnings: list[str], dropped: list[dict[str, str]]
) -> dict[str, Any]:
    """Join the folds, write the submission, the page, and the report last of all."""
    plan, folder, table = job.plan, job.folder, job.data.table
    numbers = range(plan.folds)
    oof = join_oof([folder.fold(fold).oof for fold in numbers], table, meta)
    write_predictions(folder.oof, oof, meta)
    submission, forecast = None, None
    if table.test is not None:
        test = joined_test(job, meta)
        write_predictions(folder.test, test, meta)
        joined = as_predictions(test, table.classes)
        submission = write_submission(folder.submission, joined, table, plan.submission.clip)
        forecast = forecast_of(folder, numbers, plan.validate.seed)
    report = build_report(
        job,
        as_predictions(oof, table.classes),
        twins=all_twins(oof, table.classes),
        submission=submission,
        forecast=forecast,
        trackers_dropped=list(dropped),
        warnings=warnings,
    )
    write_json(folder.mistakes, find_mistakes(oof, job.data, plan.image))
    draw_page(folder, report)
    write_json(folder.report, report)
    return report
