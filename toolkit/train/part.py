"""A part of a run: one fold of it, or its end, for a scheduler that starts many processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit.contracts import Event
from toolkit.errors import RunError, UserError
from toolkit.runs.lock import at_work_in, held
from toolkit.runs.log import log_error
from toolkit.train.crew import crew_of
from toolkit.train.folds import Job
from toolkit.train.record import record, settle_folds

STARTING_SECONDS = 30.0
"""What a start may wait for others that write the same facts into a run's folder."""


@dataclass(frozen=True)
class Part:
    """What of a run is asked for."""

    fold: int | None = None
    """This fold alone, counted from 0 as `folds/0` is."""
    join: bool = False
    """The end alone: every fold is trained already."""

    def check(self, folds: int) -> None:
        """Raises `UserError` where a run of so many folds has no such part."""
        if self.fold is not None and self.join:
            raise UserError("--fold trains one fold, --join ends the run: give one of them")
        if self.fold is not None and not 0 <= self.fold < folds:
            raise UserError(f"--fold {self.fold}: the folds are 0 to {folds - 1} (split.folds)")


WHOLE = Part()


def untrained(job: Job) -> list[int]:
    """The folds of a run that are not done."""
    numbers = range(job.plan.folds)
    return [number for number in numbers if not job.folder.fold(number).done.is_file()]


def require_trained(job: Job) -> None:
    """Raises `RunError` where a fold is not done."""
    missing = untrained(job)
    if missing:
        which = ", ".join(map(str, missing))
        raise RunError(
            f"{job.folder.path}: fold{'s' * (len(missing) > 1)} {which} of {job.plan.folds} "
            f"{'are' if len(missing) > 1 else 'is'} missing; train "
            f"{'each' if len(missing) > 1 else 'it'} with --fold {missing[0]}, or all in one "
            "process without --join"
        )


def train_alone(job: Job, fold: int, hook: Any) -> None:
    """Train one fold, in company of other processes that train others of the same run.

    Args:
        hook: the trackers.
    """
    try:
        hook.toolkit_run_start(run=job.info)
        with crew_of(job, hook, [fold]) as crew:
            with held(job.folder, wait=STARTING_SECONDS):  # others start at the same moment
                record(job, crew.threads)
                folds = settle_folds(job)
            with at_work_in(job.folder):
                crew.train(folds)
    except BaseException as error:
        log_error(job.folder.log, error)
        hook.toolkit_run_error(run=job.info, error=error)
        raise
    job.stages.leave()
    missing = ", ".join(map(str, untrained(job)))
    rest = f"missing: {missing}" if missing else "no fold is missing: --join ends the run"
    job.notify(Event("message", f"{job.folder.path}: fold {fold} is done; {rest}"))
