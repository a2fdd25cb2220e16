"""The signature is the schema: a factory's keyword-only arguments become a checked model.

Docs, bounds, defaults and error messages of a component all come from here.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from toolkit.errors import PluginError, cause
from toolkit.plugin.blame import whose
from toolkit.plugin.registry import KINDS, Entry

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

T = TypeVar("T")


@dataclass(frozen=True)
class Option:
    """One keyword-only argument of a factory, as people read it."""

    name: str
    type: str
    bounds: str
    default: str
    meaning: str


def options_model(entry: Entry) -> type[BaseModel]:
    """The pydantic model of a component's options.

    Raises `PluginError` where the signature does not fit the kind: wrong positional-only
    arguments, or an option without annotation or of a type that a recipe cannot say.
    """
    factory = entry.load()
    try:
        return _model_of(entry, factory)
    except PluginError as error:
        raise PluginError(f"{error}{whose(entry)}") from error


def _model_of(entry: Entry, factory: Callable[..., Any]) -> type[BaseModel]:
    where = f"{entry.kind} {entry.name} ({entry.target})"
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError) as error:
        raise PluginError(f"{where}: its signature cannot be read: {error}") from error
    given = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_ONLY)
    problem = host_arguments_problem(entry, given)
    if problem:
        raise PluginError(f"{where}: {problem}")
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind is parameter.POSITIONAL_ONLY:
            continue
        if parameter.kind is not parameter.KEYWORD_ONLY:
            raise PluginError(f"{where}: write {parameter.name!r} behind `*` (keyword-only)")
        if parameter.name.startswith("_"):
            raise PluginError(f"{where}: option {parameter.name!r} begins with an underscore")
        annotation = _annotation(factory, parameter, where)
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (annotation, default)
    try:
        return create_model(entry.name, __config__=STRICT, **fields)
    # Pydantic has its own errors, and what third-party annotations raise comes through as it is.
    except Exception as error:
        text = cause(error).partition(" For further information")[0]
        raise PluginError(f"{where}: no options model can be made: {text}") from error


def host_arguments_problem(entry: Entry, given: tuple[str, ...]) -> str:
    """What is wrong with a factory's positional-only arguments; empty where they fit the kind.

    Those that every factory of a kind gets have whatever names the author likes; those that it
    gets only if it asks for them are told by their names.
    """
    kind = KINDS[entry.kind]
    expected = (("name",) if entry.names else ()) + kind.host_arguments
    asked, behind = given[: len(expected)], given[len(expected) :]
    wrong = [name for name in behind if name not in kind.on_demand]
    if len(asked) == len(expected) and not wrong:
        return ""
    passes = ", ".join(expected) + ", /" if expected else "no positional-only argument"
    if kind.on_demand:
        passes += f" (and {' and '.join(kind.on_demand)}, where it names them before the /)"
    return f"the host passes {passes}; the factory takes {given or 'none'}"


def asked_on_demand(entry: Entry) -> tuple[str, ...]:
    """The arguments that a factory gets because it names them, in its order."""
    on_demand = KINDS[entry.kind].on_demand
    if not on_demand:
        return ()
    parameters = inspect.signature(entry.load()).parameters.values()
    given = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    return tuple(given[len(KINDS[entry.kind].host_arguments) :])


def _annotation(factory: Callable[..., Any], parameter: inspect.Parameter, where: str) -> Any:
    """The parameter's type, evaluated alone: its neighbours may name types that need torch."""
    if parameter.annotation is parameter.empty:
        raise PluginError(
            f"{where}: option {parameter.name!r} has no annotation; write its type, as in "
            f"`{parameter.name}: float{_shown_default(parameter)}`"
        )
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    function: Any = factory.__init__ if inspect.isclass(factory) else inspect.unwrap(factory)
    try:
        return eval(parameter.annotation, function.__globals__)
    # A wrong annotation raises in as many ways as there are expressions.
    except Exception as error:
        raise PluginError(
            f"{where}: the annotation of {parameter.name!r} cannot be read: {error}; "
            "import what it names at the top of its module, not under TYPE_CHECKING"
        ) from error


def _shown_default(parameter: inspect.Parameter) -> str:
    return "" if parameter.default is parameter.empty else f" = {parameter.default!r}"


def options(model: type[BaseModel]) -> Iterator[Option]:
    """The options of a component or of a recipe section, in order."""
    for name, info in model.model_fields.items():
        default = "required" if info.is_required() else toml_text(info.default)
        yield Option(
            name, type_text(info.annotation), _bounds(info), default, info.description or ""
        )


def marker(model: type[BaseModel] | None, option: str, kind: type[T]) -> T | None:
    """What an option's `Annotated[...]` says of it beside its bounds; None where it does not."""
    info = None if model is None else model.model_fields.get(option)
    found = [] if info is None else info.metadata
    return next((item for item in found if isinstance(item, kind)), None)


def type_text(annotation: Any) -> str:
    """A type as a researcher reads it: `number`, `"a" | "b"`, `list of integer`."""
    plain = {int: "integer", float: "number", str: "text", bool: "true or false"}
    if annotation in plain:
        return plain[annotation]
    if annotation is type(None):
        return "none"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(arguments[0])
    if origin is Literal:
        return " | ".join(toml_text(value) for value in arguments)
    if origin is list:
        return f"list of {type_text(arguments[0])}"
    if arguments:
        return " | ".join(type_text(a) for a in arguments if a is not type(None))
    return getattr(annotation, "__name__", str(annotation))


def _bounds(info: FieldInfo) -> str:
    """Constraints of the field, and of the alternatives of a union: `>= 0, <= 1`."""
    found = list(info.metadata)
    for part in get_args(info.annotation):
        if get_origin(part) is Annotated:
            found += [m for item in get_args(part)[1:] for m in getattr(item, "metadata", [item])]
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "at least"}
    texts = [
        f"{sign} {getattr(constraint, attribute)}"
        for constraint in found
        for attribute, sign in signs.items()
        if getattr(constraint, attribute, None) is not None
    ]
    return ", ".join(texts)


def toml_text(value: Any) -> str:
    """A value as a recipe writes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, which asks for one more.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_text(item) for item in value) + "]"
    if isinstance(value, Mapping):
        items = ", ".join(f"{toml_key(str(k))} = {toml_text(v)}" for k, v in value.items())
        return "{ " + items + " }"
    return repr(value)


def toml_key(key: str) -> str:
    bare = key and all(c.isascii() and (c.isalnum() or c in "_-") for c in key)
    return key if bare else toml_text(key)
