"""The signature is the schema: types, bounds, defaults and meaning come from the factory."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from toolkit.errors import PluginError
from toolkit.plugin.registry import Entry
from toolkit.plugin.schema import (
    Option,
    asked_on_demand,
    options,
    options_model,
    toml_key,
    toml_text,
    type_text,
)

EntryOf = Callable[..., Entry]

IMPORTS = """
from typing import TYPE_CHECKING, Annotated, Literal
from pydantic import Field

if TYPE_CHECKING:
    from torch import nn
"""

FACTORY = """
def make(
    facts,
    /,
    *,
    power: Annotated[int, Field(ge=1, lt=9, description="of the polynomial")],
    epsilon: Annotated[float, Field(gt=0)] = 1.0,
    mode: Literal["mean", "sum"] = "mean",
    alpha: Annotated[
        Literal["none"] | Annotated[float, Field(ge=0, le=1)] | list[float],
        Field(description="weights"),
    ] = "none",
    views: Annotated[list[str], Field(min_length=1)] = ["identity"],
    file: str | None = None,
    exact: bool = True,
) -> "nn.Module":
    '''Poly loss.'''
    return power
"""

EXPECTED = [
    Option("power", "integer", ">= 1, < 9", "required", "of the polynomial"),
    Option("epsilon", "number", "> 0", "1.0", ""),
    Option("mode", '"mean" | "sum"', "", '"mean"', ""),
    Option("alpha", '"none" | number | list of number', ">= 0, <= 1", '"none"', "weights"),
    Option("views", "list of text", "at least 1", '["identity"]', ""),
    Option("file", "text", "", "none", ""),
    Option("exact", "true or false", "", "true", ""),
]

CLASS = """
class make:
    '''A loss.'''

    def __init__(self, facts, /, *, width: Annotated[int, Field(ge=1)] = 8) -> None:
        self.width = width
"""

WRAPPED = """
import functools

def logged(function):
    @functools.wraps(function)
    def inner(*args, **options):
        return function(*args, **options)
    return inner

@logged
def make(facts, /, *, width: Annotated[int, Field(ge=1)] = 8):
    return width
