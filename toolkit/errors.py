"""The exception tree, and words that errors share. An exception knows which exit code the command
line ends with."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable
from typing import Any


class ToolkitError(Exception):
    """Anything that toolkit raises on purpose. Exit code 1: our fault."""

    exit_code = 1


class UserError(ToolkitError):
    """A mistake that the user can mend: arguments, recipe, data, environment. Exit code 2.

    Takes one line a mistake, so that all of them are shown together.
    """

    exit_code = 2

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class RecipeError(UserError):
    """The recipe cannot be planned; one line a mistake, each with its file and line."""


class DataError(UserError):
    """The data table or an image is faulty; one line a fault."""


class PluginError(UserError):
    """A plugin registers something that the registry cannot take."""


class RunError(UserError):
    """A run folder is missing, in use by another process, or not what it should be."""


class MachineError(UserError):
    """The machine refuses: a full disk, no permission, no memory, a process that was killed."""


def did_you_mean(word: str, known: Iterable[str], *, at_least: float = 0.6) -> str:
    """` Did you mean "alpha"?`, or nothing where no known word is as alike as that (0 to 1)."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=at_least)
    return f' Did you mean "{close[0]}"?' if close else ""


def listed(items: Iterable[Any], limit: int = 5, between: str = ", ") -> str:
    """The first few items, and how many more there are."""
    texts = [str(item) for item in items]
    more = f"{between}and {len(texts) - limit} more" if len(texts) > limit else ""
    return between.join(texts[:limit]) + more


def in_shell(word: object) -> str:
    """A path or an option as one pastes it into a shell behind a command: quoted where it must
    be, and never mistaken for an option."""
    text = str(word)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def cause(error: BaseException) -> str:
    """What third-party code raised, in one line: `ValueError: no licence file`."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception as failure:  # noqa: BLE001 - a third party's `__str__` may raise, too
        text = f"(its text cannot be made: {type(failure).__name__})"
    if not isinstance(error, ToolkitError):
        text = f"{name}: {text}" if text else name
    return " ".join(text.split())
