"""Says what is wrong with a value, in a line that helps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from toolkit.errors import cause, did_you_mean
from toolkit.plugin.schema import Option, options, toml_text

WHOLE = "use"
"""Where a fault of no single option is shown: at the line that chooses the component."""

Model = TypeVar("Model", bound=BaseModel)


def validate(
    model: type[Model], given: Mapping[str, Any]
) -> tuple[Model | None, list[tuple[str, str]]]:
    """The checked model, or None and `(option, what is wrong)` for every faulty option.

    Where an annotation itself fails, the option is `WHOLE`.
    """
    try:
        return model.model_validate(dict(given)), []
    except ValidationError as error:
        return None, list(_explained(model, given, error))
    # A validator in a third party's annotation may raise anything.
    except Exception as error:  # noqa: BLE001
        return None, [(WHOLE, f"its options cannot be checked: {cause(error)}")]


def _explained(
    model: type[BaseModel], given: Mapping[str, Any], error: ValidationError
) -> Iterator[tuple[str, str]]:
    known = {option.name: option for option in options(model)}
    seen = set()
    for detail in error.errors():
        name = str(detail["loc"][0])
        if name in seen:  # a union reports each of its alternatives
            continue
        seen.add(name)
        if detail["type"] == "extra_forbidden":
            yield name, f"unknown key.{did_you_mean(name, known) or _all(known)}"
        elif detail["type"] == "missing":
            yield name, f"required, and missing ({known[name].meaning or known[name].type})"
        elif detail["type"] == "string_pattern_mismatch":
            yield name, f"{toml_text(given[name])} does not match {detail['ctx']['pattern']}"
        elif detail["type"] in ("value_error", "assertion_error"):  # a validator's own words
            yield name, f"{detail['ctx']['error']} (found {toml_text(given[name])})"
        else:
            # A section whose keys are the recipe's own knows none of them.
            option = known.get(name, Option(name, "text", "", "", ""))
            bounds = f" {option.bounds}" if option.bounds else ""
            found = toml_text(given[name])
            yield name, f"expected {option.type}{bounds}, found {found}" + _guess(given, option)


def _all(known: Iterable[str]) -> str:
    names = ", ".join(known)
    return f" Known: {names}." if names else " There are no options."


def _guess(given: Mapping[str, Any], option: Option) -> str:
    """A did-you-mean for an option that takes one of a few words."""
    value = given[option.name]
    words = [part.strip().strip('"') for part in option.type.split("|") if '"' in part]
    guess = did_you_mean(value, words) if isinstance(value, str) else ""
    return f".{guess}" if guess else ""
