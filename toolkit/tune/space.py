"""The search space: as Optuna samples it, and as overrides of the recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isclose
from typing import TYPE_CHECKING, Any

from toolkit.contracts import Facts
from toolkit.errors import RecipeError
from toolkit.plugin.host import Host
from toolkit.plugin.schema import toml_text
from toolkit.recipe.lines import Keys
from toolkit.recipe.plan import Plan
from toolkit.recipe.space import listed, split_path
from toolkit.tune.meaning import Meaning, meanings_of

if TYPE_CHECKING:
    import optuna

_DIGITS = 4  # significant; more of them would be noise in a recipe that people read


@dataclass(frozen=True)
class Entry:
    """One line of `[tune.space]`."""

    path: str
    keys: Keys
    """Of the recipe's value: `("loss", "alpha")`."""
    classes: tuple[int, ...]
    """Places in the list that the value is; empty for a whole value."""
    choices: tuple[Any, ...]
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """Path of another entry, and the choices of it for which this one counts."""
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    """What the option means, for each component that it may belong to."""

    def counts(self, values: Mapping[str, Any]) -> bool:
        """Whether a trial with these values of earlier entries uses this one."""
        return all(path in values and values[path] in wanted for path, wanted in self.when)

    def suggest(self, trial: optuna.Trial) -> Any:
        if self.choices:
            return self.choices[self.texts.index(trial.suggest_categorical(self.path, self.texts))]
        if isinstance(self.low, int):
            step = int(self.step or 1)
            return trial.suggest_int(self.path, self.low, int(self.top), log=self.log, step=step)
        value = trial.suggest_float(
            self.path, self.low, self.top, log=self.log, step=None if self.log else self.step
        )
        return min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.top)

    @property
    def texts(self) -> list[str]:
        """The choices as Optuna keeps them: text, since some are lists."""
        plain = all(isinstance(choice, str) for choice in self.choices)
        return [choice if plain else toml_text(choice) for choice in self.choices]

    @property
    def top(self) -> float:
        """The highest value of the grid, or of the range."""
        if self.step is None:
            return self.high
        steps = int((self.high - self.low) / self.step + 1e-9)
        return float(f"{self.low + steps * self.step:.12g}")

    @property
    def first(self) -> Any:
        """A value of the entry: its first choice, or the low end of its range."""
        return self.choices[0] if self.choices else self.low

    def nearest(self, value: Any) -> Any:
        """Optuna's parameter for a value of the recipe; None where the space has none for it."""
        if self.choices:
            return self.texts[self.choices.index(value)] if value in self.choices else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        value = min(max(value, self.low), self.top)
        if self.step is not None:
            value = self.low + round((value - self.low) / self.step) * self.step
        return int(value) if isinstance(self.low, int) else float(f"{value:.12g}")


@dataclass(frozen=True)
class Space:
    """What a study searches, conditions before what depends on them."""

    entries: tuple[Entry, ...]

    @property
    def conditional(self) -> bool:
        return any(entry.when for entry in self.entries)

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """Sample a value for every entry that counts."""
        values: dict[str, Any] = {}
        for entry in self.entries:
            if entry.counts(values):
                values[entry.path] = entry.suggest(trial)
        return values

    def overrides(self, values: Mapping[str, Any], plan: Plan, facts: Facts) -> dict[str, Any]:
        """What to lay over the recipe, by dotted keys.

        Args:
            facts: of the whole training table; class weights that a trial does not search stay
                what the recipe makes them there.
        """
        found: dict[str, Any] = {}
        for entry in self.entries:
            if entry.path not in values:
                continue
            key = ".".join(entry.keys)
            if entry.classes:
                meaning = self.meaning(entry, values, plan)
                places = found.setdefault(key, meaning.places(facts))
                for place in entry.classes:
                    places[place] = values[entry.path]
            else:
                found[key] = values[entry.path]
        return found

    def meaning(self, entry: Entry, values: Mapping[str, Any], plan: Plan) -> Meaning:
        """What an entry's option means in the component that a trial with these values uses."""
        use = values.get(".".join((*entry.keys[:-1], "use")), _use(plan, entry.keys))
        return entry.meanings.get(use, Meaning(value_at(plan.values, entry.keys)))

    def corner(self, entry: Entry, choice: Any, plan: Plan) -> dict[str, Any]:
        """The least that a trial with this choice has: the choice, what the entry itself depends
        on, and a value of each entry that counts beside them only."""
        by_path = {each.path: each for each in self.entries}
        fixed: dict[str, Any] = {}

        def hold(path: str, value: Any) -> None:
            fixed[path] = value
            for other, wanted in by_path[path].when:
                if other not in fixed:
                    hold(other, wanted[0])

        hold(entry.path, choice)
        values: dict[str, Any] = {}
        for each in self.entries:
            if each.path in fixed:
                values[each.path] = fixed[each.path]
            elif each.when and each.counts({**self._unsearched(plan), **values}):
                values[each.path] = each.first
        return values

    def _unsearched(self, plan: Plan) -> dict[str, Any]:
        """The recipe's own choices, for entries that a corner leaves alone."""
        return {e.path: value_at(plan.values, e.keys) for e in self.entries if not e.when}

    def of_recipe(self, plan: Plan, facts: Facts) -> dict[str, Any]:
        """The recipe's own value for every entry that counts in it."""
        values: dict[str, Any] = {}
        for entry in self.entries:
            if not entry.counts(values):
                continue
            meaning = self.meaning(entry, {}, plan)
            if entry.classes:
                places = meaning.places(facts)
                values[entry.path] = sum(places[c] for c in entry.classes) / len(entry.classes)
            else:
                own = meaning.value in entry.choices
                values[entry.path] = meaning.value if own else meaning.number
        return values

    def incumbent(self, plan: Plan, facts: Facts) -> dict[str, Any]:
        """Optuna's parameters of the recipe as it is: its values, brought into their ranges."""
        values = self.of_recipe(plan, facts)
        found = {e.path: e.nearest(values[e.path]) for e in self.entries if e.path in values}
        return {path: value for path, value in found.items() if value is not None}

    def holds(self, plan: Plan, facts: Facts) -> bool:
        """Whether the recipe as it is lies in the space: else its parameters are the nearest."""
        values, found = self.of_recipe(plan, facts), self.incumbent(plan, facts)
        for entry in self.entries:
            if entry.path not in values or (entry.choices and entry.path in found):
                continue
            if entry.path not in found or not isclose(found[entry.path], values[entry.path]):
                return False
            places = self.meaning(entry, {}, plan).places(facts) if entry.classes else []
            if len({places[place] for place in entry.classes}) > 1:
                return False  # several classes, and one value for them
        return True


