"""The JSON Schema of recipes knows what the planner knows."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from toolkit.plugin.host import Host
from toolkit.plugin.registry import Entry, Registry
from toolkit.recipe.jsonschema import recipe_schema
from toolkit.recipe.shipped import shipped_recipes
from toolkit.recipe.slots import FIXED, SECTIONS, SLOTS


def section_of(schema: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    for key in keys:
        schema = schema["properties"][key]
    return schema


def choice_of(section: dict[str, Any], use: str) -> dict[str, Any]:
    """The part of a component section for one component, with the rest of a family's names."""
    parts = section["anyOf"]
    exact = [p for p in parts if p["properties"]["use"].get("const") == use]
    return exact[0] if exact else parts[-1]


def test_the_schema_is_json_and_refuses_unknown_sections(host: Host) -> None:
    schema = recipe_schema(host)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["additionalProperties"] is False
    assert schema["required"] == []  # a child recipe may say as little as it likes
    assert set(schema["properties"]) == {"extends", "name", "seed"} | {k[0] for k in SECTIONS}


@pytest.mark.parametrize("keys", SECTIONS, ids=".".join)
def test_every_section_has_its_keys(keys: tuple[str, ...], host: Host) -> None:
    section = section_of(recipe_schema(host), keys)
    if keys in FIXED:
        inner = {k[-1] for k in SECTIONS if len(k) > len(keys) and k[: len(keys)] == keys}
        assert set(section["properties"]) == set(FIXED[keys].model_fields) | inner
        free = keys == ("labels", "relabel")  # a key for each class of the data
        assert bool(section["additionalProperties"]) is free
    elif keys in SLOTS:
        kind = SLOTS[keys].kind
        named = {p["properties"]["use"].get("const") for p in section["anyOf"]} - {None}
        loadable = set(host.registry.names(kind)) - {"timm", "acme.gone"}
        assert named == loadable


def test_a_component_has_its_options_with_bounds_defaults_and_meaning(host: Host) -> None:
    focal = choice_of(section_of(recipe_schema(host), ("loss",)), "focal")
    gamma = focal["properties"]["gamma"]
    assert (gamma["type"], gamma["minimum"], gamma["default"]) == ("number", 0, 2.0)
    assert "hard images" in gamma["description"]
    assert focal["additionalProperties"] is False


def test_any_other_backbone_has_the_options_of_timms(host: Host) -> None:
    section = section_of(recipe_schema(host), ("backbone",))
    timm = choice_of(section, "efficientnet_b4")
    assert "drop_rate" in timm["properties"]
    assert timm["properties"]["use"]["not"] == {"enum": ["acme.tiny"]}


def test_one_component_that_cannot_be_read_spoils_no_schema(host: Host) -> None:
    entry = Entry("loss", "acme.odd", "builtins:type", "help", "acme", "acme-vision", "1")
    registry = Registry()
    registry.add([*host.registry, entry])
    section = section_of(recipe_schema(Host(registry)), ("loss",))
    named = {p["properties"]["use"]["const"] for p in section["anyOf"]}
    assert named == {"cross_entropy", "focal", "class_balanced"}


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_key_of_a_shipped_recipe_is_in_the_schema(name: str, shipped_host: Host) -> None:
    schema = recipe_schema(shipped_host)
    values = tomllib.loads(shipped_recipes()[name].read_text(encoding="utf-8"))
    assert set(values) <= set(schema["properties"])
    for keys in SECTIONS[:-1]:
        section: Any = values
        for key in keys:
            section = section.get(key, {})
        part = section_of(schema, keys)
        if "anyOf" in part:
            part = choice_of(part, section.get("use", ""))
        assert set(section) <= set(part["properties"]), keys
