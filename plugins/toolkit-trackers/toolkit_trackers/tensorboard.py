"""TensorBoard (tensorflow.org/tensorboard)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from toolkit import hookimpl
from toolkit.contracts import RunInfo, TrialInfo

from toolkit_trackers.backend import backend
from toolkit_trackers.values import curves, failure, flat, numbers, run_scores


class TensorBoard:
    """Event files in `<run folder>/tracking/tensorboard`, a sub-folder a fold (or a trial), so
    that all folds of a metric lie in one chart."""

    def __init__(
        self,
        run: RunInfo,
        /,
        *,
        folder: Annotated[
            str | None, Field(description="a log folder of many runs; none is the run's own folder")
        ] = None,
    ) -> None:
        backend("tensorboard", extra="tensorboard")
        self._summary_writer = backend("torch.utils.tensorboard", extra="tensorboard").SummaryWriter
        own = Path(run.folder)
        self.folder = own / "tracking" / "tensorboard" if folder is None else Path(folder, own.name)
        self._writers: dict[str, Any] = {}

    @hookimpl
    def toolkit_run_start(self, run: RunInfo) -> None:
        recipe = {**flat(run.recipe), "plan": run.plan}
        rows = "".join(f"| {name} | `{value}` |\n" for name, value in recipe.items())
        self._tell("recipe", f"| key | value |\n|---|---|\n{rows}")

    @hookimpl
    def toolkit_epoch_end(self, fold: int, epoch: int, metrics: Mapping[str, float]) -> None:
        writer = self._writer(f"fold{fold}")
        for name, value in curves(metrics).items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    @hookimpl
    def toolkit_fold_end(self, fold: int, scores: Mapping[str, float]) -> None:
        writer = self._writer(f"fold{fold}")
        for name, value in numbers(scores, "oof/").items():
            writer.add_scalar(name, value)
        self._close(f"fold{fold}")

    @hookimpl
    def toolkit_run_end(self, run: RunInfo, report: Mapping[str, Any]) -> None:
        self._compare("", flat(run.recipe), run_scores(report))
        self._tell("status", "finished")
        self._close(*self._writers)

    @hookimpl
    def toolkit_run_error(self, error: BaseException) -> None:
        self._tell("status", f"failed: {failure(error)}")
        self._close(*self._writers)

    @hookimpl
    def toolkit_trial_end(self, trial: TrialInfo) -> None:
        name = f"trial{trial.number}"
        for step, value in trial.intermediate.items():
            self._writer(name).add_scalar("intermediate", value, step)
        found = {} if trial.value is None else {"value": trial.value}
        self._compare(name, {**trial.params, "state": trial.state}, found)
        self._close(name)

    def _compare(self, name: str, recipe: Mapping[str, Any], scores: Mapping[str, float]) -> None:
        """What was chosen beside how it scored: the HParams tab holds them side by side."""
        plain = bool | int | float | str
        chosen = {key: v if isinstance(v, plain) else str(v) for key, v in recipe.items()}
        self._writer(name).add_hparams(chosen, dict(scores), run_name=".")

    def _tell(self, tag: str, text: str) -> None:
        self._writer("").add_text(tag, text)
        self._writer("").flush()

    def _writer(self, name: str) -> Any:
        """The writer of a fold or a trial, or of the run as a whole (""), opened when needed."""
        if name not in self._writers:
            self._writers[name] = self._summary_writer(self.folder / name)
        return self._writers[name]

    def _close(self, *names: str) -> None:
        for name in names:
            self._writers.pop(name).close()
