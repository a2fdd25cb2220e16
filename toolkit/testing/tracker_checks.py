"""What a tracker must hold: it observes a run, and changes nothing."""

from __future__ import annotations

import copy
import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from toolkit.contracts import TrialInfo
from toolkit.errors import PluginError, cause
from toolkit.plugin.observers import tracker_hooks
from toolkit.runs.children import without_main
from toolkit.testing.subject import CheckFailed, NotApplicable, Subject, require, run_info

METRICS = {
    "epoch": 1,
    "lr": 1e-3,
    "train_loss": 1.25,
    "clean_f1": 0.5,
    "clean_accuracy": 0.625,
    "clean_log_loss": 1.125,
    "images": 64,
    "seconds": 1.5,
    "images_per_second": 42.7,
}
SCORES = {"clean_f1": 0.5, "clean_accuracy": 0.625, "clean_log_loss": 1.125}
REPORT = {
    "name": "conformance",
    "plan": "0123456789abcdef0123456789abcdef",
    "classes": ["email", "form"],
    "scores": {"oof": {"clean": {"macro_f1": 0.5, "accuracy": 0.625, "log_loss": 1.125}}},
    "folds": [],
    "seconds": {"train": 3.0},
}

Call = tuple[str, dict[str, Any]]


def hooks(subject: Subject) -> None:
    """Its hooks exist, take arguments that exist, and are marked with `@toolkit.hookimpl`."""
    with tempfile.TemporaryDirectory() as folder:
        tracker = subject.build(run_info(folder))
        try:
            tracker_hooks(subject.use, tracker)
        except PluginError as error:
            raise CheckFailed(f"{error}; docs/hooks.md lists the hooks") from error


def whole_run(subject: Subject) -> None:
    """It observes a run from start to end, the run's folder being all that it may write to."""
    with _observed(subject) as (tell, info):
        for call in _events(info):
            tell(call)


def resumed_run(subject: Subject) -> None:
    """A run that was killed starts again: a new tracker meets the files of the old one."""
    with tempfile.TemporaryDirectory() as folder:
        for count in (4, 7):
            with _observed(subject, folder) as (tell, info):
                for call in _events(info)[:count]:
                    tell(call)


def failed_run(subject: Subject) -> None:
    """It is told of an error, of an interruption too, also before any fold has started."""
    for error in (ValueError("out of luck"), KeyboardInterrupt()):
        for count in (1, 3):
            with _observed(subject) as (tell, info):
                for call in _events(info)[:count]:
                    tell(call)
                tell(("toolkit_run_error", {"run": info, "error": error}))


def trials(subject: Subject) -> None:
    """It is told of a study's trials: of complete ones, of those that have no score, and each with
    the values that it tried, which differ in number and kind."""
    with _observed(subject) as (tell, info):
        for trial in _trials(info.folder, 0):
            tell(("toolkit_trial_end", {"study": info, "trial": trial}))


def several_processes(subject: Subject) -> None:
    """Several processes share a study and its folder, and each tells its own trials."""
    with tempfile.TemporaryDirectory() as alone:
        if _tell_trials(subject, alone, 0) is not None:
            raise NotApplicable("it does not observe trials in one process; see trials")
    with tempfile.TemporaryDirectory() as folder:
        spawn = multiprocessing.get_context("spawn")  # as `toolkit tune` starts its own
        with without_main(), ProcessPoolExecutor(2, mp_context=spawn) as pool:
            told = [pool.submit(_tell_trials, subject, folder, first) for first in (0, 10)]
            faults = [future.result() for future in told]
    for fault in filter(None, faults):
        raise CheckFailed(
            f"toolkit_trial_end raises {fault} where two processes tell trials of one study; its "
            "folder is theirs together: open files to append, and name what is new by the trial"
        )


def _tell_trials(subject: Subject, folder: str, first: int) -> str | None:
    """In a process of its own: what a tracker raises, in a line."""
    info = run_info(folder)
    tracker = subject.build(info)
    try:
        hook = tracker_hooks(subject.use, tracker)
        for trial in _trials(folder, first):
            hook.toolkit_trial_end(study=info, trial=trial)
    # A hook may raise anything at all.
    except Exception as error:  # noqa: BLE001
        return cause(error)
    return None


def _trials(folder: str, first: int) -> tuple[TrialInfo, ...]:
    """Trials as a study with conditional entries has them."""
    plan, place = "89abcdef0123456789abcdef01234567", str(Path(folder) / "trials" / "89abcdef0123")
    lr = {"optimizer.lr": 3e-4}
    focal = {**lr, "loss.use": "focal", "loss.gamma": 2.0}
    views = {**lr, "loss.use": "cross_entropy", "augment.tta.views": ["identity", "hflip"]}
    cut = {"train.channels_last": True, "train.batch_size": 16, "loss.alpha[0]": 0.5}
    return (
        TrialInfo(first, "complete", focal, 0.5, {1: 0.25, 2: 0.5}, plan, place),
        TrialInfo(first + 1, "pruned", views, None, {1: 0.25}, plan, place, "below the others"),
        TrialInfo(first + 2, "failed", cut, None, {}, plan, place, "RuntimeError: out of luck"),
        TrialInfo(first + 3, "failed", {}, None, reason="its process was killed by SIGKILL"),
    )


def values_unmodified(subject: Subject) -> None:
    """Metrics, scores, report and recipe are left as they were."""
    with _observed(subject) as (tell, info):
        for name, values in _events(info):
            before = copy.deepcopy(values)
            try:
                tell((name, values))
            except CheckFailed as error:
                raise NotApplicable("it does not observe a whole run; see whole_run") from error
            require(
                values == before,
                f"{name}: changes what it is given; copy first: dict(metrics)",
            )


CHECKS = (hooks, whole_run, resumed_run, failed_run, trials, several_processes, values_unmodified)


@contextmanager
def _observed(subject: Subject, folder: str | None = None) -> Iterator[tuple[Any, Any]]:
    """Yields what tells the tracker an event, and the run that it observes."""
    with tempfile.TemporaryDirectory() as scratch:
        info = run_info(folder or scratch)
        tracker = subject.build(info)
        try:
            hook = tracker_hooks(subject.use, tracker)
        except PluginError as error:
            raise NotApplicable("its hooks are wrong; see hooks") from error

        def tell(call: Call) -> None:
            name, values = call
            try:
                getattr(hook, name)(**values)
            # A hook may raise anything at all.
            except Exception as error:
                raise CheckFailed(
                    f"{name} raises {cause(error)}, {_then(name)}; count on no earlier event "
                    "but toolkit_run_start"
                ) from error

        yield tell, info


def _then(name: str) -> str:
    """What the host does about a hook that raises."""
    if name == "toolkit_run_start":
        return "and the run would not start"
    return "and the host would tell it nothing more"


def _events(info: Any) -> list[Call]:
    """The events of a run of two folds with two epochs each, in order."""
    calls: list[Call] = [("toolkit_run_start", {"run": info})]
    for fold in range(2):
        calls.append(("toolkit_fold_start", {"run": info, "fold": fold}))
        for epoch in (1, 2):
            metrics = {**METRICS, "epoch": epoch}
            given = {"run": info, "fold": fold, "epoch": epoch, "metrics": metrics}
            calls.append(("toolkit_epoch_end", given))
        calls.append(("toolkit_fold_end", {"run": info, "fold": fold, "scores": dict(SCORES)}))
    calls.append(("toolkit_run_end", {"run": info, "report": copy.deepcopy(REPORT)}))
    return calls
