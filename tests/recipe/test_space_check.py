"""`[tune.space]` is checked with the rest: a range that no trial could use is a mistake now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import pytest
from pydantic import create_model

from toolkit.contracts import SearchRange
from toolkit.recipe.plan import Plan
from toolkit.recipe.space_check import Known, default_space, space_problems

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
        '"loss.gamma" = {}',
        '"loss.alpha[3]" = { low = 0, high = 4 }',
        '"loss.alpha[0, 2]" = { choices = [1.0, 2.0] }',
        '"augment.tta.views" = { choices = [["identity"], ["identity", "rot180"]] }',
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
        (
            '"split.folds" = { low = 2, high = 5 }',
            "split.folds: [split] decides what a score is of; it cannot be searched",
        ),
        ('"tune.startup" = { low = 2, high = 5 }', "tune.startup: [tune] decides what a score is"),
        ('"loss.gamma[1]" = { low = 0.0, high = 1.0 }', "loss.gamma[1]: expected number >= 0"),
        ('"loss.alpha" = { low = 0.0, high = 1.0, log = 1 }', "loss.alpha: log: expected true or"),
        (
            '"loss.alpha" = { low = 0.1, high = 1.0, log = true, step = 0.1 }',
            "loss.alpha: log and step do not go together",
        ),
        (
            '"loss.alpha" = { low = 0.1, high = 1.0, step = 2.0 }',
            "loss.alpha: step (2.0) is larger than the range",
        ),
        (
            '"train.batch_size" = { low = 8, high = 64, step = 0.5 }',
            "train.batch_size: step: expected an integer > 0, found 0.5",
        ),
        ('"loss.gamma" = { choices = [1.0, 1.0] }', "loss.gamma: choices: a value is named twice"),
        (
            '"loss.gamma" = { low = 0.0, high = 1.0, when = { "loss.use" = "focal" } }',
            'loss.gamma: when: "loss.use" has no choices in [tune.space].',
        ),
        (
            '"loss.gamma" = { low = 0.0, high = 1.0, when = "focal" }',
            "loss.gamma: when: expected {",
        ),
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


CHOSEN = '"loss.use" = { choices = ["focal", "class_balanced", "cross_entropy"] }\n'


def test_an_entry_may_count_for_some_choices_of_another(minimal: str, plan_of: Planned) -> None:
    text = minimal + FOCAL + CHOSEN
    text += '"loss.alpha" = { low = 0, high = 1, when = { "loss.use" = "focal" } }\n'
    text += '"loss.gamma" = { when = { "loss.use" = ["focal", "class_balanced"] } }\n'
    text += '"loss.beta" = { low = 0.9, high = 0.99, when = { "loss.use" = "class_balanced" } }\n'
    space = plan_of(text).values["tune"]["space"]
    assert space["loss.gamma"]["high"] == 5.0
    assert space["loss.alpha"]["low"] == 0.0
    assert isinstance(space["loss.alpha"]["low"], float)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (
            '"loss.alpha" = { low = 0.0, high = 1.0 }',
            'loss.alpha: "class_balanced" has no option alpha; add when = '
            '{ "loss.use" = ["focal"] }',
        ),
        (
            '"loss.alpha" = { low = 0.0, high = 1.0, when = { "loss.use" = "focall" } }',
            'loss.alpha: when: "focall" is no choice of loss.use',
        ),
        (
            '"loss.beta" = { low = 0.9, high = 1.0, when = { "loss.use" = "class_balanced" } }',
            "loss.beta: expected number >= 0, < 1, found 1.0",
        ),
        (
            '"loss.beta" = { low = 0.1, high = 0.9, when = { "loss.use" = "focal" } }',
            "loss.beta: the recipe has no such key.",
        ),
        (
            '"sampler.use" = { choices = ["shuffle"], when = { "sampler.use" = "shuffle" } }',
            'sampler.use: when: "sampler.use" depends on this entry itself',
        ),
    ],
)
def test_a_condition_that_cannot_hold_is_a_mistake(
    entry: str, says: str, minimal: str, mistakes_of: Mistakes
) -> None:
    found = mistakes_of(minimal + FOCAL + CHOSEN + entry + "\n")
    line = 2 + (minimal + FOCAL).count("\n")
    assert found[0].startswith(f"recipe.toml:{line}: tune.space.{says}")


@pytest.mark.parametrize(
    "second", ['"loss.alpha"', '"loss.alpha[1]"', '"loss.alpha[1, 2]"'], ids=["whole", "one", "two"]
)
def test_one_value_is_searched_once(second: str, minimal: str, mistakes_of: Mistakes) -> None:
    text = minimal + FOCAL + '"loss.alpha[0,1]" = { low = 0.0, high = 1.0 }\n'
    (found,) = mistakes_of(text + second + " = { low = 0.0, high = 1.0 }\n")
    assert '"loss.alpha[0,1]" searches the same value' in found


def test_without_a_space_the_learning_rate_and_alpha_are_searched(
    minimal: str, plan_of: Planned
) -> None:
    focal = plan_of(minimal + '[loss]\nuse = "focal"\n').values["tune"]["space"]
    assert list(focal) == ["optimizer.lr", "loss.alpha"]
    assert list(plan_of(minimal).values["tune"]["space"]) == ["optimizer.lr"]


def test_a_whole_number_stays_one_and_a_number_becomes_one(minimal: str, plan_of: Planned) -> None:
    text = minimal + FOCAL + '"loss.gamma" = { low = 0, high = 2 }\n'
    text += '"train.batch_size" = { low = 8, high = 16 }\n'
    space = plan_of(text).values["tune"]["space"]
    assert [type(v) for v in space["loss.gamma"].values()] == [float, float]
    assert [type(v) for v in space["train.batch_size"].values()] == [int, int]


def test_a_proxy_cannot_train_more_folds_than_there_are(
    minimal: str, mistakes_of: Mistakes
) -> None:
    (found,) = mistakes_of(minimal + "[split]\nfolds = 3\n[tune.proxy]\nfolds = 4\n")
    assert "tune.proxy.folds: expected at most split.folds = 3, found 4" in found


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


TIMES = FOCAL.replace("[tune", "gamma = 2.0\nalpha = 0.5\n\n[train]\nepochs = 4\n\n[tune")
AROUND = [
    ('"optimizer.lr" = { times = [0.1, 5] }', {"low": 1e-4, "high": 5e-3, "log": True}),
    ('"optimizer.lr" = { times = [0.1, 5], log = false }', {"low": 1e-4, "high": 5e-3}),
    ('"loss.gamma" = { times = [0.5, 2], step = 0.5 }', {"low": 1.0, "high": 4.0, "step": 0.5}),
    # A whole number's bounds are whole, and lie inside: 1.6 to 10.
    ('"train.epochs" = { times = [0.4, 2.5] }', {"low": 2, "high": 10, "log": True}),
    # A range ends where its option does: a momentum is below 1, an alpha is 1 at most.
    ('"optimizer.momentum" = { times = [0.5, 2] }', {"low": 0.45, "high": 0.9999, "log": True}),
    ('"loss.alpha" = { times = [0.2, 5] }', {"low": 0.1, "high": 1.0, "log": True}),
    # Between 3.6 and 4.4 is 4 alone; its neighbour comes with it.
    ('"train.epochs" = { times = [0.9, 1.1] }', {"low": 4, "high": 5, "log": True}),
    # The recipe's own value need not lie inside.
    ('"optimizer.lr" = { times = [2, 4] }', {"low": 2e-3, "high": 4e-3, "log": True}),
]


@pytest.mark.parametrize(("ranges", "bounds"), AROUND)
def test_a_range_may_be_around_the_recipes_value(
    ranges: str, bounds: dict[str, float], minimal: str, plan_of: Planned
) -> None:
    (entry,) = plan_of(minimal + TIMES + ranges + "\n").values["tune"]["space"].values()
    assert {key: value for key, value in entry.items() if value is not False} == bounds
    assert [type(entry[key]) for key in ("low", "high")] == [type(bounds["low"])] * 2


@pytest.mark.parametrize(
    ("ranges", "says"),
    [
        ('"image.fit" = { times = [1, 2] }', 'the recipe has "letterbox", no number; write { low'),
        ('"train.label_smoothing" = { times = [0.5, 2] }', "the recipe has 0.0, which is not abov"),
        ('"loss.alpha[1]" = { times = [0.5, 2] }', "the recipe has no value; write { low, high }"),
        ('"image.size" = { times = [2] }', "expected two factors, such as [0.1, 5], found [2]"),
        ('"image.size" = { times = 2 }', "expected two factors, such as [0.1, 5], found 2"),
        ('"image.size" = { times = [2, true] }', "expected two factors, such as [0.1, 5], found"),
        ('"image.size" = { times = [2, 1] }', "expected two factors above 0, the lower one first"),
        ('"image.size" = { times = [0, 1] }', "expected two factors above 0, the lower one first"),
        ('"image.size" = { times = [1, inf] }', "expected two factors above 0, the lower one fir"),
        ('"optimizer.lr" = { times = [1, 2], low = 1 }', "unknown key 'low' (times, log, step)."),
        ('"optimizer.lr" = { times = [1, 2], log = 1 }', "log: expected true or false, found 1"),
        (
            '"optimizer.lr" = { times = [1, 2], log = true, step = 0.1 }',
            "log and step do not go together",
        ),
        ('"loss.use" = { times = [1, 2] }', "unknown key 'times' (low, high, log, step)."),
        ('"loss.alhpa" = { times = [1, 2] }', "the recipe has no such key."),
    ],
)
def test_what_no_range_can_be_around_is_a_mistake(
    ranges: str, says: str, minimal: str, mistakes_of: Mistakes
) -> None:
    found = mistakes_of(minimal + TIMES + ranges + "\n")
    line = 1 + (minimal + TIMES).count("\n")
    assert found[0].startswith(f"recipe.toml:{line}: tune.space.{ranges.split(chr(34))[1]}: ")
    assert says in found[0]


def test_places_of_a_list_have_a_range_around_their_own_value(
    minimal: str, plan_of: Planned, mistakes_of: Mistakes
) -> None:
    loss = '[loss]\nuse = "focal"\nalpha = [0.5, 0.25, 0.5]\n\n[tune.space]\n'
    text = minimal + loss + '"loss.alpha[0,2]" = { times = [0.5, 1.5] }\n'
    (entry,) = plan_of(text).values["tune"]["space"].values()
    assert (entry["low"], entry["high"]) == (0.25, 0.75)
    (found,) = mistakes_of(text.replace("[0,2]", "[0,1]"))
    assert "the recipe has [0.25, 0.5], no number" in found


def test_a_range_is_around_the_value_of_the_component_that_it_counts_for(
    minimal: str, mistakes_of: Mistakes
) -> None:
    text = minimal + FOCAL + CHOSEN
    text += '"loss.gamma" = { times = [0.5, 2], when = { "loss.use" = "class_balanced" } }\n'
    (found,) = mistakes_of(text)
    assert "loss.gamma: times: the recipe has no value" in found


def test_a_section_with_a_mistake_does_not_make_its_ranges_wrong(
    minimal: str, mistakes_of: Mistakes
) -> None:
    text = "[optimizer]\nlr = -1.0\n\n[tune.space]\n"
    (found,) = mistakes_of(minimal + text + '"optimizer.lr" = { times = [0.1, 5] }\n')
    assert "optimizer.lr: expected number > 0, found -1.0" in found


def test_the_default_range_of_the_learning_rate_is_around_the_recipes(
    minimal: str, plan_of: Planned
) -> None:
    text = minimal + "[optimizer]\nlr = 2e-2\n"
    space = plan_of(text).values["tune"]["space"]
    assert space == {"optimizer.lr": {"low": 2e-3, "high": 0.1, "log": True}}
    own = plan_of(text + '[tune.space]\n"optimizer.lr" = {}\n').values["tune"]["space"]
    assert own == space


def test_a_range_of_a_parent_is_replaced_not_mixed(minimal: str, plan_of: Planned) -> None:
    # base.toml says { times = [0.1, 5] }
    text = 'extends = "toolkit:base"\n' + minimal + '[loss]\nuse = "focal"\n[tune.space]\n'
    plan = plan_of(text + '"optimizer.lr" = { low = 1e-5, high = 3e-3, log = true }\n')
    low, high = 1e-5, 3e-3
    assert plan.values["tune"]["space"]["optimizer.lr"] == {"low": low, "high": high, "log": True}


@pytest.mark.parametrize(("temperature", "searched"), [(2.0, ["loss.temperature"]), (0.0, [])])
def test_by_default_a_range_around_nothing_is_not_searched(
    temperature: float, searched: list[str]
) -> None:
    """A recipe that names no space has made no mistake, and is run, too."""
    annotated = Annotated[float, SearchRange(times=(0.5, 2.0), by_default=True)]
    model = create_model("poly", temperature=(annotated, 1.0))
    loss = {"use": "acme.poly", "temperature": temperature}
    known = Known({("loss",): model}, lambda *_: None, lambda *_: None, {("loss",): loss})
    assert list(default_space(known)) == searched
    assert list(space_problems({}, known)) == []
