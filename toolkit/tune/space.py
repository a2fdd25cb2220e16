"""The search space: a value for each parameter that counts, laid over the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose
from typing import TYPE_CHECKING, Any

from toolkit.contracts import Facts
from toolkit.plugin.host import Host
from toolkit.plugin.schema import toml_text
from toolkit.recipe.lines import Keys
from toolkit.recipe.plan import Plan
from toolkit.recipe.ranges import listed, split_path
from toolkit.tune.parameter import Meaning, meanings_of

if TYPE_CHECKING:
    import optuna
from toolkit.tune.parameter import Parameter


@dataclass(frozen=True)
class Space:
    """What a study searches, conditions before what depends on them."""

    parameters: tuple[Parameter, ...]

    @property
    def conditional(self) -> bool:
        return any(parameter.when for parameter in self.parameters)

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """Sample a value for every parameter that counts."""
        values: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.counts(values):
                values[parameter.path] = parameter.suggest(trial)
        return values

    def overrides(self, values: Mapping[str, Any], plan: Plan, facts: Facts) -> dict[str, Any]:
        """What to lay over the recipe, by dotted keys.

        Args:
            facts: of the whole training table; class weights that a trial does not search stay
                what the recipe makes them there.
        """
        found: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.path not in values:
                continue
            key = ".".join(parameter.keys)
            if parameter.classes:
                meaning = self.meaning(parameter, values, plan)
                places = found.setdefault(key, meaning.places(facts))
                for place in parameter.classes:
                    places[place] = values[parameter.path]
            else:
                found[key] = values[parameter.path]
        return found

    def meaning(self, parameter: Parameter, values: Mapping[str, Any], plan: Plan) -> Meaning:
        """What a parameter's option means in the component that a trial with these values uses."""
        own = component_of(plan, parameter.keys)
        use = values.get(".".join((*parameter.keys[:-1], "use")), own)
        return parameter.meanings.get(use, Meaning(value_at(plan.values, parameter.keys)))

    def corner(self, parameter: Parameter, choice: Any, plan: Plan) -> dict[str, Any]:
        """The least that a trial with this choice has: the choice, what the parameter itself
        depends on, and a value of each parameter that counts beside them only."""
        by_path = {each.path: each for each in self.parameters}
        fixed: dict[str, Any] = {}

        def hold(path: str, value: Any) -> None:
            fixed[path] = value
            for other, wanted in by_path[path].when:
                if other not in fixed:
                    hold(other, wanted[0])

        hold(parameter.path, choice)
        values: dict[str, Any] = {}
        for each in self.parameters:
            if each.path in fixed:
                values[each.path] = fixed[each.path]
            elif each.when and each.counts({**self._unsearched(plan), **values}):
                values[each.path] = each.first
        return values

    def _unsearched(self, plan: Plan) -> dict[str, Any]:
        """The recipe's own choices, for parameters that a corner leaves alone."""
        return {e.path: value_at(plan.values, e.keys) for e in self.parameters if not e.when}

    def of_recipe(self, plan: Plan, facts: Facts) -> dict[str, Any]:
        """The recipe's own value for every parameter that counts in it."""
        values: dict[str, Any] = {}
        for parameter in self.parameters:
            if not parameter.counts(values):
                continue
            meaning = self.meaning(parameter, {}, plan)
            if parameter.classes:
                places = meaning.places(facts)
                values[parameter.path] = sum(places[c] for c in parameter.classes) / len(
                    parameter.classes
                )
            else:
                own = meaning.value in parameter.choices
                values[parameter.path] = meaning.value if own else meaning.number
        return values

    def incumbent(self, plan: Plan, facts: Facts) -> dict[str, Any]:
        """Optuna's parameters of the recipe as it is: its values, brought into their ranges."""
        values = self.of_recipe(plan, facts)
        found = {e.path: e.nearest(values[e.path]) for e in self.parameters if e.path in values}
        return {path: value for path, value in found.items() if value is not None}

    def holds(self, plan: Plan, facts: Facts) -> bool:
        """Whether the recipe as it is lies in the space: else its parameters are the nearest."""
        values, found = self.of_recipe(plan, facts), self.incumbent(plan, facts)
        for parameter in self.parameters:
            if parameter.path not in values or (parameter.choices and parameter.path in found):
                continue
            if parameter.path not in found or not isclose(
                found[parameter.path], values[parameter.path]
            ):
                return False
            places = self.meaning(parameter, {}, plan).places(facts) if parameter.classes else []
            if len({places[place] for place in parameter.classes}) > 1:
                return False  # several classes, and one value for them
        return True


def space_of(plan: Plan, host: Host | None = None) -> Space:
    """The space of a checked recipe.

    Args:
        host: knows the components that the space offers; without it, what an option means is
            known of the recipe's own.
    """
    given: dict[str, Mapping[str, Any]] = dict(plan.values["tune"]["space"])
    ordered: list[Parameter] = []
    while given:
        named = {parameter.path for parameter in ordered}
        ready = [path for path in given if set(given[path].get("when", {})) <= named]
        ordered += [_entry(path, given.pop(path), plan, host) for path in ready]
    return Space(tuple(ordered))


def value_at(values: Mapping[str, Any], keys: Keys) -> Any:
    """The recipe's value at these keys; None where it has none."""
    found: Any = values
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def component_of(plan: Plan, keys: Keys) -> Any:
    """The component that the recipe chose for the section of an option; None for a fixed one."""
    return value_at(plan.values, (*keys[:-1], "use"))


def tried(values: Mapping[str, Any]) -> str:
    """Values of a trial in one line: `optimizer.lr 0.0003, loss.alpha 0.5`."""
    return ", ".join(f"{path} {_text(value)}" for path, value in values.items())


def _entry(path: str, given: Mapping[str, Any], plan: Plan, host: Host | None) -> Parameter:
    section, option, classes = split_path(path)
    when = tuple((other, tuple(listed(wanted))) for other, wanted in given.get("when", {}).items())
    numbers = {key: given[key] for key in ("low", "high", "log", "step") if key in given}
    choices = tuple(given.get("choices", ()))
    meanings = meanings_of(plan, host, (*section, option))
    return Parameter(
        path, (*section, option), classes, choices, when=when, meanings=meanings, **numbers
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else toml_text(value)
