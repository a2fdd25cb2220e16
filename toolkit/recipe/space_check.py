"""Checks `[tune.space]`: which key of the recipe each range searches, and whether it may.

An entry is `"loss.alpha" = { low, high, log, step }`, `{ times }` around the recipe's value, or
`{ choices }` (`recipe/ranges.py`). `"loss.alpha[3]"` searches
one class's place in a list, `"loss.alpha[1,4]"` one value for several classes. `when` says for
which choices of other entries it counts: `when = { "loss.use" = "focal" }`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from toolkit.contracts import SearchRange
from toolkit.errors import did_you_mean
from toolkit.plugin.schema import marker, toml_text
from toolkit.recipe.lines import Keys
from toolkit.recipe.problems import WHOLE, validate
from toolkit.recipe.ranges import (
    NoRange,
    around,
    choices_of,
    is_integer,
    listed,
    own_range,
    range_problems,
    split_path,
    times_problems,
)
from toolkit.recipe.slots import SLOTS

# They decide what a score is of: trials that differ here could not be compared.
_NEVER = ("data", "labels", "split", "validate", "metric", "track", "execute", "tune")


@dataclass(frozen=True)
class Known:
    """What the planner knows of the recipe's sections."""

    models: Mapping[Keys, type[BaseModel]]
    """The options of each section, for the component that the recipe chose."""
    model_of: Callable[[Keys, Any], type[BaseModel] | None]
    """The options of another component for a section; None where there is none."""
    chooses: Callable[[Keys, Any], str | None]
    """What is wrong with a component's name, if anything."""
    values: Mapping[Keys, Mapping[str, Any]]
    """The recipe's own values in each section that is in order, and the component as `use`."""


def space_problems(space: Mapping[str, Any], known: Known) -> Iterator[tuple[Keys, str]]:
    """`(keys below tune.space, what is wrong)` for every mistake in the search space."""
    checks = _Checks(space or default_space(known), known)  # a component's range may be wrong, too
    for path, given in checks.space.items():
        for text in checks.entry(path, given):
            yield (path,), text
    yield from _overlaps(checks.space)


def default_space(known: Known) -> dict[str, Any]:
    """What a recipe without `[tune.space]` searches: the options that say so themselves, but for
    one whose range would be around a value that it has none around."""
    paths = [
        ".".join((*keys, option))
        for keys, model in known.models.items()
        for option in model.model_fields
        if keys[0] not in _NEVER
        and (range_ := marker(model, option, SearchRange)) is not None
        and range_.by_default
    ]
    checks = _Checks({path: {} for path in paths}, known)
    return {path: {} for path in paths if checks.no_range(path, {}) is None}


