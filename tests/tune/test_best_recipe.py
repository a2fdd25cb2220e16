"""`best.toml` is a recipe that can be run, and searched again, whatever was found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from optuna.trial import FrozenTrial

from toolkit.contracts import Facts
from toolkit.plugin.host import Host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan
from toolkit.tune.asked import Question
from toolkit.tune.best import best_recipe
from toolkit.tune.folder import StudyFolder
from toolkit.tune.space import space_of
from toolkit.tune.study import Study

Planned = Callable[..., Plan]


def best_with(
    plan: Plan, values: dict[str, Any], facts: Facts, host: Host, folder: Path
) -> dict[str, Any]:
    """The resolved values of the best recipe of a study that found these."""
    space = space_of(plan, host)
    study = SimpleNamespace(
        bench=SimpleNamespace(question=Question(plan.path, {}), host=host),
        plan=plan,
        space=space,
        facts=facts,
        folder=StudyFolder(folder),
        objective=SimpleNamespace(name="clean_f1"),
        values=lambda trial: values,
        overrides=lambda trial: space.overrides(values, plan, facts),
    )
    row = {"trial": 0, "state": "complete", "incumbent": False, "score": 0.5, "threads": None}
    found = {"trials": [row], "winner": 0, "incumbent": None, "proxy": None}
    found["rescore"] = {"trials": []}
    text = best_recipe(cast(Study, study), cast(FrozenTrial, None), found)
    study.folder.best.write_text(text)
    resolved: dict[str, Any] = dict(make_plan(load_recipe(study.folder.best), host).values)
    return resolved


@pytest.mark.parametrize(
    ("alpha", "low", "high"),
    [
        (0.6, 0.6, 1.0),  # the recipe's own range, around what was found
        (1.0, 0.5, 1.0),  # from 1 up there is no alpha: the range of the study stays
    ],
)
def test_a_best_recipe_can_be_searched_again(
    alpha: float,
    low: float,
    high: float,
    plan_with: Planned,
    facts: Facts,
    light_host: Host,
    tmp_path: Path,
) -> None:
    plan = plan_with('"loss.alpha" = { times = [1, 2] }')  # the recipe has 0.5
    best = best_with(plan, {"loss.alpha": alpha}, facts, light_host, tmp_path)
    assert best["loss"]["alpha"] == alpha
    entry = best["tune"]["space"]["loss.alpha"]
    assert (entry["low"], entry["high"]) == pytest.approx((low, high), abs=0.01)


def test_what_is_searched_is_said_in_a_line(plan_with: Planned) -> None:
    space = space_of(
        plan_with(
            '"optimizer.lr" = { times = [0.1, 5] }\n'
            '"train.batch_size" = { low = 8, high = 30, step = 8 }\n'
            '"image.fit" = { choices = ["letterbox", "crop"] }'
        )
    )
    assert [str(parameter) for parameter in space.parameters] == [
        "optimizer.lr 0.0001 to 0.005 (log)",
        "train.batch_size 8 to 24 in steps of 8",
        "image.fit letterbox | crop",
    ]
