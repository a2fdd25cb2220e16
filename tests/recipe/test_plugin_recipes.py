"""Recipes that a plugin ships: named `acme:pages`, extended, copied, and recorded."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path

import pytest

from toolkit.errors import PluginError, RecipeError, UserError
from toolkit.plugin.host import Host, Loaded, load_host
from toolkit.plugin.registry import RecipeFolder
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.recipe.shipped import copy_recipe, find_shipped, plugin_recipes

TABLE = """
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.backbone("tiny", "ships_recipes:tiny", help="one layer")
    register.recipes("ships_recipes.recipes.good")


def tiny(facts, /, *, pretrained: bool = False):
    '''One layer.'''
"""

BASE = """# What all recipes of acme share
extends = "toolkit:base"

[backbone]
use = "acme.tiny"
"""

PAGES = """# Pages in folders
extends = "base.toml"

[data]
use = "folder"
root = "pages"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host with the plugin `acme`, whose package has two recipes and a module that raises."""
    site = tmp_path / "site"
    good = site / "ships_recipes" / "recipes" / "good"
    good.mkdir(parents=True)
    (good / "base.toml").write_text(BASE)
    (good / "pages.toml").write_text(PAGES)
    (site / "ships_recipes" / "__init__.py").write_text(TABLE)
    (good.parent / "__init__.py").write_text("raise RuntimeError('imported')\n")
    info = site / "acme_vision-1.2.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-vision\nVersion: 1.2.3\n")
    (info / "entry_points.txt").write_text("[toolkit]\nacme = ships_recipes\n")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("TOOLKIT_PLUGINS", "acme")
    (point,) = PathDistribution(info).entry_points
    yield load_host({}, [point])
    for name in [name for name in sys.modules if name.split(".")[0] == "ships_recipes"]:
        del sys.modules[name]


def test_a_plugins_recipes_are_found_without_importing_their_folder(shop: Host) -> None:
    (folder,) = shop.recipes
    assert list(plugin_recipes(folder)) == ["base", "pages"]
    assert "ships_recipes.recipes" not in sys.modules
    found = find_shipped("acme:pages", shop)
    assert found is not None
    assert (found.package, found.version) == ("acme-vision", "1.2.3")
    assert found.file.read_text() == PAGES


def test_a_plugins_recipe_is_planned_by_its_name(shop: Host) -> None:
    plan = make_plan(load_recipe("acme:pages", {"train.epochs": 3}, shop), shop)
    assert (plan.name, plan.path) == ("pages", "acme:pages")
    assert plan.choice("backbone").use == "acme.tiny"
    assert plan.train.epochs == 3
    assert str(plan.origins[("data", "root")]) == "acme:pages:6"


def test_without_a_host_the_plugins_are_loaded_for_it(shop: Host) -> None:
    assert load_recipe("acme:pages").values == load_recipe("acme:pages", host=shop).values


def test_a_recipe_of_ones_own_extends_a_plugins(write: Callable[..., str], shop: Host) -> None:
    mine = write('extends = "acme:base"\n[data]\nuse = "folder"\nroot = "mine"\n')
    assert make_plan(load_recipe(mine, host=shop), shop).choice("backbone").use == "acme.tiny"


def test_a_plan_records_the_packages_whose_recipes_it_was_made_from(
    write: Callable[..., str], shop: Host
) -> None:
    plan = make_plan(load_recipe("acme:pages", host=shop), shop)
    recipes = [c for c in plan.components if c["kind"] == "recipe"]
    assert [c["name"] for c in recipes] == ["toolkit:base", "acme:pages"]
    assert recipes[1] == {
        "kind": "recipe",
        "name": "acme:pages",
        "package": "acme-vision",
        "version": "1.2.3",
    }
    written = write(PAGES.replace("base.toml", "acme:base"), "pages.toml")
    own = make_plan(load_recipe(written, host=shop), shop)
    assert own.hash("data") == plan.hash("data")  # where a value came from changes no result


def test_a_copy_still_finds_what_it_extends(tmp_path: Path, shop: Host) -> None:
    copy_recipe("acme:pages", tmp_path / "mine.toml", shop)
    copied = tomllib.loads((tmp_path / "mine.toml").read_text())
    assert copied["extends"] == "acme:base"
    copy = make_plan(load_recipe(tmp_path / "mine.toml", {"name": "pages"}, shop), shop)
    assert copy.values == make_plan(load_recipe("acme:pages", host=shop), shop).values


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (
            "acme:pagse",
            "the plugin acme ships no recipe 'pagse'; it has base, pages. Did you mean \"pages\"?",
        ),
        ("acme:", "the plugin acme ships no recipe ''; it has base, pages."),
        ("acmee:pages", 'no plugin "acmee" is loaded; install its package. Did you mean "acme"?'),
        ("broke:pages", "broke:pages: its plugin was set aside: ValueError: no licence file"),
        ("bare:pages", "bare:pages: the plugin bare ships no recipes"),
        ("empty:pages", "empty:pages: its folder of recipes 'ships_recipes.nowhere' is not there"),
        ("lost:pages", "lost:pages: its folder of recipes 'no_such_package.recipes' is not there"),
    ],
)
def test_a_recipe_that_is_not_there_is_told_with_what_is(
    path: str, says: str, shop: Host, tmp_path: Path
) -> None:
    head = "from toolkit import hookimpl\n\n\n@hookimpl\ndef toolkit_register(register):\n    "
    sources = {
        "acme": TABLE,
        "bare": head + "pass\n",
        "broke": "raise ValueError('no licence file')\n",
        "empty": head + "register.recipes('ships_recipes.nowhere')\n",
        "lost": head + "register.recipes('no_such_package.recipes')\n",
    }
    for plugin, source in sources.items():
        (tmp_path / "site" / f"ships_{plugin}.py").write_text(source)
    host = load_host({}, [EntryPoint(p, f"ships_{p}", "toolkit") for p in sources])
    for plugin in sources:
        sys.modules.pop(f"ships_{plugin}", None)
    with pytest.raises(UserError) as caught:
        load_recipe(path, host=host)
    assert says in str(caught.value)


def test_a_wrong_extends_is_told_with_its_line(write: Callable[..., str], shop: Host) -> None:
    mine = write('name = "mine"\nextends = "acme:bse"\n')
    with pytest.raises(RecipeError, match=r"^recipe\.toml:2: extends: the plugin acme ships no"):
        load_recipe(mine, host=shop)


def test_a_folder_below_a_module_that_is_no_package_is_not_there() -> None:
    folder = RecipeFolder("tomllib.recipes", "acme", "acme-vision", "1")
    with pytest.raises(PluginError, match=r"^its folder of recipes 'tomllib.recipes' is not there"):
        plugin_recipes(folder)
    with pytest.raises(PluginError, match="is not there"):
        plugin_recipes(RecipeFolder("sys.recipes", "acme", "acme-vision", "1"))


def test_a_plugin_without_components_is_not_told_to_be_missing(
    write: Callable[..., str], shop: Host
) -> None:
    ships_only = replace(shop, loaded=(*shop.loaded, Loaded("ink", "ink-vision", "1")))
    recipe = load_recipe("acme:pages", {"loss.use": "ink.poly"}, ships_only)
    with pytest.raises(RecipeError, match=r'loss.use: there is no loss "ink.poly"'):
        make_plan(recipe, ships_only)
    with pytest.raises(RecipeError, match=r'no plugin "pen" is loaded; install its package'):
        make_plan(load_recipe("acme:pages", {"loss.use": "pen.poly"}, shop), shop)
