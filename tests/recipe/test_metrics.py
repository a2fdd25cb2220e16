"""What a recipe may say of metrics: the monitor, what is reported, and options."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from toolkit.errors import RecipeError
from toolkit.plugin.host import Host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.metrics import recorded_metrics
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan
from toolkit.recipe.show import recipe_text

Planned = Callable[[str], Plan]

TOP = '[metric.top_2]\nuse = "top_k"\nk = 2\n'


def problems(plan_of: Planned, text: str) -> list[str]:
    with pytest.raises(RecipeError) as error:
        plan_of(text)
    return [line.partition(": ")[2] for line in error.value.lines]


def test_a_recipe_that_says_nothing_is_decided_by_macro_f1(minimal: str, plan_of: Planned) -> None:
    plan = plan_of(minimal)
    assert plan.monitor.name == "clean_f1"
    assert list(plan.metrics) == ["macro_f1", "accuracy", "log_loss"]
    assert (plan.validate.monitor, plan.validate.report) == ("clean_f1", [])


@pytest.mark.parametrize("written", ["clean_f1", "clean_macro_f1", "macro_f1"])
def test_one_monitor_is_one_plan_however_it_is_written(
    written: str, minimal: str, plan_of: Planned
) -> None:
    plan = plan_of(minimal + f'[validate]\nmonitor = "{written}"\n')
    assert plan.hash("data") == plan_of(minimal).hash("data")
    assert plan.training_facts() == plan_of(minimal).training_facts()


def test_what_is_monitored_and_reported_is_scored_once(minimal: str, plan_of: Planned) -> None:
    text = '[validate]\nmonitor = "clean_kappa"\nreport = ["clean_mcc", "kappa", "top_2"]\n'
    plan = plan_of(minimal + text + TOP)
    assert list(plan.metrics)[3:] == ["kappa", "mcc", "top_2"]
    assert plan.validate.report == ["mcc", "kappa", "top_2"]
    assert plan.metrics["top_2"].use == "top_k"
    assert plan.metrics["top_2"].options == {"k": 2}


def test_the_resolved_recipe_says_the_same_again(
    minimal: str, plan_of: Planned, write: Callable[..., str], host: Host
) -> None:
    text = '[validate]\nmonitor = "clean_top_2"\nreport = ["top_k", "kappa"]\n'
    plan = plan_of(minimal + text + TOP)
    said = tomllib.loads(recipe_text(plan))
    assert said["metric"] == {"top_2": {"use": "top_k", "k": 2}, "top_k": {"use": "top_k", "k": 3}}
    again = make_plan(load_recipe(write(recipe_text(plan), "again.toml"), host=host), host)
    assert again.values == plan.values


def test_a_run_folder_alone_says_which_metrics_it_has(
    minimal: str, plan_of: Planned, host: Host
) -> None:
    plan = plan_of(minimal + '[validate]\nreport = ["top_2", "kappa"]\n' + TOP)
    found, missing = recorded_metrics(plan.values, host)
    assert list(found) == list(plan.metrics)
    assert found["top_2"].options == {"k": 2}
    assert not missing
    lost = {**plan.values, "validate": {"monitor": "clean_f1", "report": ["gone.cost"]}}
    found, missing = recorded_metrics(lost, host)
    assert list(found) == ["macro_f1", "accuracy", "log_loss"]
    assert 'no plugin "gone" is loaded' in missing["gone.cost"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[validate]\nmonitor = "clean_kapa"\n',
            'validate.monitor: there is no score "clean_kapa". Did you mean "clean_kappa"?',
        ),
        (
            '[validate]\nmonitor = "cleen_f1"\n',
            'there is no score "cleen_f1". Did you mean "clean_f1"?',
        ),
        (
            '[validate]\nmonitor = "robust_zzz"\n',
            'there is no score "robust_zzz". Did you mean "robust_f1"?',
        ),
        (
            '[validate]\nreport = ["kapa"]\n',
            'validate.report: there is no metric "kapa". Did you mean "kappa"?',
        ),
        (
            '[validate]\nreport = ["kappa", "clean_kappa"]\n',
            'validate.report: "clean_kappa" is named twice',
        ),
        ('[validate]\nreport = ["gone.cost"]\n', '"gone.cost": no plugin "gone" is loaded'),
        ('[validate]\nmonitor = "gone.cost"\n', '"gone.cost": no plugin "gone" is loaded'),
        ('[validate]\nreport = "kappa"\n', "expected list of text, found"),
        (
            "[metric.top_2]\nk = 2\n",
            'metric.top_2: there is no metric "top_2". Did you mean "top_k"? Or say',
        ),
        ('[metric.top_k]\nuse = "kappa"\n', "top_k is a metric itself; choose another name"),
        ("[metric.top_k]\nk = 0\n", "metric.top_k.k: expected integer >= 1, found 0"),
        ("[metric.top_k]\nj = 2\n", "metric.top_k.j: unknown key."),
        (
            '[metric.epochs]\nuse = "kappa"\n',
            '"epochs" stands for something else in a run\'s files',
        ),
        ('[metric.f1]\nuse = "kappa"\n', '"f1" stands for something else in a run\'s files'),
        ('[metric.clean_top]\nuse = "kappa"\n', "would read as a score of the clean images"),
        ('[metric.Top]\nuse = "kappa"\n', "a name is lower-case letters, digits and underscores"),
        ("[metric]\ntop_k = 3\n", "expected a table [metric.top_k] with options"),
        ('[tune]\nobjective = "clean_mcc"\n', 'is not scored; add it: [validate] report = ["mcc"]'),
        (
            '[tune]\nobjective = "clean_mc"\n',
            'there is no score "clean_mc". Did you mean "clean_mcc"?',
        ),
        ('[tune.space]\n"metric.top_k.k" = { choices = [2] }\n', "the recipe has no such key"),
    ],
)
def test_a_mistake_is_told_with_what_is_known(
    text: str, expected: str, minimal: str, plan_of: Planned
) -> None:
    found = problems(plan_of, minimal + text)
    assert len(found) == 1
    assert expected in found[0]


def test_options_that_score_nothing_are_told(minimal: str, plan_of: Planned) -> None:
    plan = plan_of(minimal + TOP)
    (note,) = plan.notes
    assert "[metric.top_2] scores nothing; name it in validate.report" in note
    assert "top_2" not in plan.metrics
    assert "metric" not in plan.values


@pytest.mark.parametrize("objective", ["clean_kappa", "kappa", "clean_log_loss", "f1"])
def test_a_search_may_look_at_any_score_that_the_recipe_has(
    objective: str, minimal: str, plan_of: Planned
) -> None:
    text = f'[validate]\nreport = ["kappa"]\n[tune]\nobjective = "{objective}"\n'
    plan = plan_of(minimal + text)
    assert plan.tune.objective == {"kappa": "clean_kappa", "f1": "clean_f1"}.get(
        objective, objective
    )


def test_only_the_monitor_and_its_options_are_a_part_of_training(
    minimal: str, plan_of: Planned
) -> None:
    plain = plan_of(minimal)
    reported = plan_of(minimal + '[validate]\nreport = ["top_2", "kappa"]\n' + TOP)
    assert reported.hash("data") != plain.hash("data")
    assert reported.training_facts() == plain.training_facts()
    monitor = '[validate]\nmonitor = "clean_top_2"\n'
    decided = plan_of(minimal + monitor + TOP)
    other = plan_of(minimal + monitor + TOP.replace("k = 2", "k = 3"))
    facts = [plan.training_facts() for plan in (plain, decided, other)]
    assert all(a != b for a, b in pairwise(facts))


def test_options_are_laid_over_a_recipe_like_any_other(
    minimal: str, write: Callable[..., str], host: Host
) -> None:
    path = write(minimal + '[validate]\nreport = ["top_2"]\n' + TOP, "tiny.toml")
    changed: dict[str, Any] = {"metric.top_2.k": 1}
    assert make_plan(load_recipe(path, changed, host), host).metrics["top_2"].options == {"k": 1}


def test_the_metric_of_a_plugin_needs_no_quotes(
    minimal: str, write: Callable[..., str], host: Host
) -> None:
    for table in ('[metric."acme.cost"]', "[metric.acme.cost]"):
        recipe = load_recipe(write(f"{minimal}{table}\nmiss = 5.0\n", "tiny.toml"), host=host)
        assert recipe.values["metric"] == {"acme.cost": {"miss": 5.0}}
        line = recipe.origin(("metric", "acme.cost", "miss")).line
        assert line == minimal.count("\n") + 2
    laid = load_recipe(write(minimal, "t.toml"), {"metric.acme.cost.miss": 3}, host)
    assert laid.values["metric"] == {"acme.cost": {"miss": 3}}