def space_of(plan: Plan, host: Host | None = None) -> Space:
    """The space of a checked recipe.

    Args:
        host: knows the components that the space offers; without it, what an option means is
            known of the recipe's own.
    """
    given: dict[str, Mapping[str, Any]] = dict(plan.values["tune"]["space"])
    ordered: list[Entry] = []
    while given:
        named = {entry.path for entry in ordered}
        ready = [path for path in given if set(given[path].get("when", {})) <= named]
        ordered += [_entry(path, given.pop(path), plan, host) for path in ready]
    return Space(tuple(ordered))


def check_places(space: Space, plan: Plan, facts: Facts) -> None:
    """Raise `RecipeError` where an entry names a class that the data does not have, or a class of
    an option that has no place for each."""
    wrong = [
        f"{plan.origins[('tune', 'space', entry.path)]}: tune.space.{entry.path}: {text}"
        for entry in space.entries
        for text in _place_problems(space, entry, plan, facts)
    ]
    if wrong:
        raise RecipeError(*wrong)


def _place_problems(space: Space, entry: Entry, plan: Plan, facts: Facts) -> Iterator[str]:
    count, option = len(facts.classes), ".".join(entry.keys)
    if not entry.classes:
        return
    if max(entry.classes) >= count:
        yield f"the data has {count} classes, 0 to {count - 1}"
        return
    use = ".".join((*entry.keys[:-1], "use"))
    offered = next((e.choices for e in space.entries if e.path == use), (_use(plan, entry.keys),))
    wanted = next((values for path, values in entry.when if path == use), offered)
    for name in dict.fromkeys(name for name in wanted if name in offered):
        meaning = space.meaning(entry, {use: name}, plan)
        if not meaning.per_class:
            yield (
                f"{name} does not say that {option} has a place for each class (PerClass); "
                f"write {option} as a list, or search it as a whole"
            )
        elif len(meaning.places(facts)) != count:
            yield f"{option} has {len(meaning.places(facts))} places, the data {count} classes"


def value_at(values: Mapping[str, Any], keys: Keys) -> Any:
    """The recipe's value at these keys; None where it has none."""
    found: Any = values
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _use(plan: Plan, keys: Keys) -> Any:
    """The component that the recipe chose for the section of an option; None for a fixed one."""
    return value_at(plan.values, (*keys[:-1], "use"))


def tried(values: Mapping[str, Any]) -> str:
    """Values of a trial in one line: `optimizer.lr 0.0003, loss.alpha 0.5`."""
    return ", ".join(f"{path} {_text(value)}" for path, value in values.items())


def _entry(path: str, given: Mapping[str, Any], plan: Plan, host: Host | None) -> Entry:
    section, option, classes = split_path(path)
    when = tuple((other, tuple(listed(wanted))) for other, wanted in given.get("when", {}).items())
    numbers = {key: given[key] for key in ("low", "high", "log", "step") if key in given}
    choices = tuple(given.get("choices", ()))
    meanings = meanings_of(plan, host, (*section, option))
    return Entry(
        path, (*section, option), classes, choices, when=when, meanings=meanings, **numbers
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else toml_text(value)
