"""Trackers: each breaks the check of its name, and that one alone."""

from __future__ import annotations

from pathlib import Path

from toolkit import hookimpl


class Misspelt:
    @hookimpl
    def toolkit_epoch_ends(self, epoch):
        pass


def hooks(run, /):
    """A hook that does not exist."""
    return Misspelt()


class Curious:
    @hookimpl
    def toolkit_run_end(self, report):
        report["weather"]


def whole_run(run, /):
    """Counts on a key that the report does not have."""
    return Curious()


class Exclusive:
    def __init__(self, run) -> None:
        self.file = Path(run.folder) / "events.txt"

    @hookimpl
    def toolkit_run_start(self):
        self.file.open("x").close()


def resumed_run(run, /):
    """Takes a file of its own run for somebody else's."""
    return Exclusive(run)


class Hasty:
    @hookimpl
    def toolkit_fold_start(self, fold):
        self.fold = fold

    @hookimpl
    def toolkit_run_error(self, error):
        print(f"fold {self.fold}: {error}")


def failed_run(run, /):
    """Counts on a fold to have started."""
    return Hasty()


class Confident:
    @hookimpl
    def toolkit_trial_end(self, trial):
        print(f"trial {trial.number}: {trial.value:.4f}")


def trials(run, /):
    """Takes it that every trial has a score."""
    return Confident()


class Greedy:
    @hookimpl
    def toolkit_epoch_end(self, metrics):
        metrics.pop("seconds")


def values_unmodified(run, /):
    """Takes what it is shown."""
    return Greedy()


class Jealous:
    def __init__(self, run) -> None:
        self.file, self.mine = Path(run.folder) / "trials.txt", False

    @hookimpl
    def toolkit_trial_end(self, trial):
        if not self.mine:
            self.file.open("x").close()
        self.mine = True


def several_processes(run, /):
    """Takes the study's folder for its own."""
    return Jealous(run)
