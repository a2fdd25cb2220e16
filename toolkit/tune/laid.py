"""Tells a mistake in what a study lays over the recipe under the key that asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from toolkit.errors import RecipeError, UserError
from toolkit.recipe.lines import Keys
from toolkit.recipe.load import DEFAULT
from toolkit.recipe.plan import Plan

PROXY: Mapping[str, Keys] = {
    "image.size": ("tune", "proxy", "size"),
    "train.epochs": ("tune", "proxy", "epochs"),
}
"""The recipe's keys that `[tune.proxy]` lays values over, and its own names for them."""


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
