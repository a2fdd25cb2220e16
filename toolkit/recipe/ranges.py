"""One entry of `[tune.space]`: choices, a range, or a range around the recipe's value.

`{ low, high, log, step }`, `{ choices }`, or `{ times = [0.1, 5] }`, from a tenth of the recipe's
value to five times it, on a logarithmic scale unless `log` or `step` says otherwise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from toolkit.contracts import SearchRange
from toolkit.errors import did_you_mean
from toolkit.plugin.schema import toml_text
from toolkit.recipe.lines import Keys

ProblemOf = Callable[[Any], str | None]
"""What is wrong with a value of the searched option, if anything."""

_INDEXED = re.compile(r"(.+)\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]")
_DIGITS = 12  # significant, of a bound: a tenth of 0.002 is 0.0002
_BISECTIONS = 30
_INSTEAD = "write { low, high } or { choices }"


class NoRange(ValueError):
    """Why there is no range around a value."""


def split_path(path: str) -> tuple[Keys, str, tuple[int, ...]]:
    """`"loss.alpha[1,4]"` is the section `("loss",)`, the option `alpha`, the classes `(1, 4)`."""
    match = _INDEXED.fullmatch(path)
    classes = tuple(int(part) for part in match.group(2).split(",")) if match else ()
    *section, option = (match.group(1) if match else path).split(".")
    return tuple(section), option, classes


def listed(value: Any) -> list[Any]:
    """A list as it is, a single value as a list of one."""
    return value if isinstance(value, list) else [value]


def choices_of(entry: Any) -> list[Any]:
    """The choices that an entry names; none where it is a range, or no entry at all."""
    choices = entry.get("choices") if isinstance(entry, Mapping) else None
    return choices if isinstance(choices, list) else []


def range_problems(given: Mapping[str, Any], problem_of: ProblemOf) -> Iterator[str]:
    """What is wrong with an entry; a range around a value has its bounds already."""
    allowed = ("choices",) if "choices" in given else ("low", "high", "log", "step")
    yield from _unknown(given, allowed)
    if "choices" in given:
        candidates = given["choices"]
        if not isinstance(candidates, list) or not candidates:
            yield f"choices: expected a list with values, found {toml_text(candidates)}"
            return
        if any(value in candidates[:place] for place, value in enumerate(candidates)):
            yield "choices: a value is named twice"
    else:
        candidates = [given.get("low"), given.get("high")]
        if not all(is_number(bound) for bound in candidates):
            yield "low and high are two numbers"
            return
        yield from _scale_problems(given, problem_of)
    for value in candidates:
        problem = problem_of(value)
        if problem is not None:
            yield problem


def times_problems(given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with `times`, whatever the value is that it is around."""
    yield from _unknown(given, ("times", "log", "step"))
    times = given["times"]
    if not isinstance(times, list) or len(times) != 2 or not all(map(is_number, times)):
        yield f"times: expected two factors, such as [0.1, 5], found {toml_text(times)}"
    elif not 0 < times[0] < times[1] or not math.isfinite(times[1]):
        yield f"times: expected two factors above 0, the lower one first, found {toml_text(times)}"


def around(given: Mapping[str, Any], value: Any, problem_of: ProblemOf) -> dict[str, Any]:
    """The entry with `low` and `high` in the place of its `times`, around a value.

    The range ends where the option does. That of a whole number holds one of its neighbours at
    least.

    Raises `NoRange` where there is none around this value.
    """
    if not is_number(value):
        found = "has no value" if value is None else f"has {toml_text(value)}, no number"
        raise NoRange(f"times: the recipe {found}; {_INSTEAD}")
    if value <= 0 or not math.isfinite(value):
        raise NoRange(f"times: the recipe has {value}, which is not above 0; {_INSTEAD}")
    whole = isinstance(value, int) and problem_of(value + 0.5) is not None
    lower, upper = given["times"]
    if whole:
        low = _allowed(value, lower, problem_of, math.ceil)
        high = _allowed(value, upper, problem_of, math.floor)
        if low >= high:
            high += problem_of(high + 1) is None
            low -= low >= high and problem_of(low - 1) is None
    else:
        low = _allowed(value, lower, problem_of, float)
        high = _allowed(value, upper, problem_of, float)
    if low >= high:
        raise NoRange(f"times: {toml_text(given['times'])} of {value} is no range; {_INSTEAD}")
    more = {key: setting for key, setting in given.items() if key != "times"}
    return {"low": low, "high": high, **({} if "step" in given else {"log": True}), **more}


def _allowed(
    value: float, factor: float, problem_of: ProblemOf, rounded: Callable[[float], float]
) -> float:
    """The factor of the value, or what comes nearest to it of what the option allows."""
    wanted = value * factor
    bound = rounded(float(f"{wanted:.{_DIGITS}g}"))
    if problem_of(bound) is None:
        return bound
    good, bad = float(value), wanted
    for _ in range(_BISECTIONS):
        middle = (good + bad) / 2
        good, bad = (middle, bad) if problem_of(rounded(middle)) is None else (good, middle)
    # An end that belongs to the option (at most 1), or lies just outside of it (below 1).
    for end in (f"{good:.3g}", f"{good - (good - value) / 1000:.4g}"):
        bound = rounded(float(end))
        if problem_of(bound) is None:
            return bound
    return value


def own_range(range_: SearchRange) -> dict[str, Any]:
    """The range that an option names itself, as `[tune.space]` writes it."""
    if range_.choices:
        return {"choices": list(range_.choices)}
    times = None if range_.times is None else list(range_.times)
    given = {"low": range_.low, "high": range_.high, "times": times, "step": range_.step}
    given["log"] = range_.log or None
    return {key: value for key, value in given.items() if value is not None}


def _unknown(given: Mapping[str, Any], allowed: tuple[str, ...]) -> Iterator[str]:
    for key in given:
        if key not in (*allowed, "when"):
            yield f"unknown key {key!r} ({', '.join(allowed)}).{did_you_mean(key, allowed)}"


def _scale_problems(given: Mapping[str, Any], problem_of: ProblemOf) -> Iterator[str]:
    low, high, log, step = given["low"], given["high"], given.get("log", False), given.get("step")
    if low >= high:
        yield f"low ({low}) must be below high ({high})"
        return
    if not isinstance(log, bool):
        yield f"log: expected true or false, found {toml_text(log)}"
    elif log and low <= 0:
        yield f"a logarithmic range starts above 0, not at {low}"
    if step is None:
        return
    whole = is_integer(given, problem_of)
    if not is_number(step) or step <= 0 or (whole and not isinstance(step, int)):
        yield f"step: expected {'an integer' if whole else 'a number'} > 0, found {toml_text(step)}"
    elif log is True:
        yield "log and step do not go together"
    elif step > high - low:
        yield f"step ({step}) is larger than the range"


def is_integer(given: Mapping[str, Any], problem_of: ProblemOf) -> bool:
    """Whether a value between two whole bounds must be whole."""
    low, high = given["low"], given["high"]
    whole = isinstance(low, int) and isinstance(high, int)
    return whole and problem_of(low) is None and problem_of(low + 0.5) is not None


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
