"""The hooks: how a package offers components, and how a tracker observes a run.

Every hook is declared here and nowhere else. An implementation may take fewer arguments than
the specification names, never other ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pluggy

from toolkit.plugin.api import PROJECT

if TYPE_CHECKING:
    from toolkit.contracts import RunInfo, TrialInfo
    from toolkit.plugin.registry import Register

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class RegisterSpec:
    """Fires once, when the plugin is loaded."""

    @hookspec
    def toolkit_register(self, register: Register) -> None:
        """Offer components: `register.loss("poly", "acme.losses:poly", help="...")`."""


class TrackerSpec:
    """Fire while a run goes on, in the process that trains. They observe; they change nothing."""

    @hookspec
    def toolkit_run_start(self, run: RunInfo) -> None:
        """The plan is made, the data is checked, nothing is trained yet (again at a resume)."""

    @hookspec
    def toolkit_fold_start(self, run: RunInfo, fold: int) -> None:
        """Fold `fold` starts or resumes training."""

    @hookspec
    def toolkit_epoch_end(
        self, run: RunInfo, fold: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        """An epoch was trained and validated; `metrics` is its row of `history.csv`."""

    @hookspec
    def toolkit_fold_end(self, run: RunInfo, fold: int, scores: Mapping[str, float]) -> None:
        """A fold's predictions are on disk; `scores` are of its validation images."""

    @hookspec
    def toolkit_run_end(self, run: RunInfo, report: Mapping[str, Any]) -> None:
        """Everything is on disk; `report` is what `report.json` holds."""

    @hookspec
    def toolkit_run_error(self, run: RunInfo, error: BaseException) -> None:
        """The run stops with `error` (an interruption too)."""

    @hookspec
    def toolkit_trial_end(self, study: RunInfo, trial: TrialInfo) -> None:
        """A trial of `toolkit tune` was completed, pruned, or failed; `study` is named like a run,
        and its recipe is the one that the study varies."""
