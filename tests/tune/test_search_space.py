"""The space: what is sampled, what of it reaches the recipe, and where the recipe itself stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import optuna
import pytest

from toolkit.contracts import Facts
from toolkit.errors import RecipeError
from toolkit.recipe.plan import Plan
from toolkit.tune.checks import check_places
from toolkit.tune.space import space_of

Planned = Callable[..., Plan]


def test_numbers_are_sampled_in_their_range_with_few_digits(
    plan_with: Planned, study: optuna.Study
) -> None:
    space = space_of(
        plan_with(
            '"optimizer.lr" = { low = 1e-5, high = 3e-3, log = true }\n'
            '"loss.gamma" = { low = 0.0, high = 1.0, step = 0.3 }\n'
            '"train.batch_size" = { low = 8, high = 30, step = 8 }'
        )
    )
    for _ in range(20):
        values = space.suggest(study.ask())
        assert 1e-5 <= values["optimizer.lr"] <= 3e-3
        assert values["optimizer.lr"] == float(f"{values['optimizer.lr']:.4g}")
        assert values["loss.gamma"] in (0.0, 0.3, 0.6, 0.9)
        assert values["train.batch_size"] in (8, 16, 24)
        assert isinstance(values["train.batch_size"], int)


def test_choices_may_be_lists(plan_with: Planned, study: optuna.Study, facts: Facts) -> None:
    plan = plan_with('"augment.tta.views" = { choices = [["identity"], ["identity", "hflip"]] }')
    space = space_of(plan)
    study.enqueue_trial({"augment.tta.views": '["identity", "hflip"]'})
    values = space.suggest(study.ask())
    assert values == {"augment.tta.views": ["identity", "hflip"]}
    assert space.overrides(values, plan, facts) == values
    assert space.incumbent(plan, facts) == {"augment.tta.views": '["identity"]'}


CONDITIONAL = """
"loss.gamma" = { low = 0.0, high = 1.0, when = { "loss.use" = ["focal", "class_balanced"] } }
"loss.beta" = { low = 0.1, high = 0.9, when = { "loss.use" = "class_balanced" } }
"loss.use" = { choices = ["focal", "class_balanced", "cross_entropy"] }
"""


@pytest.mark.parametrize(
    ("use", "counting"),
    [
        ("focal", {"loss.use", "loss.gamma"}),
        ("class_balanced", {"loss.use", "loss.gamma", "loss.beta"}),
        ("cross_entropy", {"loss.use"}),
    ],
)
def test_an_entry_is_sampled_where_its_condition_holds(
    use: str, counting: set[str], plan_with: Planned, study: optuna.Study
) -> None:
    space = space_of(plan_with(CONDITIONAL))
    assert space.conditional
    study.enqueue_trial({"loss.use": use})
    assert set(space.suggest(study.ask())) == counting


def test_a_class_weight_changes_its_place_and_no_other(plan_with: Planned, facts: Facts) -> None:
    plan = plan_with(
        '"loss.alpha[2]" = { low = 0.5, high = 9.0 }\n'
        '"loss.alpha[0,1]" = { low = 0.1, high = 2.0 }',
        more="",
    )
    space = space_of(plan)
    values = {"loss.alpha[2]": 3.0, "loss.alpha[0,1]": 0.7}
    assert space.overrides(values, plan, facts) == {"loss.alpha": [0.7, 0.7, 3.0]}
    # alpha = 0.5 gives weights ~ count ** -0.5: 0.354, 0.5, 1, scaled to average 1 over 13 rows
    # (8 * 0.35355 + 4 * 0.5 + 1 = 5.82843; 13 / 5.82843 = 2.23045)
    own = space.of_recipe(plan, facts)
    assert own["loss.alpha[2]"] == pytest.approx(2.23045, abs=1e-4)
    assert own["loss.alpha[0,1]"] == pytest.approx((0.78858 + 1.11522) / 2, abs=1e-4)
    alone = space.overrides({"loss.alpha[2]": 3.0}, plan, facts)["loss.alpha"]
    assert alone == [pytest.approx(0.78858, abs=1e-4), pytest.approx(1.11522, abs=1e-4), 3.0]


def test_a_class_that_the_data_does_not_have_is_a_mistake(plan_with: Planned, facts: Facts) -> None:
    plan = plan_with('"loss.alpha[1,3]" = { low = 0.5, high = 9.0 }')
    with pytest.raises(RecipeError, match=r"recipe.toml:\d+: .*the data has 3 classes, 0 to 2"):
        check_places(space_of(plan), plan, facts)


def test_a_word_stands_for_its_number_among_choices_too(plan_with: Planned, facts: Facts) -> None:
    plan = plan_with('"loss.alpha" = { choices = [0.0, 1.0] }')
    loss = {**plan.values["loss"], "alpha": "none"}
    choice = replace(plan.choices[("loss",)], options={**loss, "alpha": "none"})
    plan = replace(
        plan, values={**plan.values, "loss": loss}, choices={**plan.choices, ("loss",): choice}
    )
    assert space_of(plan).incumbent(plan, facts) == {"loss.alpha": "0.0"}


@pytest.mark.parametrize(
    ("space", "params"),
    [
        ('"loss.alpha" = { low = 0.0, high = 1.0 }', {"loss.alpha": 0.5}),
        ('"loss.alpha" = { low = 0.6, high = 1.0 }', {"loss.alpha": 0.6}),  # the nearest
        ('"loss.alpha" = { low = 0.0, high = 1.0, step = 0.2 }', {"loss.alpha": 0.4}),
        ('"loss.alpha" = { choices = [0.0, 1.0] }', {}),  # the recipe's 0.5 is not among them
        ('"train.batch_size" = { low = 8, high = 64, log = true }', {"train.batch_size": 16}),
        ('"loss.use" = { choices = ["focal", "cross_entropy"] }', {"loss.use": "focal"}),
    ],
)
def test_the_recipe_itself_has_a_place_in_the_space(
    space: str, params: dict[str, object], plan_with: Planned, facts: Facts
) -> None:
    plan = plan_with(space)
    assert space_of(plan).incumbent(plan, facts) == params
