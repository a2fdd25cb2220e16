"""One line of `[tune.space]`: as Optuna samples it, and what the option that it searches means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticUndefined

from toolkit.contracts import Facts, PerClass
from toolkit.plugin.host import Host
from toolkit.plugin.registry import Entry
from toolkit.plugin.schema import marker, options_model, toml_text
from toolkit.recipe.lines import Keys
from toolkit.recipe.plan import Plan
from toolkit.recipe.slots import SLOTS

if TYPE_CHECKING:
    import optuna


_DIGITS = 4  # significant; more of them would be noise in a recipe that people read


@dataclass(frozen=True)
class Parameter:
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
    """Path of another parameter, and the choices of it for which this one counts."""
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    """What the option means, for each component that it may belong to."""

    def counts(self, values: Mapping[str, Any]) -> bool:
        """Whether a trial with these values of earlier parameters uses this one."""
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

    def __str__(self) -> str:
        """What is searched, in a line: `optimizer.lr 0.0002 to 0.01 (log)`."""
        if self.choices:
            return f"{self.path} {' | '.join(self.texts)}"
        how = " (log)" if self.log else "" if self.step is None else f" in steps of {self.step:g}"
        return f"{self.path} {self.low:g} to {self.top:g}{how}"

    @property
    def first(self) -> Any:
        """A value of the parameter: its first choice, or the low end of its range."""
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
class Meaning:
    """An option of one component."""

    value: Any = None
    """What it is where a trial does not search it: the recipe's value, or the default."""
    classes: PerClass | None = None
    """How it speaks of classes, if it does."""

    @property
    def number(self) -> Any:
        """The value; a number for a word that stands for one."""
        words = {} if self.classes is None else self.classes.words
        return words.get(self.value, self.value) if isinstance(self.value, str) else self.value

    @property
    def per_class(self) -> bool:
        """Whether it has a place for each class. A value that is not there yet will be a list."""
        return self.classes is not None or self.value is None or isinstance(self.value, list)

    def places(self, facts: Facts) -> list[float]:
        """The list that the value stands for, a number a class."""
        if isinstance(self.value, list):
            return list(self.value)
        weights = None
        if self.classes is not None and self.value is not None:
            weights = self.classes.weights(self.value, facts)
        return [1.0] * len(facts.classes) if weights is None else [float(w) for w in weights]


def meanings_of(plan: Plan, host: Host | None, keys: Keys) -> Mapping[str, Meaning]:
    """What the option at these keys means in each component that its section may hold: the one
    that the recipe chose, and those that the space offers."""
    *section, option = keys
    at = tuple(section)
    if at not in SLOTS or option == "use":
        return {}
    found = {}
    own = plan.choices.get(at)
    if own is not None:
        found[own.use] = _meaning(own.entry, option, own.options.get(option))
    offered = plan.values["tune"]["space"].get(".".join((*section, "use")), {}).get("choices", [])
    for use in offered if host is not None else ():
        entry = host.registry.get(SLOTS[at].kind, use) if host is not None else None
        if entry is not None and use not in found:
            found[use] = _meaning(entry, option, None)
    return found


def _meaning(entry: Entry, option: str, value: Any) -> Meaning:
    """Without a value, the option's default."""
    model = options_model(entry)
    field = model.model_fields.get(option)
    if value is None and field is not None and field.default is not PydanticUndefined:
        value = field.default
    return Meaning(value, marker(model, option, PerClass))