def resolved_space(space: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """A checked space with its defaults written out. The bounds of a number are floats, those of
    an integer integers: the option says which it is, not the way the bound is written."""
    space = space or default_space(known)
    checks = _Checks(space, known)
    found = {}
    for path, given in space.items():
        entry = checks.bounded(path, given)
        if "low" in entry and not checks.is_integer(path, entry):
            numbers = {"low", "high", "step"} & entry.keys()
            entry |= {key: float(entry[key]) for key in numbers}
        found[path] = entry
    return found


class _Checks:
    def __init__(self, space: Mapping[str, Any], known: Known) -> None:
        self.space, self.known = space, known
        self.names = [
            ".".join((*keys, name))
            for keys, model in known.models.items()
            for name in [*model.model_fields, *(["use"] if keys in SLOTS else [])]
            if keys[0] not in _NEVER
        ]

    def entry(self, path: str, given: Any) -> Iterator[str]:
        """What is wrong with one entry."""
        keys, option, _ = split_path(path)
        if keys and keys[0] in _NEVER and option in _fields(self.known.models.get(keys)):
            yield f"[{'.'.join(keys)}] decides what a score is of; it cannot be searched"
        elif not isinstance(given, Mapping):
            known = ".".join((*keys, option)) in self.names
            yield "expected { low, high } or { choices }" if known else self.no_such_key(path)
        elif wrong := list(self.condition(path, given.get("when", {}))):
            yield from wrong
        elif f"{'.'.join(keys)}.{option}" in self.names and option == "use":
            yield from range_problems(given, lambda use: self.known.chooses(keys, use))
        else:
            yield from self.value(path, given)

    def no_such_key(self, path: str) -> str:
        return f"the recipe has no such key.{did_you_mean(path, self.names)}"

    def condition(self, path: str, when: Any) -> Iterator[str]:
        if not isinstance(when, Mapping):
            yield f'when: expected {{ "section.use" = "name" }}, found {toml_text(when)}'
            return
        for other, wanted in when.items():
            choices = choices_of(self.space.get(other))
            if not choices:
                guess = did_you_mean(other, [p for p, e in self.space.items() if choices_of(e)])
                yield f'when: "{other}" has no choices in [tune.space].{guess}'
            elif path in self.leads_to(other):
                yield f'when: "{other}" depends on this entry itself'
            for value in listed(wanted) if choices else ():
                if value not in choices:
                    yield f"when: {toml_text(value)} is no choice of {other} ({toml_text(choices)})"

    def leads_to(self, path: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """An entry and all that its conditions name, and theirs."""
        entry = self.space.get(path)
        when = entry.get("when", {}) if isinstance(entry, Mapping) else {}
        found = {path}
        for other in when if isinstance(when, Mapping) and path not in seen else ():
            found |= self.leads_to(other, seen | {path})
        return found

    def value(self, path: str, given: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with an entry that searches an option."""
        keys, option, classes = split_path(path)
        models = self.models(path, given)
        having = {use: model for use, model in models.items() if option in _fields(model)}
        if not having or not keys:
            yield self.no_such_key(path)
            return
        if len(having) < len(models):
            without = next(use for use in models if use not in having)
            condition = toml_text({f"{'.'.join(keys)}.use": list(having)})
            yield f'"{without}" has no option {option}; add when = {condition}'
        entry = self.filled(path, given)
        if not entry.keys() - {"when"}:
            yield "names no range, and has none of its own: write { low, high } or { choices }"
        elif "times" in entry and (wrong := list(times_problems(entry))):
            yield from wrong
        elif (text := self.no_range(path, given)) is not None:
            yield text
        elif "times" not in entry or keys in self.known.values:
            entry = self.bounded(path, given)
            testers = [_tester(model, option, bool(classes)) for model in having.values()]
            yield from dict.fromkeys(t for tester in testers for t in range_problems(entry, tester))

    def filled(self, path: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The entry; one that only names its key gets the range that the option names itself, if
        all components that it counts for name the same."""
        _, option, classes = split_path(path)
        if given.keys() - {"when"} or classes:
            return dict(given)
        having = [m for m in self.models(path, given).values() if option in _fields(m)]
        ranges = [marker(model, option, SearchRange) for model in having]
        own = ranges[0] if ranges and all(r == ranges[0] for r in ranges) else None
        return {**({} if own is None else own_range(own)), **given}

    def no_range(self, path: str, given: Mapping[str, Any]) -> str | None:
        """Why an entry with `times` has no range around the recipe's value."""
        try:
            self.bounded(path, given)
        except NoRange as none:
            return str(none)
        return None

    def bounded(self, path: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The entry as `filled` gives it, with the bounds that its `times` mean.

        Raises `NoRange`. A section with mistakes has no values; it has its lines already.
        """
        keys, option, classes = split_path(path)
        entry = self.filled(path, given)
        if "times" not in entry or keys not in self.known.values:
            return entry
        testers = [
            _tester(model, option, bool(classes))
            for model in self.models(path, given).values()
            if option in _fields(model)
        ]

        def problem_of(value: Any) -> str | None:
            return next((text for test in testers if (text := test(value)) is not None), None)

        return around(entry, self.own_value(path, given), problem_of)

    def own_value(self, path: str, given: Mapping[str, Any]) -> Any:
        """The recipe's value, of a component for which the entry counts; None where it has none."""
        keys, option, classes = split_path(path)
        section, models = self.known.values[keys], self.models(path, given)
        if "" not in models and section.get("use") not in models:
            return None
        value = section.get(option)
        if not classes:
            return value
        places = value if isinstance(value, list) else []
        found = {places[place] if place < len(places) else None for place in classes}
        return found.pop() if len(found) == 1 else sorted(found, key=str)

    def models(self, path: str, given: Mapping[str, Any]) -> dict[str, type[BaseModel]]:
        """The options of every component that the section may hold while the entry counts."""
        keys, _, _ = split_path(path)
        use = ".".join((*keys, "use"))
        choices = choices_of(self.space.get(use))
        if not choices or keys == ("optimizer",):
            own = self.known.models.get(keys)
            return {} if own is None else {"": own}
        wanted = listed(given.get("when", {}).get(use, choices))
        found = {str(c): self.known.model_of(keys, c) for c in choices if c in wanted}
        return {name: model for name, model in found.items() if model is not None}

    def is_integer(self, path: str, entry: Mapping[str, Any]) -> bool:
        _, option, classes = split_path(path)
        having = [m for m in self.models(path, entry).values() if option in _fields(m)]
        return any(is_integer(entry, _tester(m, option, bool(classes))) for m in having)


def _overlaps(space: Mapping[str, Any]) -> Iterator[tuple[Keys, str]]:
    """A list and a place in it, or one place twice, cannot both be searched."""
    taken: dict[tuple[Keys, str], dict[int | None, str]] = {}
    for path in space:
        keys, option, classes = split_path(path)
        before = taken.setdefault((keys, option), {})
        others = [before[place] for place in (*classes, None) if place in before]
        others += list(before.values()) if not classes else []
        if others:
            yield (path,), f'"{others[0]}" searches the same value'
        before.update(dict.fromkeys(classes or (None,), path))


def _tester(model: type[BaseModel], option: str, in_list: bool) -> Callable[[Any], str | None]:
    """What is wrong with a value of the option, as a function of the value."""

    def problem_of(value: Any) -> str | None:
        _, problems = validate(model, {option: [value] if in_list else value})
        return next((text for name, text in problems if name in (option, WHOLE)), None)

    return problem_of


def _fields(model: type[BaseModel] | None) -> list[str]:
    return [] if model is None else list(model.model_fields)
