"""A message about a value says what was expected, what was found, and guesses at what was meant."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field

from toolkit.errors import did_you_mean
from toolkit.plugin.schema import STRICT
from toolkit.recipe.problems import validate


class Poly(BaseModel):
    model_config = STRICT

    epsilon: Annotated[float, Field(gt=0, le=5, description="weight of the polynomial")]
    mode: Literal["mean", "sum"] = "mean"
    name: Annotated[str, Field(pattern="^[a-z]+$")] = "poly"
    steps: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"


def test_what_is_right_has_no_problems() -> None:
    checked, problems = validate(Poly, {"epsilon": 1})
    assert problems == []
    assert checked is not None
    assert checked.model_dump() == {"epsilon": 1.0, "mode": "mean", "name": "poly", "steps": "auto"}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, ("epsilon", "required, and missing (weight of the polynomial)")),
        ({"epsilon": 9.0}, ("epsilon", "expected number > 0, <= 5, found 9.0")),
        ({"epsilon": "1"}, ("epsilon", 'expected number > 0, <= 5, found "1"')),
        ({"epsilon": 1, "epsilom": 1}, ("epsilom", 'unknown key. Did you mean "epsilon"?')),
        ({"epsilon": 1, "x": 1}, ("x", "unknown key. Known: epsilon, mode, name, steps.")),
        (
            {"epsilon": 1, "mode": "maen"},
            ("mode", 'expected "mean" | "sum", found "maen". Did you mean "mean"?'),
        ),
        ({"epsilon": 1, "mode": 3}, ("mode", 'expected "mean" | "sum", found 3')),
        ({"epsilon": 1, "name": "P1"}, ("name", '"P1" does not match ^[a-z]+$')),
        ({"epsilon": 1, "steps": 0}, ("steps", 'expected "auto" | integer >= 1, found 0')),
        ({"epsilon": 1, "steps": [1]}, ("steps", 'expected "auto" | integer >= 1, found [1]')),
    ],
)
def test_a_wrong_option_is_one_problem(given: dict[str, Any], problem: tuple[str, str]) -> None:
    checked, problems = validate(Poly, given)
    assert checked is None
    assert problems == [problem]


def _odd(value: int) -> int:
    if value == 6:
        raise KeyError("six")
    if value % 2 == 0:
        raise ValueError("a kernel's side is odd")
    return value


class Blur(BaseModel):
    model_config = STRICT

    side: Annotated[int, AfterValidator(_odd)]


def test_an_authors_own_validator_speaks_for_itself() -> None:
    assert validate(Blur, {"side": 4})[1] == [("side", "a kernel's side is odd (found 4)")]


def test_a_validator_that_fails_is_a_problem_and_no_traceback() -> None:
    _, problems = validate(Blur, {"side": 6})
    assert problems == [("use", "its options cannot be checked: KeyError: 'six'")]


def test_every_wrong_option_is_found_at_once() -> None:
    _, problems = validate(Poly, {"mode": "max", "steps": 0, "x": 1})
    assert sorted(name for name, _ in problems) == ["epsilon", "mode", "steps", "x"]


@pytest.mark.parametrize(
    ("word", "guess"),
    [
        ("alhpa", ' Did you mean "alpha"?'),
        ("alph", ' Did you mean "alpha"?'),
        ("gama", ' Did you mean "gamma"?'),
        ("temperature", ""),
        ("", ""),
    ],
)
def test_only_a_word_that_is_close_is_suggested(word: str, guess: str) -> None:
    assert did_you_mean(word, ["alpha", "gamma"]) == guess
