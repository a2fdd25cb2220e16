"""Checks `[tune.space]`: which key of the recipe each range searches, and whether it may."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from toolkit.plugin.schema import toml_text
from toolkit.recipe.lines import Keys
from toolkit.recipe.problems import did_you_mean, validate
from toolkit.recipe.sections import SLOTS

Chooses = Callable[[Keys, Any], str | None]


def space_problems(
    space: Mapping[str, Any], models: Mapping[Keys, type[BaseModel]], chooses: Chooses
) -> Iterator[tuple[Keys, str]]:
    """`(keys below tune.space, what is wrong)` for every mistake in the search space."""
    known = [
        ".".join((*keys, name)) for keys, model in models.items() for name in model.model_fields
    ]
    known += [".".join((*keys, "use")) for keys in models if keys in SLOTS]
    for path, given in space.items():
        *section, option = path.split(".")
        keys = tuple(section)
        if path not in known:
            yield (path,), f"the recipe has no such key.{did_you_mean(path, known)}"
        elif not isinstance(given, Mapping):
            yield (path,), "expected { low, high } or { choices }"
        else:
            for text in _range_problems(given, keys, option, models.get(keys), chooses):
                yield (path,), text


def _range_problems(
    given: Mapping[str, Any],
    keys: Keys,
    option: str,
    model: type[BaseModel] | None,
    chooses: Chooses,
) -> Iterator[str]:
    allowed = ("choices",) if "choices" in given else ("low", "high", "log", "step")
    for key in given:
        if key not in allowed:
            yield f"unknown key {key!r} ({', '.join(allowed)}).{did_you_mean(key, allowed)}"
    if "choices" in given:
        choices = given["choices"]
        if not isinstance(choices, list) or not choices:
            yield f"choices: expected a list with values, found {toml_text(choices)}"
            return
        candidates = choices
    else:
        low, high = given.get("low"), given.get("high")
        numbers = [v for v in (low, high) if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) < 2:
            yield "low and high are two numbers"
            return
        if numbers[0] >= numbers[1]:
            yield f"low ({low}) must be below high ({high})"
        if given.get("log") and numbers[0] <= 0:
            yield f"a logarithmic range starts above 0, not at {low}"
        candidates = [low, high]
    for value in candidates:
        problem = chooses(keys, value) if option == "use" else _value_problem(model, option, value)
        if problem is not None:
            yield problem


def _value_problem(model: type[BaseModel] | None, option: str, value: Any) -> str | None:
    assert model is not None
    _, problems = validate(model, {option: value})
    return next((text for name, text in problems if name == option), None)
