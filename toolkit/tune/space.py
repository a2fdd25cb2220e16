"""The search space: as Optuna samples it, and as overrides of the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.builtin.losses import class_weights
from toolkit.contracts import Facts
from toolkit.errors import RecipeError
from toolkit.plugin.schema import toml_text
from toolkit.recipe.lines import Keys
from toolkit.recipe.plan import Plan
from toolkit.recipe.space import listed, split_path

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
                places = found.setdefault(key, place_values(plan, entry.keys, facts))
                for place in entry.classes:
                    places[place] = values[entry.path]
            else:
                found[key] = values[entry.path]
        return found

    def of_recipe(self, plan: Plan, facts: Facts) -> dict[str, Any]:
        """The recipe's own value for every entry that counts in it."""
        values: dict[str, Any] = {}
        for entry in self.entries:
            if not entry.counts(values):
                continue
            if entry.classes:
                places = place_values(plan, entry.keys, facts)
                values[entry.path] = sum(places[c] for c in entry.classes) / len(entry.classes)
            else:
                value = value_at(plan.values, entry.keys)
                values[entry.path] = 0.0 if entry.keys == ALPHA and value == "none" else value
        return values

    def incumbent(self, plan: Plan, facts: Facts) -> dict[str, Any]:
        """Optuna's parameters of the recipe as it is: its values, brought into their ranges."""
        values = self.of_recipe(plan, facts)
        found = {e.path: e.nearest(values[e.path]) for e in self.entries if e.path in values}
        return {path: value for path, value in found.items() if value is not None}


ALPHA = ("loss", "alpha")


def space_of(plan: Plan) -> Space:
    """The space of a checked recipe."""
    given: dict[str, Mapping[str, Any]] = dict(plan.values["tune"]["space"])
    ordered: list[Entry] = []
    while given:
        named = {entry.path for entry in ordered}
        ready = [path for path in given if set(given[path].get("when", {})) <= named]
        ordered += [_entry(path, given.pop(path)) for path in ready]
    return Space(tuple(ordered))


def check_places(space: Space, plan: Plan, facts: Facts) -> None:
    """Raise `RecipeError` where an entry names a class that the data does not have."""
    count = len(facts.classes)
    wrong = [
        f"{plan.origins[('tune', 'space', entry.path)]}: tune.space.{entry.path}: the data has "
        f"{count} classes, 0 to {count - 1}"
        for entry in space.entries
        if max(entry.classes, default=0) >= count
    ]
    if wrong:
        raise RecipeError(*wrong)


def value_at(values: Mapping[str, Any], keys: Keys) -> Any:
    """The recipe's value at these keys; None where it has none."""
    found: Any = values
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def place_values(plan: Plan, keys: Keys, facts: Facts) -> list[float]:
    """The list that the recipe's value stands for: its own, or the class weights of an alpha."""
    value = value_at(plan.values, keys)
    if isinstance(value, list):
        return list(value)
    weights = class_weights(value, facts) if keys == ALPHA and value is not None else None
    return [1.0] * len(facts.classes) if weights is None else weights


def tried(values: Mapping[str, Any]) -> str:
    """Values of a trial in one line: `optimizer.lr 0.0003, loss.alpha 0.5`."""
    return ", ".join(f"{path} {_text(value)}" for path, value in values.items())


def _entry(path: str, given: Mapping[str, Any]) -> Entry:
    section, option, classes = split_path(path)
    when = tuple((other, tuple(listed(wanted))) for other, wanted in given.get("when", {}).items())
    numbers = {key: given[key] for key in ("low", "high", "log", "step") if key in given}
    choices = tuple(given.get("choices", ()))
    return Entry(path, (*section, option), classes, choices, when=when, **numbers)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else toml_text(value)
