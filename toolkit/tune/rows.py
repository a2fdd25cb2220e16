"""What people are told of a trial: one row, for the table, the page and tune.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from optuna.trial import FrozenTrial, TrialState

from toolkit.tune.deaths import failures, reason_of
from toolkit.tune.objective import Objective, curve_of

if TYPE_CHECKING:
    from toolkit.tune.trial import Study

_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.FAIL: "failed",
}


def row_of(study: Study, trial: FrozenTrial) -> dict[str, Any]:
    """A trial of the search, or of the re-score, as plain values.

    `folds` are the scores of its finished folds; `score` is the out-of-fold score of a complete
    trial; a trial that stopped or failed has a `reason`.
    """
    attrs = trial.user_attrs
    deaths = study.deaths if trial.state == TrialState.FAIL else {}
    score = trial.value if trial.state == TrialState.COMPLETE else None
    return {
        "trial": trial.number,
        "of": attrs.get("of"),
        "state": _STATES[trial.state],
        "incumbent": bool(attrs.get("incumbent")),
        "values": study.values(trial) if "of" not in attrs else {},
        "folds": list(curve_of(trial.intermediate_values).folds),
        "score": score,
        "seconds": attrs.get("seconds"),
        "threads": attrs.get("threads"),
        "plan": attrs.get("plan"),
        "reason": reason_of(trial, deaths),
    }


def rows_of(study: Study, trials: Sequence[FrozenTrial]) -> list[dict[str, Any]]:
    """The trials that count, those under way, and those that failed."""
    lost = {trial.number for trial in failures(list(trials), study.deaths)}
    return [
        row_of(study, trial)
        for trial in trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        or trial.number in lost
    ]


def best_of(trials: Sequence[FrozenTrial], objective: Objective) -> FrozenTrial | None:
    """The complete trial with the best score; the first of equals."""
    return next(iter(ranked(trials, objective)), None)


def ranked(trials: Sequence[FrozenTrial], objective: Objective) -> list[FrozenTrial]:
    """Complete trials, the best first. Trials of one plan count once."""
    complete = [t for t in trials if t.state == TrialState.COMPLETE and t.value is not None]
    complete.sort(key=lambda t: (-objective.sign * (t.value or 0.0), t.number))
    seen: set[Any] = set()
    found = []
    for trial in complete:
        plan = trial.user_attrs.get("plan", trial.number)
        if plan not in seen:
            seen.add(plan)
            found.append(trial)
    return found


def candidates(study: Study, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The trials to score again, the best first; with a proxy the recipe as it is too, since no
    trial scored it in full."""
    count, proxy = study.plan.tune.rescore, bool(study.plan.proxy)
    if count == "auto":
        count = 3 if proxy else 1
    order = ranked(trials, study.objective)
    best = order[:count]
    if proxy and count:
        best += [t for t in order[count:] if t.user_attrs.get("incumbent")]
    return best
