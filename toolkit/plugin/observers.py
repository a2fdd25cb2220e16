"""Tells trackers what happens in a run. They observe: their faults are theirs alone."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from toolkit.contracts import RunInfo, TrialInfo
from toolkit.errors import PluginError, cause
from toolkit.plugin.blame import Blamed, Registered, whose
from toolkit.plugin.hook_check import checked_hooks
from toolkit.plugin.hooks import TrackerSpec


@dataclass(frozen=True)
class Dropped:
    """A tracker that failed, and is told nothing more."""

    tracker: str
    hook: str
    reason: str

    def __str__(self) -> str:
        return f"tracker {self.tracker} is dropped: {self.hook} failed with {self.reason}"


class Trackers:
    """The trackers of a run. A method a hook: each tells every tracker that is left.

    A tracker that cannot be built, has a misspelt hook, or fails in `toolkit_run_start` stops the
    run before it trains. One that fails later is dropped: `on_drop` hears of it, once, and the run
    goes on. An interruption (Ctrl-C) passes.
    """

    def __init__(
        self,
        makers: Mapping[str, Callable[[], object]],
        on_drop: Callable[[Dropped], None],
        *,
        guard: Callable[[], AbstractContextManager[object]] = nullcontext,
        entries: Mapping[str, Registered] | None = None,
    ) -> None:
        """Build the trackers.

        Args:
            makers: what builds each tracker, by the name that a recipe uses.
            on_drop: told of a tracker that fails.
            guard: held around every call; restores what a tracker must not change.
            entries: what was registered, by the same names; says whose a faulty tracker is.

        Raises `PluginError` that names the tracker.
        """
        self.on_drop, self.guard, self.entries = on_drop, guard, entries or {}
        self._hooks = {
            name: _built(name, make, guard, self.entries.get(name)) for name, make in makers.items()
        }

    def toolkit_run_start(self, run: RunInfo) -> None:
        """Raises `PluginError` where a tracker fails; those before it hear of the end."""
        hooks, self._hooks = self._hooks, {}
        for name, hook in hooks.items():
            try:
                with self.guard():
                    hook.toolkit_run_start(run=copy.deepcopy(run))
            # A tracker may raise anything at all, or exit.
            except (Exception, SystemExit) as error:
                raise PluginError(
                    f"tracker {name}: toolkit_run_start failed, and the run was not started: "
                    f"{cause(error)}{whose(self.entries.get(name), error)}"
                ) from error
            self._hooks[name] = hook

    def toolkit_fold_start(self, run: RunInfo, fold: int) -> None:
        self._tell("toolkit_fold_start", run=run, fold=fold)

    def toolkit_epoch_end(
        self, run: RunInfo, fold: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        self._tell("toolkit_epoch_end", run=run, fold=fold, epoch=epoch, metrics=metrics)

    def toolkit_fold_end(self, run: RunInfo, fold: int, scores: Mapping[str, float]) -> None:
        self._tell("toolkit_fold_end", run=run, fold=fold, scores=scores)

    def toolkit_run_end(self, run: RunInfo, report: Mapping[str, Any]) -> None:
        self._tell("toolkit_run_end", run=run, report=report)

    def toolkit_run_error(self, run: RunInfo, error: BaseException) -> None:
        self._tell("toolkit_run_error", run=run, error=error)

    def toolkit_trial_end(self, study: RunInfo, trial: TrialInfo) -> None:
        self._tell("toolkit_trial_end", study=study, trial=trial)

    def _tell(self, name: str, **values: Any) -> None:
        for tracker, hooks in list(self._hooks.items()):
            # Each gets its own copy: what one scribbles on is no row of history.csv.
            given = {key: v if key == "error" else copy.deepcopy(v) for key, v in values.items()}
            try:
                with self.guard():
                    getattr(hooks, name)(**given)
            except (Exception, SystemExit) as error:  # noqa: BLE001
                del self._hooks[tracker]
                place = whose(self.entries.get(tracker), error)
                self.on_drop(Dropped(tracker, name, f"{cause(error)}{place}"))


def tracker_hooks(name: str, tracker: object) -> Any:
    """The hooks of one tracker, without a net: what it raises goes through.

    Raises `PluginError` that names it where a hook is misspelt, not marked, or takes an argument
    that it does not have.
    """
    try:
        return checked_hooks(TrackerSpec, tracker)
    except PluginError as error:
        raise PluginError(f"tracker {name}: {error}") from error


def _built(
    name: str,
    make: Callable[[], object],
    guard: Callable[[], AbstractContextManager[object]],
    entry: Registered | None,
) -> Any:
    try:
        with guard():
            tracker = make()
    except Blamed:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"tracker {name}: it cannot be built: {cause(error)}") from error
    try:
        return tracker_hooks(name, tracker)
    except PluginError as error:
        raise PluginError(f"{error}{whose(entry)}") from error
