"""What is wrong with a search space beside data and components: found before the first trial, and
told under the key that asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from toolkit.contracts import Facts
from toolkit.errors import RecipeError, UserError
from toolkit.plugin.host import Host
from toolkit.recipe.lines import Keys
from toolkit.recipe.load import DEFAULT
from toolkit.recipe.plan import Plan
from toolkit.train.components import check_components
from toolkit.tune.bench import Bench
from toolkit.tune.parameter import Parameter
from toolkit.tune.space import Space, component_of, space_of

if TYPE_CHECKING:
    pass


PROXY: Mapping[str, Keys] = {
    "image.size": ("tune", "proxy", "size"),
    "train.epochs": ("tune", "proxy", "epochs"),
}
"""The recipe's keys that `[tune.proxy]` lays values over, and its own names for them."""


def check_corners(plan: Plan, bench: Bench, host: Host) -> None:
    """Build the recipe as `[tune.proxy]` makes it cheaper, and with each component that the space
    offers, with what the space brings for it: what only building one can tell is found before the
    first trial.

    Raises `RecipeError` with what cannot be planned or built.
    """
    table = bench.data(plan).table
    space, facts, proxy = space_of(plan, host), bench.facts(plan), plan.proxy.values
    check_places(space, plan, facts)
    if proxy:
        with told_under(plan, PROXY, ("tune", "proxy")):
            check_components(bench.question.plan(host, proxy), table, bench.notify)
    for parameter in space.parameters:
        if parameter.keys[-1] != "use" or parameter.keys[0] == "optimizer":
            continue
        here = ("tune", "space", parameter.path)
        for use in parameter.choices:
            laid = space.overrides(space.corner(parameter, use, plan), plan, facts)
            for cheaper in [{}, proxy] if proxy else [{}]:
                asked = {**(PROXY if cheaper else {}), parameter.path: here}
                with told_under(plan, asked, here):
                    corner = bench.question.plan(host, {**laid, **cheaper})
                    check_components(corner, table, bench.notify)


def check_places(space: Space, plan: Plan, facts: Facts) -> None:
    """Raise `RecipeError` where a parameter names a class that the data does not have, or a class
    of an option that has no place for each."""
    wrong = [
        f"{plan.origins[('tune', 'space', parameter.path)]}: tune.space.{parameter.path}: {text}"
        for parameter in space.parameters
        for text in _place_problems(space, parameter, plan, facts)
    ]
    if wrong:
        raise RecipeError(*wrong)


def _place_problems(space: Space, parameter: Parameter, plan: Plan, facts: Facts) -> Iterator[str]:
    count, option = len(facts.classes), ".".join(parameter.keys)
    if not parameter.classes:
        return
    if max(parameter.classes) >= count:
        yield f"the data has {count} classes, 0 to {count - 1}"
        return
    use = ".".join((*parameter.keys[:-1], "use"))
    own = component_of(plan, parameter.keys)
    offered = next((each.choices for each in space.parameters if each.path == use), (own,))
    wanted = next((values for path, values in parameter.when if path == use), offered)
    for name in dict.fromkeys(name for name in wanted if name in offered):
        meaning = space.meaning(parameter, {use: name}, plan)
        if not meaning.per_class:
            yield (
                f"{name} does not say that {option} has a place for each class (PerClass); "
                f"write {option} as a list, or search it as a whole"
            )
        elif len(meaning.places(facts)) != count:
            yield f"{option} has {len(meaning.places(facts))} places, the data {count} classes"


@contextmanager
def told_under(plan: Plan, asked: Mapping[str, Keys], otherwise: Keys) -> Iterator[None]:
    """A mistake that is found inside names the keys of the recipe that were laid over.

    Args:
        plan: the recipe's, which knows where each key was written.
        asked: for each key that is laid over, the keys that ask for it.
        otherwise: the keys that a mistake without any of those is told under.
    """
    try:
        yield
    except UserError as error:
        raise RecipeError(*(_told(plan, line, asked, otherwise) for line in error.lines)) from error


def _told(plan: Plan, line: str, asked: Mapping[str, Keys], otherwise: Keys) -> str:
    if line.startswith(" "):  # goes on with the line above
        return line
    text = re.sub(r"^--set [^:]*: ", "", line)  # nobody set it on the command line
    found = [(key, keys) for key, keys in asked.items() if key in text]
    key, keys = found[0] if found else ("", otherwise)
    named = ".".join(keys)
    text = text.replace(key, named) if key else text
    return f"{_origin(plan, keys)}: {'' if text.startswith(named) else f'{named}: '}{text}"


def _origin(plan: Plan, keys: Keys) -> str:
    """Where a key was written, or the table around it."""
    for depth in range(len(keys), 0, -1):
        found = plan.origins.get(keys[:depth], DEFAULT)
        if found != DEFAULT:
            return str(found)
    return plan.path
