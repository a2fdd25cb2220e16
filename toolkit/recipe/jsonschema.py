"""The JSON Schema of recipes, for editors that complete and check TOML."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from toolkit.errors import PluginError
from toolkit.plugin.host import Host
from toolkit.plugin.schema import options_model
from toolkit.recipe.lines import Keys
from toolkit.recipe.sections import SCHEDULES, Top
from toolkit.recipe.slots import FIXED, METRIC, SLOTS, Slot


def recipe_schema(host: Host) -> dict[str, Any]:
    """Every section with its keys; a component's options apply where `use` names it."""
    schema = _schema(Top)
    schema["required"] = []
    properties = schema["properties"]
    properties["extends"] = {"type": "string", "description": "the recipe that this one changes"}
    for keys, model in FIXED.items():
        _put(properties, keys, _schema(model))
    _put(properties, ("schedule",), _one_of({n: _schema(m) for n, m in SCHEDULES.items()}))
    metric = _component(host, Slot("metric", None))
    own = {part["properties"]["use"]["const"]: part for part in metric["anyOf"]}
    named = {"type": "object", "properties": own, "additionalProperties": metric}
    _put(properties, METRIC, named)
    for keys, slot in SLOTS.items():
        _put(properties, keys, _component(host, slot))
    properties["tune"]["properties"]["space"] = {"type": "object"}
    schema |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "recipe"}
    return schema


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _put(properties: dict[str, Any], keys: Keys, schema: dict[str, Any]) -> None:
    for key in keys[:-1]:
        outer = {"type": "object", "properties": {}, "additionalProperties": False}
        properties = properties.setdefault(key, outer)["properties"]
    properties[keys[-1]] = schema


def _component(host: Host, slot: Slot) -> dict[str, Any]:
    known = {}
    for entry in host.registry:
        if entry.kind != slot.kind or entry.names is not None:
            continue
        try:
            known[entry.name] = _schema(options_model(entry))
        except PluginError:
            continue  # `toolkit plugins show` says what is wrong with it
    family = host.registry.family(slot.kind)
    other = None if family is None else _schema(options_model(family))
    own = {} if slot.host is None else _schema(slot.host)["properties"]
    return _one_of(known, other, own)


def _one_of(
    known: dict[str, dict[str, Any]],
    other: dict[str, Any] | None = None,
    own: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """One schema for each `use`; `own` are keys that stand beside any of them."""
    choices = [_with(schema, {"use": {"const": name}, **own}) for name, schema in known.items()]
    if other is not None:
        free = {"type": "string", "not": {"enum": list(known)}}
        choices.append(_with(other, {"use": free, **own}))
    return {"type": "object", "anyOf": choices}


def _with(schema: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "properties": {**more, **schema.get("properties", {})}}
