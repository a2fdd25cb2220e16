"""What a searched option means is its component's to say, and corners bring what they need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from toolkit.contracts import Facts, ignore
from toolkit.errors import RecipeError
from toolkit.plugin.host import Host, load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan
from toolkit.tune.asked import Question
from toolkit.tune.bench import Bench
from toolkit.tune.checks import check_corners, check_places
from toolkit.tune.space import space_of

LOSSES = """
from typing import Annotated, Literal
from pydantic import Field
from toolkit import hookimpl
from toolkit.contracts import PerClass, SearchRange

toolkit_plugin_api = 1

@hookimpl
def toolkit_register(register):
    for name in ("plain", "marked", "poly"):
        register.loss(name, f"meaning_losses:{name}", help=name)

def plain(facts, /, *, alpha: Annotated[float | list[float], Field(description="a")] = 3.0): ...

def tens(value, facts):
    return [10.0 * value] * len(facts.classes) if isinstance(value, float) else None

def marked(
    facts, /, *,
    weight: Annotated[
        Literal["off"] | float | list[float],
        PerClass(tens, {"off": 0.0}),
        SearchRange(0.0, 1.0, by_default=True),
        Field(description="w"),
    ] = 0.5,
    temperature: Annotated[float, SearchRange(0.5, 8.0, log=True), Field(description="t")] = 1.0,
): ...

def poly(facts, /, *, epsilon: Annotated[float, Field(ge=0.5, description="needed")]): ...
"""

BASE = """
[data]
use = "folder"
root = "pages"
[backbone]
use = "test_resnet"
pretrained = false
[loss]
use = "{loss}"
{options}
[tune.space]
{space}
"""

Planned = Callable[..., Plan]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    site = tmp_path_factory.mktemp("site")
    (site / "meaning_losses.py").write_text(LOSSES)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        yield load_host({}, [EntryPoint("acme", "meaning_losses", "toolkit")])
    sys.modules.pop("meaning_losses", None)


@pytest.fixture
def planned(host: Host, tmp_path: Path) -> Planned:
    def plan(loss: str, space: str, options: str = "") -> Plan:
        file = tmp_path / "recipe.toml"
        file.write_text(BASE.format(loss=loss, space=space, options=options))
        return make_plan(load_recipe(file, host=host), host)

    return plan


RANGE = "{ low = 0.0, high = 9.0 }"


def test_an_alpha_that_says_nothing_is_a_plain_number(
    planned: Planned, facts: Facts, host: Host
) -> None:
    plan = planned("acme.plain", f'"loss.alpha" = {RANGE}')
    space = space_of(plan, host)
    assert space.of_recipe(plan, facts) == {"loss.alpha": 3.0}
    assert space.overrides({"loss.alpha": 4.0}, plan, facts) == {"loss.alpha": 4.0}
    # and no space of its own makes it class weights
    assert "loss.alpha" not in planned("acme.plain", "").values["tune"]["space"]


def test_a_class_of_an_option_without_places_is_a_mistake(
    planned: Planned, facts: Facts, host: Host
) -> None:
    plan = planned("acme.plain", f'"loss.alpha[1]" = {RANGE}')
    with pytest.raises(RecipeError, match=r"acme\.plain does not say that loss\.alpha has a place"):
        check_places(space_of(plan, host), plan, facts)
    plan = planned("acme.plain", f'"loss.alpha[1]" = {RANGE}', "alpha = [1.0, 2.0]")
    with pytest.raises(RecipeError, match=r"loss\.alpha has 2 places, the data 3 classes"):
        check_places(space_of(plan, host), plan, facts)
    plan = planned("acme.plain", f'"loss.alpha[1]" = {RANGE}', "alpha = [1.0, 2.0, 3.0]")
    check_places(space_of(plan, host), plan, facts)


def test_an_option_of_any_name_may_have_a_place_for_each_class(
    planned: Planned, facts: Facts, host: Host
) -> None:
    plan = planned("acme.marked", f'"loss.weight[1]" = {RANGE}')
    space = space_of(plan, host)
    check_places(space, plan, facts)
    assert space.overrides({"loss.weight[1]": 7.0}, plan, facts) == {"loss.weight": [5.0, 7.0, 5.0]}
    plan = planned("acme.marked", f'"loss.weight" = {RANGE}', 'weight = "off"')
    assert space_of(plan).of_recipe(plan, facts) == {"loss.weight": 0.0}


def test_a_class_is_searched_as_the_component_of_the_trial_means_it(
    planned: Planned, facts: Facts, host: Host
) -> None:
    space = (
        '"loss.use" = { choices = ["focal", "acme.marked"] }\n'
        '"loss.weight[0]" = { low = 0.0, high = 9.0, when = { "loss.use" = "acme.marked" } }'
    )
    plan = planned("focal", space)
    values = {"loss.use": "acme.marked", "loss.weight[0]": 7.0}
    found = space_of(plan, host).overrides(values, plan, facts)
    assert found == {"loss.use": "acme.marked", "loss.weight": [7.0, 5.0, 5.0]}


def test_an_empty_entry_takes_the_range_of_its_option(planned: Planned) -> None:
    space = planned("acme.marked", '"loss.temperature" = {}').values["tune"]["space"]
    assert space == {"loss.temperature": {"low": 0.5, "high": 8.0, "log": True}}
    default = planned("acme.marked", "").values["tune"]["space"]
    assert list(default) == ["optimizer.lr", "loss.weight"]


@pytest.mark.parametrize("path", ["loss.alpha", "train.epochs", "loss.alpha[1]"])
def test_an_option_without_a_range_of_its_own_asks_for_one(path: str, planned: Planned) -> None:
    with pytest.raises(RecipeError, match="names no range, and has none of its own"):
        planned("acme.plain", f'"{path}" = {{}}')


NEEDS = (
    '"loss.use" = { choices = ["focal", "acme.poly"] }\n'
    '"loss.epsilon" = { low = 0.5, high = 2.0, when = { "loss.use" = "acme.poly" } }\n'
)


@pytest.mark.parametrize(
    "space",
    [
        NEEDS,
        NEEDS.replace("{ low = 0.5, high = 2.0,", "{ choices = [1.0, 2.0],"),
        # the choice itself depends on another
        NEEDS.replace('"acme.poly"] }', '"acme.poly"], when = { "sampler.use" = "balanced" } }')
        + '"sampler.use" = { choices = ["shuffle", "balanced"] }',
    ],
    ids=["range", "choices", "nested"],
)
def test_a_corner_brings_what_its_conditions_bring(
    space: str, planned: Planned, facts: Facts, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned("focal", space, "alpha = 0.3")
    question = Question(plan.path, {})
    data = SimpleNamespace(table=None)
    bench = SimpleNamespace(
        question=question, facts=lambda plan: facts, data=lambda plan: data, notify=ignore
    )
    corners: list[Plan] = []
    monkeypatch.setattr(
        "toolkit.tune.checks.check_components", lambda plan, table, notify: corners.append(plan)
    )
    check_corners(plan, cast(Bench, bench), host)
    found: dict[str, Any] = {p.values["loss"]["use"]: p.values for p in corners}
    assert found["acme.poly"]["loss"]["epsilon"] in (0.5, 1.0)
    assert found["focal"]["loss"]["alpha"] == 0.3
    if "sampler.use" in space:
        assert found["acme.poly"]["sampler"]["use"] == "balanced"
