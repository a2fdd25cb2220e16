"""What a searched option means: its component says it, in the option's annotation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticUndefined

from toolkit.contracts import Facts, PerClass
from toolkit.plugin.host import Host
from toolkit.plugin.registry import Entry
from toolkit.plugin.schema import marker, options_model
from toolkit.recipe.lines import Keys
from toolkit.recipe.plan import Plan
from toolkit.recipe.slots import SLOTS


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
