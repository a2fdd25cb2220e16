"""A given split is one fold: what a recipe may say beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolkit.plugin.host import Host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan, smoke_overrides
from toolkit.recipe.planner import make_plan
from toolkit.recipe.show import recipe_text

Planned = Callable[..., Plan]
Mistakes = Callable[..., tuple[str, ...]]


def test_a_given_split_is_one_fold_and_the_default_folds_are_left_out(
    minimal: str, plan_of: Planned
) -> None:
    plan = plan_of(minimal + '\n[split]\ngiven = "valid"\n')
    assert (plan.folds, plan.notes) == (1, ())
    assert "folds" not in plan.values["split"]
    assert plan_of(minimal).folds == 5


def test_folds_beside_a_given_split_are_a_contradiction_that_names_both_lines(
    minimal: str, mistakes_of: Mistakes
) -> None:
    (line,) = mistakes_of(minimal + '\n[split]\nfolds = 3\ngiven = "val"\n')
    assert "split.folds: 3 folds contradict" in line
    assert 'split.given = "val" (recipe.toml:' in line
    assert 'split.given = ""' in line


@pytest.mark.parametrize("order", [("split.folds", "split.given"), ("split.given", "split.folds")])
def test_overrides_contradict_in_any_order(
    order: tuple[str, str], minimal: str, mistakes_of: Mistakes
) -> None:
    values: dict[str, Any] = {"split.folds": 3, "split.given": "valid"}
    (line,) = mistakes_of(minimal, {key: values[key] for key in order})
    assert "3 folds contradict" in line


def test_folds_laid_over_a_given_split_are_a_contradiction(
    minimal: str, mistakes_of: Mistakes
) -> None:
    (line,) = mistakes_of(minimal + '\n[split]\ngiven = "valid"\n', {"split.folds": 4})
    assert line.startswith("--set split.folds=4: split.folds: 4 folds contradict")


def test_a_given_split_laid_over_folds_takes_their_place_and_says_so(
    minimal: str, plan_of: Planned
) -> None:
    text = minimal + "\n[split]\nfolds = 3\n"
    plan = plan_of(text, {"split.given": "valid"})
    assert plan.folds == 1
    (note,) = plan.notes
    assert "split.folds = 3 gives way to split.given" in note
    assert plan_of(text, {"split.given": ""}).folds == 3


def test_the_folds_of_an_extended_recipe_give_way(tmp_path: Path, host: Host, minimal: str) -> None:
    (tmp_path / "base.toml").write_text(minimal + "\n[split]\nfolds = 3\n")
    file = tmp_path / "child.toml"
    file.write_text('extends = "base.toml"\n[split]\ngiven = "valid"\n')
    assert make_plan(load_recipe(file), host).folds == 1
    file.write_text('extends = "base.toml"\n[split]\ngiven = ""\n')
    assert make_plan(load_recipe(file), host).folds == 3


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[split]\ngiven = "train"', "names the split that trains"),
        ('[split]\nleaks = "drop"', "split.given names none"),
        ('[split]\ngiven = "valid"\n[tune.proxy]\nfolds = 2', "2 folds contradict"),
    ],
)
def test_what_a_given_split_rules_out_is_said(
    more: str, words: str, minimal: str, mistakes_of: Mistakes
) -> None:
    (line,) = mistakes_of(f"{minimal}\n{more}\n")
    assert words in line


def test_the_resolved_recipe_and_a_smoke_run_of_it_can_be_planned_again(
    minimal: str, plan_of: Planned
) -> None:
    plan = plan_of(minimal + '\n[split]\ngiven = "valid"\n')
    again = plan_of(recipe_text(plan))
    assert again.hash("x") == plan.hash("x")
    assert plan_of(recipe_text(plan), smoke_overrides(plan)).folds == 1


def test_the_hash_covers_the_given_split_but_not_the_way_out_of_leaks(
    minimal: str, plan_of: Planned
) -> None:
    given = minimal + '\n[split]\ngiven = "valid"\n'
    assert plan_of(minimal).hash("x") != plan_of(given).hash("x")
    assert plan_of(given + 'leaks = "drop"\n').hash("x") == plan_of(given).hash("x")
