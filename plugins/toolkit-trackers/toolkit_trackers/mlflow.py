"""MLflow (mlflow.org)."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from toolkit import hookimpl
from toolkit.contracts import RunInfo, TrialInfo

from toolkit_trackers.backend import backend
from toolkit_trackers.values import curves, failure, flat, numbers, run_scores

STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
"""MLflow's word for the state of a trial."""


class MLflow:
    """An MLflow run in the store `<run folder>/tracking/mlflow.db`, or on a server. Each trial of
    a study is an MLflow run of its own."""

    def __init__(
        self,
        run: RunInfo,
        /,
        *,
        experiment: Annotated[
            str, Field(min_length=1, description="MLflow experiment, made where there is none")
        ] = "toolkit",
        tracking_uri: Annotated[
            str | None,
            Field(description="a server or a store; none is an SQLite file in the run folder"),
        ] = None,
    ) -> None:
        # Its usage statistics would go to the network.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        self._mlflow = backend("mlflow", extra="mlflow")
        self._folder = Path(run.folder) / "tracking"
        self._own_store = tracking_uri is None
        if tracking_uri is None:
            for module in ("sqlalchemy", "alembic"):  # mlflow-skinny does without them
                backend(module, extra="mlflow")
            tracking_uri = f"sqlite:///{(self._folder / 'mlflow.db').as_posix()}"
        self._uri, self._experiment = tracking_uri, experiment
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # no lines on making tables
        self._client: Any = None
        self._run_id = ""

    @hookimpl
    def toolkit_run_start(self, run: RunInfo) -> None:
        """Begin an MLflow run, or go on with the one of an earlier start.

        A parameter of MLflow never changes, so the recipe is logged once.
        """
        self._connect()
        file = self._folder / "mlflow_runs.json"
        known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        if self._uri in known:
            self._run_id = known[self._uri]
            self._client.update_run(self._run_id, status="RUNNING")
            return
        tags = {"toolkit.recipe": run.name, "toolkit.plan": run.plan}
        self._run_id = self._begin(Path(run.folder).name, flat(run.recipe), tags)
        file.write_text(json.dumps({**known, self._uri: self._run_id}), encoding="utf-8")

    @hookimpl
    def toolkit_epoch_end(self, fold: int, epoch: int, metrics: Mapping[str, float]) -> None:
        self._log(self._run_id, curves(metrics, f"fold{fold}/"), epoch)

    @hookimpl
    def toolkit_fold_end(self, fold: int, scores: Mapping[str, float]) -> None:
        self._log(self._run_id, numbers(scores, f"fold{fold}/oof/"))

    @hookimpl
    def toolkit_run_end(self, report: Mapping[str, Any]) -> None:
        self._log(self._run_id, run_scores(report))
        self._client.set_terminated(self._run_id, "FINISHED")

    @hookimpl
    def toolkit_run_error(self, error: BaseException) -> None:
        self._client.set_tag(self._run_id, "toolkit.error", failure(error))
        self._client.set_terminated(self._run_id, "FAILED")

    @hookimpl
    def toolkit_trial_end(self, study: RunInfo, trial: TrialInfo) -> None:
        self._connect()
        name = Path(study.folder).name
        tags = {"toolkit.study": name, "toolkit.state": trial.state}
        if trial.reason:
            tags["toolkit.reason"] = trial.reason
        run_id = self._begin(f"{name}-trial{trial.number}", trial.params, tags)
        for step, value in trial.intermediate.items():
            self._log(run_id, {"intermediate": value}, step)
        if trial.value is not None:
            self._log(run_id, {"value": trial.value})
        self._client.set_terminated(run_id, STATUS[trial.state])

    def _connect(self) -> None:
        if self._client is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._client = self._mlflow.MlflowClient(tracking_uri=self._uri)

    def _begin(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """A new MLflow run; returns its ID."""
        created = self._client.create_run(self._experiment_id(), run_name=name, tags=dict(tags))
        run_id = str(created.info.run_id)
        param = self._mlflow.entities.Param
        rows = [param(_name(key), str(value)) for key, value in params.items()]
        self._client.log_batch(run_id, params=rows)
        return run_id

    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment)
        if found is not None:
            return str(found.experiment_id)
        # A store's default for artifacts is a folder in the working directory.
        beside = (self._folder / "mlflow_artifacts").resolve().as_uri()
        place = beside if self._own_store else None
        return str(self._client.create_experiment(self._experiment, artifact_location=place))

    def _log(self, run_id: str, values: Mapping[str, float], step: int = 0) -> None:
        now = int(time.time() * 1000)  # milliseconds
        metric = self._mlflow.entities.Metric
        metrics = [metric(_name(name), value, now, step) for name, value in values.items()]
        self._client.log_batch(run_id, metrics=metrics)


def _name(text: str) -> str:
    """A name that MLflow takes: letters, digits, space, and `_ - . : /`."""
    return re.sub(r"[^\w\-. :/]", "_", text)
