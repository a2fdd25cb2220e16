"""Plugins load one by one, and a broken one never breaks the tool."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint

import pytest

import toolkit.builtin
from toolkit.plugin.host import load_host
from toolkit.plugin.registry import KINDS, Register

Install = Callable[..., EntryPoint]

HOOK = """
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    """

GOOD = HOOK + 'register.loss("poly", "acme.losses:poly", help="Poly-1")\n'

# What a plugin may do wrong: its source, and what the listed reason must say.
BROKEN = {
    "its module raises": ("raise ValueError('no licence file')\n", "ValueError: no licence file"),
    "its module exits": ("raise SystemExit(4)\n", "SystemExit: 4"),
    "its module is no Python": ("def\n", "SyntaxError: invalid syntax"),
    "it needs a missing package": ("import not_there\n", "No module named 'not_there'"),
    "it has no hook": ("answer = 42\n", "it implements no toolkit_register hook"),
    "its hook is not marked": (
        "def toolkit_register(register):\n    pass\n",
        "it implements no toolkit_register hook",
    ),
    "its hook is misspelt": (
        GOOD.replace("def toolkit_register", "def toolkit_registr"),
        "unknown hook 'toolkit_registr'",
    ),
    "its hook takes another argument": (
        HOOK.replace("(register)", "(registry)") + "pass\n",
        "'registry'",
    ),
    "its hook raises": (GOOD + "    raise RuntimeError('boom')\n", "RuntimeError: boom"),
    "it names a kind that is none": (
        HOOK + 'register.los("poly", "acme.losses:poly", help="Poly-1")\n',
        "has no attribute 'los'",
    ),
    "it registers a name twice": (
        GOOD + '    register.loss("poly", "acme.losses:poly2", help="Poly-2")\n',
        "registers the loss 'poly' twice",
    ),
    "its component has a bad name": (
        HOOK + 'register.loss("Poly-1", "acme.losses:poly", help="Poly-1")\n',
        'register.loss("Poly-1", "acme.losses:poly"): a name is lower-case',
    ),
    "its target is a dotted path": (
        HOOK + 'register.loss("poly", "acme.losses.poly", help="Poly-1")\n',
        'a target reads "package.module:factory"',
    ),
    "its help has two lines": (
        HOOK + 'register.loss("poly", "acme.losses:poly", help="Poly-1\\nand more")\n',
        "help is one line",
    ),
    "its help is blank": (
        HOOK + 'register.loss("poly", "acme.losses:poly", help=" ")\n',
        "help is one line",
    ),
    "it registers a family": (
        HOOK + 'register.backbone("hub", "acme:hub", help="any model", names="acme:names")\n',
        "only built-in components are families",
    ),
}


def test_built_in_components_come_through_the_hook_that_everyone_uses() -> None:
    register = Register("toolkit", "recipe-toolkit", "1", prefix="")
    toolkit.builtin.toolkit_register(register)
    offered = {(entry.kind, entry.name) for entry in register.entries}
    loaded = list(load_host({}, []).registry)
    assert {(entry.kind, entry.name) for entry in loaded} == offered
    assert {(entry.plugin, entry.package) for entry in loaded} == {("toolkit", "recipe-toolkit")}
    assert {entry.kind for entry in loaded} == set(KINDS)


def test_a_third_partys_component_carries_its_plugins_name_and_version(install: Install) -> None:
    host = load_host({}, [install("acme", GOOD)])
    assert host.set_aside == ()
    entry = host.registry.get("loss", "acme.poly")
    assert entry is not None
    assert (entry.plugin, entry.package, entry.version) == ("acme", "acme-vision", "1.2.3")
    assert host.registry.get("loss", "poly") is None


def test_a_plugin_without_a_distribution_loads_as_well(write_module: Callable[[str], str]) -> None:
    host = load_host({}, [EntryPoint("acme", write_module(GOOD), "toolkit")])
    entry = host.registry.get("loss", "acme.poly")
    assert entry is not None
    assert entry.package == "unknown"


def test_two_plugins_may_register_the_same_name(install: Install) -> None:
    points = [install("acme", GOOD), install("zeta", GOOD, package="zeta-vision")]
    names = load_host({}, points).registry.names("loss")
    assert {"acme.poly", "zeta.poly"} <= set(names)


def test_built_in_components_are_listed_before_third_parties(install: Install) -> None:
    names = load_host({}, [install("acme", GOOD)]).registry.names("loss")
    assert names[-1] == "acme.poly"
    assert names[:-1] == sorted(names[:-1])


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_plugin_is_set_aside_with_its_reason(what: str, install: Install) -> None:
    source, reason = BROKEN[what]
    broken = install("broke", source, package="broke-vision")
    host = load_host({}, [broken, install("zeta", GOOD, package="zeta-vision")])
    (aside,) = host.set_aside
    assert (aside.plugin, aside.package) == ("broke", "broke-vision")
    assert reason in aside.reason
    assert "\n" not in aside.reason
    plugins = {entry.plugin for entry in host.registry}
    assert plugins == {"toolkit", "zeta"}  # nothing of the broken one, all of the others


def test_a_plugin_whose_module_is_gone_is_set_aside() -> None:
    host = load_host({}, [EntryPoint("acme", "no_such_module_anywhere", "toolkit")])
    (aside,) = host.set_aside
    assert "No module named 'no_such_module_anywhere'" in aside.reason


def test_an_interruption_while_a_plugin_loads_is_no_broken_plugin(install: Install) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_host({}, [install("acme", "raise KeyboardInterrupt\n")])


@pytest.mark.parametrize("swapped", [False, True], ids=["in order", "swapped"])
def test_of_two_plugins_of_one_name_the_second_is_set_aside(
    swapped: bool, install: Install
) -> None:
    points = [install("acme", GOOD), install("acme", GOOD, package="other-vision")]
    host = load_host({}, reversed(points) if swapped else points)
    (aside,) = host.set_aside
    assert aside.package == "other-vision"
    assert aside.reason == "the plugin name 'acme' is taken by acme-vision"
    entry = host.registry.get("loss", "acme.poly")
    assert entry is not None
    assert entry.package == "acme-vision"


def test_nobody_takes_the_name_of_plugin_zero(install: Install) -> None:
    host = load_host({}, [install("toolkit", GOOD)])
    (aside,) = host.set_aside
    assert aside.reason == "the plugin name 'toolkit' is taken by recipe-toolkit"


@pytest.mark.parametrize(
    ("variable", "loaded"),
    [("acme", {"acme"}), (" zeta , acme", {"acme", "zeta"}), ("", set()), ("nobody", set())],
)
def test_toolkit_plugins_selects_what_loads(
    variable: str, loaded: set[str], install: Install
) -> None:
    points = [install("acme", GOOD), install("zeta", GOOD, package="zeta-vision")]
    host = load_host({"TOOLKIT_PLUGINS": variable}, points)
    assert {entry.plugin for entry in host.registry} == loaded | {"toolkit"}
    assert host.set_aside == ()
    imported = {point.name for point in points if point.module in sys.modules}
    assert imported == loaded  # what is not selected is not even imported


def test_installed_plugins_are_found_through_their_entry_points(install: Install) -> None:
    install("acme", GOOD)
    host = load_host({"TOOLKIT_PLUGINS": "acme"})
    assert host.registry.get("loss", "acme.poly") is not None


def test_the_host_knows_why_a_component_is_missing(install: Install) -> None:
    host = load_host({}, [install("acme", "raise ValueError('boom')\n")])
    assert host.reason_for("acme.poly") == "ValueError: boom"
    assert host.reason_for("zeta.poly") is None
