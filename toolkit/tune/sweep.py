"""Throws away the weights and states of trials that will not go on, whoever left them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout
from optuna.trial import FrozenTrial, TrialState

from toolkit.runs.folder import FoldFolder, RunFolder
from toolkit.tune.bench import forget
from toolkit.tune.deaths import died, given_up
from toolkit.tune.tickets import retry_ticket, ticket_of
from toolkit.tune.trial import Study


def sweep(study: Study) -> None:
    """Leave of every trial its predictions and its history, but for those that go on."""
    for folder, trials in (
        ("trials", study.study.get_trials(deepcopy=False)),
        ("rescore", study.final.get_trials(deepcopy=False)),
    ):
        going_on = _going_on(trials, study)
        for path in sorted((study.folder.path / folder).glob("*")):
            if not any(plan.startswith(path.name) for plan in going_on):
                _sweep(RunFolder(path))


def _going_on(trials: Sequence[FrozenTrial], study: Study) -> set[str]:
    """The plans of the trials that are under way, or were cut off and will be done again."""
    successors = {ticket_of(t): t for t in reversed(trials) if ticket_of(t) is not None}
    deaths = study.deaths
    found = set()
    for trial in trials:
        last = trial
        while died(last) and (retry := successors.get(retry_ticket(last.number))) is not None:
            last = retry
        waits = last.state in (TrialState.RUNNING, TrialState.WAITING)
        if (waits or (died(last) and not given_up(last, deaths))) and "plan" in trial.user_attrs:
            found.add(str(trial.user_attrs["plan"]))
    return found


def _sweep(folder: RunFolder) -> None:
    left = [path for path in folder.path.glob("folds/*") if _has_more(path)]
    if not left:
        return
    with suppress(Timeout), FileLock(folder.lock, timeout=0):  # held: it trains at this moment
        for path in left:
            forget(FoldFolder(path))


def _has_more(fold: Path) -> bool:
    return any(fold.glob("*.safetensors")) or any(fold.glob(".*.tmp"))
