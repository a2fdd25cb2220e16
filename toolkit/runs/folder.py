"""Where things are in a run folder, and which folder belongs to a plan."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from toolkit.errors import in_shell
from toolkit.recipe.names import safe_name
from toolkit.runs.reading import DamagedFile, read_json


@dataclass(frozen=True)
class FoldFolder:
    """The files of one fold."""

    path: Path

    @property
    def weights(self) -> Path:
        return self.path / "weights.safetensors"

    @property
    def preprocess(self) -> Path:
        return self.path / "preprocess.json"

    @property
    def history(self) -> Path:
        return self.path / "history.csv"

    @property
    def oof(self) -> Path:
        return self.path / "oof.parquet"

    @property
    def test(self) -> Path:
        return self.path / "test.parquet"

    @property
    def state(self) -> Path:
        """The loop's state, while the fold is in training."""
        return self.path / "state.safetensors"

    def best(self, epoch: int) -> Path:
        """Weights of an epoch, while the fold is in training. The state says which epoch is the
        best: weights and state cannot be of two minds, whenever the process is killed."""
        return self.path / f"best-{epoch}.safetensors"

    def forget_training(self) -> None:
        """Remove what only a fold in training needs: its state, then the best weights so far."""
        self.state.unlink(missing_ok=True)
        self.forget_best()

    def forget_best(self, *, but: int | None = None) -> None:
        """Remove the weights of every epoch but one."""
        for file in self.path.glob("best-*.safetensors"):
            if but is None or file != self.best(but):
                file.unlink(missing_ok=True)

    @property
    def done(self) -> Path:
        """Seconds and images per second; its presence says that the fold is finished."""
        return self.path / "done"


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.toml"

    @property
    def plan(self) -> Path:
        return self.path / "plan.json"

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def folds(self) -> Path:
        return self.path / "folds.csv"

    @property
    def set_aside(self) -> Path:
        return self.path / "set_aside.csv"

    @property
    def trackers_dropped(self) -> Path:
        """Trackers that failed, and were told no more; only there where one did."""
        return self.path / "trackers_dropped.json"

    @property
    def oof(self) -> Path:
        return self.path / "oof.parquet"

    @property
    def test(self) -> Path:
        return self.path / "test.parquet"

    @property
    def submission(self) -> Path:
        return self.path / "submission.csv"

    @property
    def mistakes(self) -> Path:
        """The most confident mistakes, with thumbnails, for the page."""
        return self.path / "mistakes.json"

    @property
    def page(self) -> Path:
        """The report for people; `toolkit report` draws it again."""
        return self.path / "report.html"

    @property
    def report(self) -> Path:
        """Written last: its presence says that the run is finished."""
        return self.path / "report.json"

    @property
    def test_score(self) -> Path:
        """Written by `toolkit score`, where the test labels are known."""
        return self.path / "test_score.json"

    @property
    def forecast(self) -> Path:
        """Written by `toolkit forecast`: the test score that is expected."""
        return self.path / "forecast.json"

    @property
    def audit_page(self) -> Path:
        """Written by `toolkit audit`: suspicious labels, to be judged in a browser."""
        return self.path / "audit.html"

    @property
    def audit_table(self) -> Path:
        """Written by `toolkit audit`: every label, the most suspicious first."""
        return self.path / "audit.csv"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def lock(self) -> Path:
        return self.path / ".lock"

    def fold(self, fold: int) -> FoldFolder:
        return FoldFolder(self.path / "folds" / str(fold))

    @property
    def finished(self) -> bool:
        return self.report.is_file()

    @property
    def plan_hash(self) -> str | None:
        """The hash of the plan that the folder belongs to; None where it is no run folder.

        The manifest and the report say it, too, where plan.json is gone or damaged.
        """
        for file, key in ((self.plan, "hash"), (self.manifest, "plan"), (self.report, "plan")):
            with suppress(DamagedFile):
                return str(read_json(file, keys=[key])[key])
        return None

    @property
    def command(self) -> str:
        """The command that goes on with the run, and makes its files again, for a shell."""
        recipe = in_shell(self.recipe) if self.recipe.is_file() else "RECIPE"
        runs = self.path.parent
        where = "" if runs == Path("runs") else f" --runs {in_shell(runs)}"
        return f"`toolkit run {recipe}{where}`"

    @property
    def way_out(self) -> str:
        """What to do about a file that is gone or damaged."""
        return f"{self.command} makes it again"


def find_run(runs: Path, plan_hash: str) -> RunFolder | None:
    """The folder of a plan, whatever its date; the one that is not finished, if any."""
    folders = [RunFolder(path) for path in sorted(runs.glob(f"*-{plan_hash[:8]}*"))]
    same = [folder for folder in folders if folder.plan_hash == plan_hash]
    return min(same, key=lambda folder: folder.finished, default=None)


def new_run(runs: Path, name: str, plan_hash: str, today: date) -> RunFolder:
    """Make the next folder `<name>-<date>-<hash>`; a second one of a day gets `-2`."""
    runs.mkdir(parents=True, exist_ok=True)
    stem = f"{safe_name(name)}-{today:%Y%m%d}-{plan_hash[:8]}"
    number = 1
    while True:
        path = runs / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            # Made a moment ago, by another start: a finished one of this plan has a successor.
            if RunFolder(path).plan_hash is None or _is_open(RunFolder(path), plan_hash):
                return RunFolder(path)
            number += 1
        else:
            return RunFolder(path)


def _is_open(folder: RunFolder, plan_hash: str) -> bool:
    return folder.plan_hash == plan_hash and not folder.finished
