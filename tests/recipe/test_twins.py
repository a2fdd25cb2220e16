"""What a recipe may say of twins, and which scores it then has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from toolkit.errors import RecipeError
from toolkit.recipe.plan import Plan
from toolkit.recipe.scores import BLEND, CLEAN, ROBUST, Score, score_named

Planned = Callable[[str], Plan]

TWINS = '[validate.twins]\nuse = "scanned"\n'


def problems(plan_of: Planned, text: str) -> list[str]:
    with pytest.raises(RecipeError) as error:
        plan_of(text)
    return [line.partition(": ")[2] for line in error.value.lines]


def with_monitor(monitor: str) -> str:
    return f'[validate]\nmonitor = "{monitor}"\n'


def test_a_recipe_without_twins_has_none(minimal: str, plan_of: Planned) -> None:
    plan = plan_of(minimal)
    assert plan.twins is None
    assert "twins" not in plan.values["validate"]


def test_twins_are_written_out_with_every_default(minimal: str, plan_of: Planned) -> None:
    plan = plan_of(minimal + TWINS)
    assert plan.twins is not None
    assert plan.twins.count == 1
    written = plan.values["validate"]["twins"]
    assert (written["use"], written["count"], written["angle"]) == ("scanned", 1, 180.0)
    assert plan.choice("validate", "twins").options["noise"] == written["noise"]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("robust_f1", "robust_f1"),
        ("robust_macro_f1", "robust_f1"),
        ("robust_log_loss", "robust_log_loss"),
        ("blend", "blend"),
    ],
)
def test_twins_may_decide(minimal: str, plan_of: Planned, written: str, name: str) -> None:
    plan = plan_of(minimal + with_monitor(written) + TWINS)
    assert plan.monitor.name == plan.values["validate"]["monitor"] == name
    assert plan.trains_by_twins


@pytest.mark.parametrize("monitor", ["robust_f1", "robust_kappa", "blend"])
def test_a_score_of_twins_without_twins_is_told_how_to_add_them(
    minimal: str, plan_of: Planned, monitor: str
) -> None:
    text = (
        f'"{monitor}" scores twins of the validation images, and this recipe has none; add them: '
        '[validate.twins] use = "scanned" for pages, "photographed" for photos'
    )
    assert problems(plan_of, minimal + with_monitor(monitor)) == [f"validate.monitor: {text}"]
    if monitor != "robust_kappa":
        found = problems(plan_of, minimal + f'[tune]\nobjective = "{monitor}"\n')
        assert found == [f"tune.objective: {text}"]
        plan_of(minimal + TWINS + f'[tune]\nobjective = "{monitor}"\n')


def test_a_misspelt_score_of_twins_has_a_guess(minimal: str, plan_of: Planned) -> None:
    for written, meant in (("robust_kapa", "robust_kappa"), ("blendd", "blend")):
        (found,) = problems(plan_of, minimal + with_monitor(written) + TWINS)
        assert found.endswith(f'Did you mean "{meant}"?')


def test_the_keys_of_twins_are_checked_like_any_other(minimal: str, plan_of: Planned) -> None:
    assert problems(plan_of, minimal + TWINS + "count = 0\nnoize = 3\n") == [
        "validate.twins.count: expected integer >= 1, found 0",
        'validate.twins.noize: unknown key. Did you mean "noise"?',
    ]
    (found,) = problems(plan_of, minimal + '[validate.twins]\nuse = "scaned"\n')
    assert 'Did you mean "scanned"?' in found


def test_how_twins_are_drawn_cannot_be_searched(minimal: str, plan_of: Planned) -> None:
    space = '[tune.space]\n"validate.twins.noise" = { low = 0.0, high = 9.0 }\n'
    (found,) = problems(plan_of, minimal + TWINS + space)
    assert "[validate.twins] decides what a score is of; it cannot be searched" in found


@pytest.mark.parametrize("section", ["augment.train", "augment.offline"])
def test_a_model_is_not_taught_by_what_draws_its_twins(
    minimal: str, plan_of: Planned, section: str
) -> None:
    (found,) = problems(plan_of, minimal + TWINS + f'[{section}]\nuse = "scanned"\n')
    assert found.startswith(f'validate.twins.use: "scanned" augments training, too ([{section}])')
    assert found.endswith("choose another component for one of them")


def test_twins_change_the_plan_and_training_only_where_they_decide(
    minimal: str, plan_of: Planned
) -> None:
    plain, scored = plan_of(minimal), plan_of(minimal + TWINS)
    louder = plan_of(minimal + TWINS + "noise = 90.0\n")
    assert len({plan.hash("data") for plan in (plain, scored, louder)}) == 3
    assert plain.training_facts() == scored.training_facts() == louder.training_facts()
    decide = [
        plan_of(minimal + with_monitor("robust_f1") + TWINS + more)
        for more in ("", "noise = 90.0\n", "count = 2\n")
    ]
    facts = [plan.training_facts() for plan in (plain, *decide)]
    assert all(one != other for n, one in enumerate(facts) for other in facts[:n])


@pytest.mark.parametrize(
    ("score", "name", "key"),
    [
        (Score(CLEAN, "macro_f1"), "clean_f1", "macro_f1"),
        (Score(ROBUST, "macro_f1"), "robust_f1", "robust_f1"),
        (Score(ROBUST, "acme.cost"), "robust_acme.cost", "robust_acme.cost"),
        (Score(BLEND, "macro_f1"), "blend", "blend"),
    ],
)
def test_a_score_has_one_name_and_one_key(score: Score, name: str, key: str) -> None:
    assert (score.name, score.key) == (name, key)
    assert score_named(name) == score


def test_no_metric_is_called_like_a_score_of_twins(minimal: str, plan_of: Planned) -> None:
    for name in ("blend", "twins", "robust_top"):
        text = f'[validate]\nreport = ["{name}"]\n[metric.{name}]\nuse = "top_k"\nk = 2\n'
        assert any("choose another name" in line for line in problems(plan_of, minimal + text))
