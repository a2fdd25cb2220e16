"""Three seeds: weights and order, folds, and what is frozen for validation."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import toolkit
from toolkit.runs.opened import Run


@pytest.fixture(scope="module")
def reseeded(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """The finished run's recipe, with another value for each of its seeds."""
    runs = tmp_path_factory.mktemp("seeds") / "runs"
    recipe = finished.folder.recipe
    return {
        key: toolkit.run(recipe, overrides={key: 7}, runs=runs)
        for key in ("seed", "split.seed", "validate.seed")
    }


def test_runs_of_other_weights_share_their_folds(reseeded: dict[str, Run], finished: Run) -> None:
    other = reseeded["seed"]
    pd.testing.assert_frame_equal(
        pd.read_csv(other.folder.folds), pd.read_csv(finished.folder.folds)
    )
    assert not other.oof["p_0"].equals(finished.oof["p_0"])


def test_the_seed_of_the_split_cuts_other_folds(reseeded: dict[str, Run], finished: Run) -> None:
    other, ours = (pd.read_csv(run.folder.folds) for run in (reseeded["split.seed"], finished))
    assert list(other["id"]) == list(ours["id"])
    assert list(other["fold"]) != list(ours["fold"])


def test_the_seed_of_validation_changes_the_intervals_alone(
    reseeded: dict[str, Run], finished: Run
) -> None:
    other, ours = (
        run.report["scores"]["oof"]["clean"] for run in (reseeded["validate.seed"], finished)
    )
    assert other["intervals"] != ours["intervals"]
    assert {**other, "intervals": None} == {**ours, "intervals": None}


def test_what_seeds_are_by_default(tiny_recipe: Path) -> None:
    from toolkit.plugin.host import load_host
    from toolkit.recipe.load import load_recipe
    from toolkit.recipe.planner import make_plan

    host = load_host()
    plan = make_plan(load_recipe(tiny_recipe, {"seed": 7}, host), host)
    assert (plan.seed, plan.split.seed, plan.validate.seed) == (7, 42, 42)
