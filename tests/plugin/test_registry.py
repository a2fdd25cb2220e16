"""Entries: light to list, loaded when they are used, with an error that says what is wrong."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.errors import PluginError
from toolkit.plugin.host import load_host
from toolkit.plugin.registry import KINDS, Entry, Register
from toolkit.plugin.schema import options, options_model
from toolkit.plugin.target import load_target

BUILT_IN = {f"{entry.kind} {entry.name}": entry for entry in load_host({}, []).registry}


@pytest.mark.parametrize("what", BUILT_IN)
def test_every_built_in_component_explains_itself(what: str) -> None:
    entry = BUILT_IN[what]
    factory = entry.load()
    assert inspect.getdoc(factory), f"{entry.target} has no docstring"
    silent = [o.name for o in options(options_model(entry)) if not o.meaning]
    assert silent == [], f"options of {entry.target} without a description"


def test_every_kind_has_a_method_of_its_own() -> None:
    register = Register("acme", "acme-vision", "1", prefix="acme.")
    for kind in KINDS:
        getattr(register, kind)("thing", "acme.parts:thing", help="a thing")
    assert [(e.kind, e.name) for e in register.entries] == [(k, "acme.thing") for k in KINDS]


def test_only_timm_is_a_family_and_it_has_a_list_of_names() -> None:
    registry = load_host({}, []).registry
    assert [kind for kind in KINDS if registry.family(kind)] == ["backbone"]
    family = registry.family("backbone")
    assert family is not None
    names = family.family_names()
    assert {"efficientnet_b4", "convnext_base"} <= set(names)
    assert BUILT_IN["loss focal"].family_names() == []


def test_a_target_may_be_an_attribute_of_a_class(entry_of: Callable[..., Entry]) -> None:
    entry = entry_of("class make:\n    @staticmethod\n    def build(facts, /):\n        return 7\n")
    nested = Entry("loss", "acme.poly", f"{entry.target}.build", "help", "acme", "acme-vision", "1")
    assert nested.load()(None) == 7


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("made = 1\n", "has no attribute 'make'"),
        ("make = 0.5\n", "is a float, no factory"),
        ("import not_there\n", "No module named 'not_there'"),
        ("raise RuntimeError('no GPU here')\n", "RuntimeError: no GPU here"),
        ("def\n", "invalid syntax"),
    ],
)
def test_a_target_that_leads_nowhere_is_a_plugin_error(
    source: str, says: str, entry_of: Callable[..., Entry]
) -> None:
    entry = entry_of(source)
    with pytest.raises(PluginError) as caught:
        entry.load()
    assert str(caught.value).startswith(f"loss acme.poly: its target '{entry.target}' ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("meant_pack.losses:pol", "has no attribute 'pol'. Did you mean \"poly\"?"),
        (
            "meant_pack.lossses:poly",
            "No module named 'meant_pack.lossses'. Did you mean \"losses\"?",
        ),
        ("meant_pack.needy:poly", "No module named 'no_such_package' (FILE:1)"),
    ],
)
def test_a_target_that_leads_nowhere_gets_a_did_you_mean_and_one_that_fails_gets_none(
    target: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "meant_pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "losses.py").write_text("def poly(facts, /): ...\n")
    (package / "needy.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError) as caught:
        load_target(target, "loss acme.poly")
    assert str(caught.value).endswith(says.replace("FILE", str(package / "needy.py")))
    for name in [name for name in sys.modules if name.partition(".")[0] == "meant_pack"]:
        del sys.modules[name]
