"""`[tune.space]` is checked with the rest: a range that no trial could use is a mistake now."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from toolkit.recipe.plan import Plan

Planned = Callable[..., Plan]
Mistakes = Callable[..., tuple[str, ...]]

FOCAL = '[loss]\nuse = "focal"\n\n[tune.space]\n'


@pytest.mark.parametrize(
    "ranges",
    [
        '"optimizer.lr" = { low = 1e-5, high = 3e-3, log = true }',
        '"loss.alpha" = { low = 0, high = 1 }',
        '"train.batch_size" = { low = 8, high = 64, step = 8 }',
        '"image.fit" = { choices = ["letterbox", "crop"] }',
        '"loss.use" = { choices = ["focal", "cross_entropy"] }',
        '"augment.train.use" = { choices = ["light", "document"] }',
        '"augment.train.rotate" = { low = 0.0, high = 30.0 }',
        '"backbone.use" = { choices = ["acme.tiny"] }',
        '"schedule.use" = { choices = ["cosine", "constant"] }',
        '"optimizer.use" = { choices = ["adam", "sgd"] }',
        "'loss.gamma'.low = 0.0\n'loss.gamma'.high = 5.0",
    ],
)
def test_a_range_that_trials_can_use_is_kept_as_it_is(
    ranges: str, minimal: str, plan_of: Planned
) -> None:
    space = plan_of(minimal + FOCAL + ranges + "\n").values["tune"]["space"]
    assert len(space) == 1
    assert f"{next(iter(space))}" in ranges


@pytest.mark.parametrize(
    ("ranges", "says"),
    [
        (
            '"optimizer.lrr" = { low = 1e-5, high = 1e-3 }',
            'optimizer.lrr: the recipe has no such key. Did you mean "optimizer.lr"?',
        ),
        (
            "optimizer.lr = { low = 1e-5, high = 1e-3 }",
            'optimizer: the recipe has no such key. Did you mean "optimizer.lr"?',
        ),
        ('"loss.beta" = { low = 0.1, high = 0.2 }', "loss.beta: the recipe has no such key."),
        ('"track.file" = { choices = ["a"] }', "track.file: the recipe has no such key."),
        ('"split.use" = { choices = ["a"] }', "split.use: the recipe has no such key."),
        ('"seed" = { low = 1, high = 5 }', "seed: the recipe has no such key."),
        ('"loss.alpha" = 0.5', "loss.alpha: expected { low, high } or { choices }"),
        ('"loss.alpha" = { low = 0.1 }', "loss.alpha: low and high are two numbers"),
        ('"loss.alpha" = { low = "a", high = 1 }', "loss.alpha: low and high are two numbers"),
        ('"loss.alpha" = { low = false, high = 1 }', "loss.alpha: low and high are two numbers"),
        ('"loss.alpha" = { low = 0.5, high = 0.5 }', "loss.alpha: low (0.5) must be below high"),
        (
            '"loss.alpha" = { low = 0.0, high = 1.0, log = true }',
            "loss.alpha: a logarithmic range starts above 0, not at 0.0",
        ),
        (
            '"loss.alpha" = { low = 0.0, hihg = 1.0, high = 1.0 }',
            "loss.alpha: unknown key 'hihg' (low, high, log, step). Did you mean \"high\"?",
        ),
        (
            '"loss.gamma" = { choices = [1.0], low = 0.0 }',
            "loss.gamma: unknown key 'low' (choices).",
        ),
        ('"loss.gamma" = { choices = [] }', "loss.gamma: choices: expected a list with values"),
        ('"loss.gamma" = { choices = 2.0 }', "loss.gamma: choices: expected a list with values"),
        (
            '"loss.alpha" = { low = 0.0, high = 1.5 }',
            'loss.alpha: expected "none" | number | list of number >= 0, <= 1, found 1.5',
        ),
        (
            '"train.batch_size" = { low = 0.5, high = 8 }',
            "train.batch_size: expected integer >= 1, found 0.5",
        ),
        (
            '"image.fit" = { choices = ["letterbox", "crob"] }',
            'image.fit: expected "letterbox" | "stretch" | "crop", found "crob"',
        ),
        (
            '"loss.use" = { choices = ["focal", "focall"] }',
            'loss.use: there is no loss "focall". Did you mean "focal"?',
        ),
        ('"loss.use" = { low = 1, high = 2 }', "loss.use: expected the name of a loss, found 1"),
        ('"schedule.use" = { choices = ["cosin"] }', 'schedule.use: there is no schedule "cosin"'),
        ('"schedule.use" = { choices = [["cosine"]] }', "schedule.use: there is no schedule"),
        ('"optimizer.use" = { choices = ["adamm"] }', 'optimizer.use: there is no optimizer "ad'),
        (
            '"optimizer.use" = { choices = [1] }',
            "optimizer.use: expected the name of an optimizer, found 1",
        ),
    ],
)
def test_a_range_that_no_trial_could_use_is_a_mistake(
    ranges: str, says: str, minimal: str, mistakes_of: Mistakes
) -> None:
    found = mistakes_of(minimal + FOCAL + ranges + "\n")
    line = 1 + (minimal + FOCAL).count("\n")
    assert found[0].startswith(f"recipe.toml:{line}: tune.space.{says}")


def test_both_ends_of_a_range_are_checked(minimal: str, mistakes_of: Mistakes) -> None:
    found = mistakes_of(minimal + FOCAL + '"loss.alpha" = { low = -1.0, high = 2.0 }\n')
    assert [line.rpartition("found ")[2] for line in found] == ["-1.0", "2.0"]


def test_an_unknown_component_does_not_make_its_ranges_wrong(
    minimal: str, mistakes_of: Mistakes
) -> None:
    text = FOCAL.replace('"focal"', '"focall"')
    (found,) = mistakes_of(minimal + text + '"loss.alpha" = { low = 0.0, high = 1.0 }\n')
    assert 'there is no loss "focall"' in found


def test_a_recipe_may_change_the_loss_whose_options_its_parent_searches(
    minimal: str, plan_of: Planned
) -> None:
    # base.toml searches loss.alpha, which cross-entropy does not have
    plan = plan_of('extends = "toolkit:base"\n' + minimal + '[loss]\nuse = "cross_entropy"\n')
    assert list(plan.values["tune"]["space"]) == ["optimizer.lr"]
