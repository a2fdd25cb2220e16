"""How much each searched key matters: fANOVA, on enough trials, or why there is no figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from toolkit.tune.space import Space

ESTIMATOR = "fANOVA"
"""Functional ANOVA over a random forest (Hutter, Hoos, Leyton-Brown 2014, ICML, section 3)."""
ENOUGH = 20
"""Complete trials below which the forest's trees see mostly chance."""


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
        "not_judged": [entry.path for entry in space.entries if entry.path not in always],
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


def said(facts: Mapping[str, Any]) -> str:
    """The line for the console."""
    if facts["values"] is None:
        return f"Importance is not estimated: {facts['reason']}"
    shares = ", ".join(f"{path} {share:.2f}" for path, share in facts["values"].items())
    line = f"Importance ({facts['estimator']}, {facts['trials']} complete trials): {shares}"
    aside = facts["not_judged"]
    return f"{line}; not judged, since not in every trial: {', '.join(aside)}" if aside else line


def evaluator() -> Any:
    """Optuna's, named: its default changes with its versions. Seeded: the same trials give the
    same figures."""
    from optuna.importance import FanovaImportanceEvaluator

    return FanovaImportanceEvaluator(seed=0)


def judged_study(study: optuna.Study, space: Space) -> tuple[optuna.Study, list[str]]:
    """The complete trials whose parameters are what was tried, as a study in memory, and the keys
    that count in each of them."""
    import optuna

    always = [entry.path for entry in space.entries if not entry.when]
    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    judged = optuna.create_study(directions=study.directions)
    judged.add_trials([trial for trial in complete if _is_told(trial, always)])
    return judged, always


def _is_told(trial: FrozenTrial, paths: list[str]) -> bool:
    """Whether the parameters say what was tried. The recipe itself may lie outside its space: its
    parameters are then the nearest, or missing."""
    return trial.params.keys() >= set(paths) and not trial.user_attrs.get("outside")
