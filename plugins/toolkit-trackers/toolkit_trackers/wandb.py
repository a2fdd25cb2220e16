"""Weights & Biases (docs.wandb.ai)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from toolkit import hookimpl
from toolkit.contracts import RunInfo, TrialInfo

from toolkit_trackers.backend import backend
from toolkit_trackers.values import curves, failure, numbers, run_scores


class WandB:
    """A W&B run in `<run folder>/tracking/wandb`; with `mode = "online"` it is uploaded as it
    goes. Each trial of a study is a W&B run of its own."""

    def __init__(
        self,
        run: RunInfo,
        /,
        *,
        project: Annotated[str, Field(min_length=1, description="W&B project")] = "toolkit",
        entity: Annotated[
            str | None, Field(description="W&B user or team; none is your default one")
        ] = None,
        group: Annotated[
            str | None, Field(description="W&B group; none is the study's name, for its trials")
        ] = None,
        mode: Annotated[
            Literal["offline", "online"],
            Field(description="offline writes files, which `wandb sync` uploads later"),
        ] = "offline",
    ) -> None:
        if mode == "offline":
            # Offline means offline: its error reports would go to the network.
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        self._wandb = backend("wandb", extra="wandb")
        self._where = {"project": project, "entity": entity, "mode": mode}
        self._group = group
        self._run: Any = None

    @hookimpl
    def toolkit_run_start(self, run: RunInfo) -> None:
        known = _known_id(_folder(run))
        self._run = self._open(
            run,
            name=Path(run.folder).name,
            group=self._group,
            id=known,
            resume=None if known is None else "allow",
            # Nested: W&B joins the names with dots itself, and shows `loss.alpha`.
            config={**run.recipe, "plan": run.plan},
        )
        self._run.define_metric("epoch", hidden=True)
        self._run.define_metric("*", step_metric="epoch")

    @hookimpl
    def toolkit_epoch_end(self, fold: int, epoch: int, metrics: Mapping[str, float]) -> None:
        self._run.log({**curves(metrics, f"fold{fold}/"), "epoch": epoch})

    @hookimpl
    def toolkit_fold_end(self, fold: int, scores: Mapping[str, float]) -> None:
        self._run.summary.update(numbers(scores, f"fold{fold}/oof/"))

    @hookimpl
    def toolkit_run_end(self, report: Mapping[str, Any]) -> None:
        self._run.summary.update(run_scores(report))
        self._run.finish(exit_code=0)

    @hookimpl
    def toolkit_run_error(self, error: BaseException) -> None:
        self._run.summary["error"] = failure(error)
        self._run.finish(exit_code=1)

    @hookimpl
    def toolkit_trial_end(self, study: RunInfo, trial: TrialInfo) -> None:
        name = Path(study.folder).name
        run = self._open(
            study,
            name=f"{name}-trial{trial.number}",
            group=self._group or name,
            job_type="trial",
            config=dict(trial.params),
        )
        for step, value in trial.intermediate.items():
            run.log({"value": value}, step=step)
        run.summary["state"] = trial.state
        if trial.reason:
            run.summary["reason"] = trial.reason
        if trial.value is not None:
            run.summary["value"] = trial.value
        run.finish(exit_code=int(trial.state == "failed"))

    def _open(self, run: RunInfo, **settings: Any) -> Any:
        folder = _folder(run)
        folder.mkdir(parents=True, exist_ok=True)  # W&B would take a temporary folder otherwise
        return self._wandb.init(
            **self._where,
            **settings,
            dir=folder,
            allow_val_change=True,  # a resumed run may have moved its data
            reinit="create_new",
            settings=self._wandb.Settings(silent=True, console="off"),
        )


def _folder(run: RunInfo) -> Path:
    return Path(run.folder) / "tracking"


def _known_id(folder: Path) -> str | None:
    """The ID of the W&B run that an earlier start began: its folder is `...run-<time>-<ID>`."""
    earlier = sorted((folder / "wandb").glob("*run-*-*"))
    return earlier[0].name.rpartition("-")[2] if earlier else None
