"""What a study found, as `tune.json` holds it: the trials in order, the winner, the importance of
each key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from toolkit.tune.objective import Objective
from toolkit.tune.progress import rows_of
from toolkit.tune.space import Space
from toolkit.tune.study import Study, fresh_seed

ESTIMATOR = "fANOVA"
"""Functional ANOVA over a random forest (Hutter, Hoos, Leyton-Brown 2014, ICML, section 3)."""


ENOUGH = 20
"""Complete trials below which the forest's trees see mostly chance."""


def result(study: Study, hash_: str) -> dict[str, Any]:
    """What `tune.json` holds.

    `best` is the trial with the best score of the search, `winner` the one whose values
    `best.toml` has: where several were scored again, the best on fresh folds.
    """
    split, trials = study.plan.split, study.search.get_trials(deepcopy=False)
    rows = rows_of(study, trials)
    again = rows_of(study, study.rescore.get_trials(deepcopy=False))
    again = [row for row in again if row["state"] != "running"]
    fresh = {row["of"]: row["score"] for row in again if row["score"] is not None}
    best = best_of(trials, study.objective)
    incumbent = next((row for row in rows if row["incumbent"] and row["score"] is not None), None)
    seconds = [row["seconds"] or 0.0 for row in [*rows, *again]]
    return {
        "study": hash_,
        "name": study.search.study_name,
        "recipe": study.bench.question.recipe,
        "overrides": dict(study.bench.question.overrides),
        "objective": study.objective.name,
        "direction": study.objective.direction,
        "space": study.plan.values["tune"]["space"],
        "proxy": study.plan.values["tune"]["proxy"] if study.plan.proxy else None,
        "trials": rows,
        "given": split.given or None,
        "rescore": {
            "seed": fresh_seed(study.plan.seed if split.given else split.seed),
            "trials": again,
        },
        "best": None if best is None else best.number,
        "winner": _winner(study, trials, fresh, {row["of"] for row in again}),
        "importance": importance(study.search, study.space),
        "incumbent": None if incumbent is None else incumbent["trial"],
        "seconds": round(sum(seconds), 1),
        "set_aside": [
            {"id": name, "reason": reason}
            for name, reason in study.bench.data(study.plan).set_aside
        ],
    }


def _winner(
    study: Study, trials: list[FrozenTrial], fresh: Mapping[int, float], settled: set[int]
) -> int | None:
    """The best on fresh folds, once all have a score there or failed there for good."""
    numbers = [trial.number for trial in candidates(study, trials)]
    again = [number for number in numbers if number in fresh]
    if len(numbers) > 1 and again and settled.issuperset(numbers):
        return max(again, key=lambda number: study.objective.sign * fresh[number])
    best = best_of(trials, study.objective)
    return None if best is None else best.number


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


def importance(study: optuna.Study, space: Space) -> dict[str, Any]:
    """What `tune.json` says of it: each key's share of the variance that the keys explain one by
    one, the largest first; `values` is None where it is not estimated, and `reason` says why."""
    judged, always = judged_study(study, space)
    trials = judged.get_trials(deepcopy=False)
    found: dict[str, Any] = {
        "estimator": ESTIMATOR,
        "trials": len(trials),
        "values": None,
        "reason": "",
        "not_judged": [
            parameter.path for parameter in space.parameters if parameter.path not in always
        ],
    }
    if not always:
        return {**found, "reason": "every key counts in some trials only"}
    if len(trials) < ENOUGH:
        return {**found, "reason": f"too few complete trials: {len(trials)} of at least {ENOUGH}"}
    if len({trial.value for trial in trials}) == 1:
        return {**found, "reason": "all trials have the same score"}
    values = evaluator().evaluate(judged, params=always)
    total = sum(values.values())
    if not total > 0:
        return {**found, "reason": "no key explains a difference by itself"}
    return {**found, "values": {path: round(v / total, 4) for path, v in values.items()}}


def evaluator() -> Any:
    """Optuna's, named: its default changes with its versions. Seeded: the same trials give the
    same figures."""
    from optuna.importance import FanovaImportanceEvaluator

    return FanovaImportanceEvaluator(seed=0)


def judged_study(study: optuna.Study, space: Space) -> tuple[optuna.Study, list[str]]:
    """The complete trials whose parameters are what was tried, as a study in memory, and the keys
    that count in each of them."""
    always = [parameter.path for parameter in space.parameters if not parameter.when]
    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    judged = optuna.create_study(directions=study.directions)
    judged.add_trials([trial for trial in complete if _is_told(trial, always)])
    return judged, always


def _is_told(trial: FrozenTrial, paths: list[str]) -> bool:
    """Whether the parameters say what was tried. The recipe itself may lie outside its space: its
    parameters are then the nearest, or missing."""
    return trial.params.keys() >= set(paths) and not trial.user_attrs.get("outside")
