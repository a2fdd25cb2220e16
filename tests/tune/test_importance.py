"""Importance is what it says it is, from enough trials, or a sentence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import optuna
import pytest

from toolkit.cli.tune_console import importance_line
from toolkit.recipe.plan import Plan
from toolkit.tune.result import ENOUGH, importance
from toolkit.tune.space import Space, space_of

Planned = Callable[..., Plan]
SPACE = """
"loss.use" = { choices = ["focal", "cross_entropy"] }
"loss.gamma" = { low = 0.0, high = 1.0, when = { "loss.use" = "focal" } }
"optimizer.lr" = { low = 1e-5, high = 3e-3, log = true }
"train.label_smoothing" = { low = 0.0, high = 0.5 }
"""


def filled(study: optuna.Study, space: Space, count: int, score: Callable[..., float]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(count):
        study.enqueue_trial({"optimizer.lr": rng.uniform(1e-5, 3e-3)})
        trial = study.ask()
        study.tell(trial, score(space.suggest(trial)))


@pytest.fixture
def space(plan_with: Planned) -> Space:
    return space_of(plan_with(SPACE))


def by_smoothing(values: dict[str, float]) -> float:
    return values["train.label_smoothing"]


def test_too_few_trials_have_no_figure(study: optuna.Study, space: Space) -> None:
    filled(study, space, ENOUGH - 1, by_smoothing)
    facts = importance(study, space)
    assert facts["values"] is None
    assert facts["reason"] == f"too few complete trials: {ENOUGH - 1} of at least {ENOUGH}"
    assert importance_line(facts) == f"Importance is not estimated: {facts['reason']}"


def test_the_estimator_that_is_named_is_the_one_that_is_used(
    study: optuna.Study, space: Space
) -> None:
    filled(study, space, ENOUGH, by_smoothing)
    facts = importance(study, space)
    assert facts["estimator"] == "fANOVA"
    always = ["loss.use", "optimizer.lr", "train.label_smoothing"]
    theirs = optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0), params=always
    )
    assert facts["values"] == {path: round(share, 4) for path, share in theirs.items()}
    assert next(iter(facts["values"])) == "train.label_smoothing"
    assert facts["not_judged"] == ["loss.gamma"]
    assert "not judged, since not in every trial: loss.gamma" in importance_line(facts)


def test_equal_scores_have_no_importance(study: optuna.Study, space: Space) -> None:
    filled(study, space, ENOUGH, lambda values: 0.5)
    assert importance(study, space)["reason"] == "all trials have the same score"


def test_a_recipe_outside_its_space_is_not_taken_for_what_its_parameters_say(
    study: optuna.Study, space: Space
) -> None:
    filled(study, space, ENOUGH, by_smoothing)
    trial = study.ask()
    trial.set_user_attr("outside", True)
    space.suggest(trial)
    study.tell(trial, 1e6)
    lacking = study.ask()  # a value of the recipe that the choices do not have
    study.tell(lacking, 1e6)
    facts = importance(study, space)
    assert facts["trials"] == ENOUGH
    assert next(iter(facts["values"])) == "train.label_smoothing"