"""

FUTURE = "from __future__ import annotations\n"


@pytest.mark.parametrize("future", ["", FUTURE], ids=["evaluated", "strings"])
def test_a_signature_becomes_options_that_people_read(future: str, entry_of: EntryOf) -> None:
    entry = entry_of(future + IMPORTS + FACTORY)
    assert list(options(options_model(entry))) == EXPECTED


@pytest.mark.parametrize("future", ["", FUTURE], ids=["evaluated", "strings"])
@pytest.mark.parametrize("source", [CLASS, WRAPPED], ids=["class", "decorated"])
def test_classes_and_decorated_functions_are_factories_too(
    source: str, future: str, entry_of: EntryOf
) -> None:
    model = options_model(entry_of(future + IMPORTS + source))
    assert list(options(model)) == [Option("width", "integer", ">= 1", "8", "")]


def test_an_option_may_use_names_of_its_own_module(entry_of: EntryOf) -> None:
    source = "Share = Annotated[float, Field(ge=0, le=1)]\ndef make(f, /, *, p: Share = 0.5): ...\n"
    model = options_model(entry_of(FUTURE + IMPORTS + source))
    assert list(options(model)) == [Option("p", "number", ">= 0, <= 1", "0.5", "")]


def test_a_factory_without_options_has_none(entry_of: EntryOf) -> None:
    assert list(options(options_model(entry_of("def make(facts, /): ...\n")))) == []


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"power": 2, "epsilom": 1.0}, "epsilom"),
        ({"power": 2.5}, "power"),
        ({"power": True}, "power"),
        ({"power": "2"}, "power"),
        ({"power": 0}, "power"),
        ({"power": 9}, "power"),
        ({}, "power"),
        ({"power": 2, "epsilon": 0.0}, "epsilon"),
        ({"power": 2, "epsilon": float("inf")}, "epsilon"),
        ({"power": 2, "epsilon": float("nan")}, "epsilon"),
        ({"power": 2, "mode": "max"}, "mode"),
        ({"power": 2, "alpha": 1.5}, "alpha"),
        ({"power": 2, "alpha": [float("inf")]}, "alpha"),
        ({"power": 2, "views": []}, "views"),
        ({"power": 2, "exact": 1}, "exact"),
    ],
)
def test_a_wrong_value_is_refused_at_its_option(
    given: dict[str, Any], wrong: str, entry_of: EntryOf
) -> None:
    model = options_model(entry_of(FUTURE + IMPORTS + FACTORY))
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    assert {error["loc"][0] for error in caught.value.errors()} == {wrong}


def test_right_values_are_taken_and_a_whole_number_is_a_number(entry_of: EntryOf) -> None:
    model = options_model(entry_of(FUTURE + IMPORTS + FACTORY))
    given = {"power": 8, "epsilon": 2, "alpha": [1.0, 2.0], "mode": "sum"}
    checked = model.model_validate(given).model_dump()
    assert checked == given | {"views": ["identity"], "file": None, "exact": True}
    assert isinstance(checked["epsilon"], float)


@pytest.mark.parametrize(
    ("kind", "signature", "says"),
    [
        ("loss", "*, a: int = 1", "the host passes facts, /; the factory takes none"),
        ("loss", "facts, spec, /", "the factory takes ('facts', 'spec')"),
        ("sampler", "", "the host passes labels, /"),
        ("sampler", "labels, sites, /", "(and groups and parents, where it names them before"),
        ("loss", "facts, groups, /", "the host passes facts, /; the factory takes ('facts', 'gr"),
        ("source", "facts, /", "the host passes no positional-only argument"),
        ("loss", "facts", "the host passes facts, /"),
        ("loss", "facts, /, alpha: float = 1.0", "write 'alpha' behind `*`"),
        ("loss", "facts, /, **rest", "write 'rest' behind `*`"),
        ("loss", "facts, /, *, alpha=1.0", "write its type, as in `alpha: float = 1.0`"),
        ("loss", "facts, /, *, a: Tensor = 1", "import what it names at the top of its module"),
        ("loss", "facts, /, *, a: int.nothing = 1", "the annotation of 'a' cannot be read"),
        ("loss", "facts, /, *, a: object() = 1", "no options model can be made"),
        ("loss", "facts, /, *, a: Pattern = 1", "no options model can be made"),
        ("loss", "facts, /, *, _a: int = 1", "option '_a' begins with an underscore"),
    ],
)
def test_a_signature_that_does_not_fit_is_a_plugin_error(
    kind: str, signature: str, says: str, entry_of: EntryOf
) -> None:
    wrong = (
        "Pattern = Annotated[int, Field(ge='x')]\n"  # pydantic's core raises an error of its own
    )
    entry = entry_of(f"{FUTURE}{IMPORTS}{wrong}def make({signature}): ...\n", kind)
    with pytest.raises(PluginError) as caught:
        options_model(entry)
    assert str(caught.value).startswith(f"{kind} acme.poly ({entry.target}): ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("signature", "asked"),
    [
        ("labels, /", ()),
        ("y, /, *, a: int = 1", ()),
        ("labels, groups, /", ("groups",)),
        ("labels, parents, /", ("parents",)),
        ("y, parents, groups, /, *, a: int = 1", ("parents", "groups")),
    ],
)
def test_a_sampler_gets_groups_and_parents_where_it_names_them(
    signature: str, asked: tuple[str, ...], entry_of: EntryOf
) -> None:
    entry = entry_of(f"{FUTURE}{IMPORTS}def make({signature}): ...\n", "sampler")
    options_model(entry)
    assert asked_on_demand(entry) == asked


def test_no_other_kind_is_passed_more_on_demand(entry_of: EntryOf) -> None:
    assert asked_on_demand(entry_of(f"{FUTURE}{IMPORTS}def make(facts, /): ...\n")) == ()


def test_a_factory_without_a_signature_is_a_plugin_error(entry_of: EntryOf) -> None:
    entry = entry_of("make = type\n")  # of a few built-ins Python knows no signature
    with pytest.raises(PluginError, match="signature"):
        options_model(entry)


def test_the_factory_of_a_family_gets_the_chosen_name_first(entry_of: EntryOf) -> None:
    family = entry_of("def make(name, facts, /, *, a: int = 1): ...\n", "backbone", "names")
    assert [o.name for o in options(options_model(family))] == ["a"]
    plain = entry_of("def make(facts, /, *, a: int = 1): ...\n", "backbone", "names")
    with pytest.raises(PluginError, match="the host passes name, facts, /"):
        options_model(plain)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "integer"),
        (float | None, "number"),
        (list[int], "list of integer"),
        (Literal["auto"] | Annotated[int, Field(ge=0)], '"auto" | integer'),
        (Literal[1, True], "1 | true"),
        (list[Literal["a", "b"]], 'list of "a" | "b"'),
        (bytes, "bytes"),
    ],
)
def test_a_type_reads_as_a_researcher_says_it(annotation: Any, text: str) -> None:
    assert type_text(annotation) == text


@pytest.mark.parametrize(
    "value",
    [
        0,
        -3,
        0.1,
        1e-05,
        3e20,
        True,
        False,
        "",
        'say "no" to C:\\new',
        "two\nlines\tand a tab",
        "bell \x07, return \r, delete \x7f",
        "Größe 寸法",
        [1, [2.5, "x"]],
        {"low": 1e-05, "high": 0.003, "log": True},
        {"a.b": {"": [1]}, "c d": {}},
    ],
)
def test_what_toml_text_writes_tomllib_reads_back(value: Any) -> None:
    assert tomllib.loads(f"value = {toml_text(value)}")["value"] == value


@pytest.mark.parametrize("key", ["lr", "drop-rate", "2", "optimizer.lr", "", "größe", 'a "b"'])
def test_what_toml_key_writes_tomllib_reads_back(key: str) -> None:
    assert tomllib.loads(f"{toml_key(key)} = 1") == {key: 1}
    assert toml_key("lr") == "lr"
