"""Plugins load one by one, and a broken one never breaks the tool."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import toolkit.builtin
from toolkit.plugin.api import PLUGIN_API
from toolkit.plugin.host import HEAVY, Loaded, load_host
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
    "it has no hook": ("answer = 42\n", "it implements no hook; mark"),
    "its hook is not marked": (
        "def toolkit_register(register):\n    pass\n",
        "toolkit_register is not marked with @toolkit.hookimpl",
    ),
    "its hook is misspelt": (
        GOOD.replace("def toolkit_register", "def toolkit_registr"),
        "unknown hook 'toolkit_registr'. Did you mean \"toolkit_register\"?",
    ),
    "its hook takes another argument": (
        HOOK.replace("(register)", "(registry)") + "pass\n",
        "toolkit_register has no argument 'registry'; it has register.",
    ),
    "its hook raises": (GOOD + "    raise RuntimeError('boom')\n", "RuntimeError: boom"),
    "it names a kind that is none": (
        HOOK + 'register.los("poly", "acme.losses:poly", help="Poly-1")\n',
        "register has no method 'los'; it has source, augmentation, backbone, loss, sampler, "
        'ensembler, metric, tracker, executor, command, recipes. Did you mean "loss"?',
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
    "its command has a bad name": (
        HOOK + 'register.command("Label me", "acme.commands:label", help="label pages")\n',
        'register.command("Label me", "acme.commands:label"): a name is lower-case',
    ),
    "it registers a command twice": (
        HOOK + 'register.command("label", "acme:a", help="a")\n'
        '    register.command("label", "acme:b", help="b")\n',
        "registers the command 'label' twice",
    ),
    "its recipes are a path": (
        HOOK + 'register.recipes("acme/recipes")\n',
        'register.recipes("acme/recipes"): a folder reads "package.folder"',
    ),
    "it has two folders of recipes": (
        HOOK + 'register.recipes("acme.a")\n    register.recipes("acme.b")\n',
        'register.recipes("acme.b"): this plugin has a folder of recipes already',
    ),
    "it raises what is no exception": (
        "class Gone(BaseException): ...\nraise Gone('fishing')\n",
        "Gone: fishing",
    ),
    "it was built for a later API": (
        f"toolkit_plugin_api = {PLUGIN_API + 1}\n" + GOOD,
        f"built for version {PLUGIN_API + 1} of the plugin API, and recipe-toolkit has "
        f"{PLUGIN_API}; update recipe-toolkit",
    ),
    "it was built for an earlier API": (
        "toolkit_plugin_api = 0\n" + GOOD,
        f"built for version 0 of the plugin API, and recipe-toolkit has {PLUGIN_API}; "
        "update broke-vision",
    ),
    "its API version is no number": (
        "toolkit_plugin_api = '1.0'\n" + GOOD,
        f"write toolkit_plugin_api = {PLUGIN_API}",
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
    assert aside.reason.startswith("the plugin name 'acme' is taken by acme-vision; rename one")
    entry = host.registry.get("loss", "acme.poly")
    assert entry is not None
    assert entry.package == "acme-vision"


def test_nobody_takes_the_name_of_plugin_zero(install: Install) -> None:
    host = load_host({}, [install("toolkit", GOOD)])
    (aside,) = host.set_aside
    assert aside.reason.startswith("the plugin name 'toolkit' is taken by recipe-toolkit")


@pytest.mark.parametrize(
    ("variable", "loaded"),
    [("acme", {"acme"}), (" zeta , acme", {"acme", "zeta"}), ("", set()), (",", set())],
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
    reason = host.reason_for("acme.poly")
    assert reason is not None
    assert reason.startswith("ValueError: boom (acme-vision 1.2.3, ")
    assert reason.endswith(".py:1)")
    assert host.reason_for("zeta.poly") is None


def test_a_plugin_that_toolkit_plugins_names_and_nobody_installed_is_told(
    install: Install,
) -> None:
    host = load_host({"TOOLKIT_PLUGINS": "acme,amce"}, [install("acme", GOOD)])
    (aside,) = host.set_aside
    assert (aside.plugin, aside.package) == ("amce", "not installed")
    assert aside.reason == "TOOLKIT_PLUGINS names it, and no installed package has such a plugin"


@pytest.mark.parametrize("name", ["Acme", "acme.vision", "2acme", "acme vision"])
def test_a_plugins_name_is_one_that_a_recipe_can_say(name: str, install: Install) -> None:
    host = load_host({}, [install(name, GOOD)])
    (aside,) = host.set_aside
    assert aside.reason.startswith(f"the plugin name {name!r}, its entry point's, is not lower")


def test_a_plugin_says_which_api_it_was_built_for_before_its_hook_is_called(
    install: Install,
) -> None:
    source = f"toolkit_plugin_api = {PLUGIN_API}\n" + GOOD
    assert load_host({}, [install("acme", source)]).set_aside == ()
    old = "toolkit_plugin_api = 0\n" + GOOD.replace("register.loss", "register.gone")
    (aside,) = load_host({}, [install("zeta", old, package="zeta-vision")]).set_aside
    assert "plugin API" in aside.reason


def test_a_plugin_of_commands_or_recipes_alone_is_loaded(install: Install) -> None:
    source = HOOK + 'register.command("label", "acme.commands:label", help="label pages")\n'
    point = install("acme", source + '    register.recipes("acme_vision.recipes")\n')
    host = load_host({}, [point])
    assert host.loaded == (Loaded("acme", "acme-vision", "1.2.3"),)
    (command,), (folder,) = host.commands, host.recipes
    assert (command.full_name, command.package) == ("acme label", "acme-vision")
    assert (folder.plugin, folder.folder) == ("acme", "acme_vision.recipes")


def test_a_table_that_imports_a_heavy_package_loads_and_is_remembered(
    install: Install, write_module: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    light = write_module("")  # stands for torch, which these tests may have imported already
    monkeypatch.setattr("toolkit.plugin.host.HEAVY", (*HEAVY, light))
    host = load_host({}, [install("acme", f"import {light}\n" + GOOD)])
    (loaded,) = host.loaded
    assert loaded.heavy == (light,)
    assert host.registry.get("loss", "acme.poly") is not None


def test_what_a_table_prints_is_no_part_of_our_output(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    load_host({}, [install("acme", "print('hello from acme')\n" + GOOD)])
    assert capsys.readouterr() == ("", "hello from acme\n")


def test_a_package_whose_entry_points_are_damaged_hides_no_other(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("acme", GOOD)
    for package in ("torn", "bare"):
        info = tmp_path / f"{package}_vision-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_text("[toolkit]\nno equals sign\n")
    (tmp_path / "torn_vision-1.0.dist-info" / "METADATA").write_text("Name: torn-vision\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    host = load_host({"TOOLKIT_PLUGINS": "acme"})
    assert host.registry.get("loss", "acme.poly") is not None
    asides = {aside.package: aside.reason for aside in host.set_aside}
    assert asides.keys() == {"torn-vision", "unknown"}
    assert asides["torn-vision"].startswith("its entry_points.txt cannot be read: ")


def test_a_package_that_is_installed_twice_is_no_second_plugin(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("acme", GOOD)
    other = tmp_path / "other"
    shutil.copytree(tmp_path, other, ignore=shutil.ignore_patterns("other"))
    shadowed = other / "acme_vision-1.2.3.dist-info" / "METADATA"
    shadowed.write_text(shadowed.read_text().replace("1.2.3", "9.9.9"))
    for damaged in (False, True):  # the quick way to the entry points, and the careful one
        if damaged:
            info = tmp_path / "torn_vision-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text("Name: torn-vision\n")
            (info / "entry_points.txt").write_text("[toolkit]\nno equals sign\n")
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path, str(other)])
        host = load_host({"TOOLKIT_PLUGINS": "acme"})
        assert [(p.package, p.version) for p in host.loaded] == [("acme-vision", "1.2.3")]
        assert [aside.package for aside in host.set_aside] == ["torn-vision"][:damaged]
