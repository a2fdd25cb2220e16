"""Factories that are wrong whatever they build."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from broken_specimens.losses import CrossEntropy

# target_loads: there is no such function here.


def host_arguments_match(*, gamma: float = 2.0):
    """Takes no facts."""
    return CrossEntropy()


def options_annotated(facts, /, *, gamma=2.0):
    """An option of no known type."""
    return CrossEntropy()


def defaults_validate(facts, /, *, gamma: Annotated[float, Field(ge=0)] = -1.0):
    """A default below its own bound."""
    return CrossEntropy()


def docstring(facts, /):
    return CrossEntropy()


def toml_round_trip(facts, /, *, scales: tuple[float, ...] = (1.0, 2.0)):
    """TOML knows lists, no tuples."""
    return CrossEntropy()


def builds(facts, /):
    """Counts on a class that need not be there."""
    return facts.classes.index("invoice")
