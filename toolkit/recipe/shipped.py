"""Recipes that come with packages: `toolkit:cpu` is ours, `acme:pages` is the plugin `acme`'s.

Ours lie beside the sources in a checkout, inside the package in a wheel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path

from toolkit.errors import PluginError, UserError, cause, did_you_mean
from toolkit.plugin.host import PACKAGE, Host, load_host
from toolkit.plugin.registry import RecipeFolder

OURS = "toolkit"


@dataclass(frozen=True)
class Shipped:
    """A recipe of an installed package."""

    name: str
    """`toolkit:cpu`, `acme:pages`."""
    file: Path
    package: str
    version: str


def shipped_folder() -> Path:
    package = Path(__file__).resolve().parent.parent
    packed = package / "_recipes"
    return packed if packed.is_dir() else package.parent / "recipes"


def shipped_recipes() -> dict[str, Path]:
    """Name and file of every recipe in the box."""
    return _recipes_in(shipped_folder())


def plugin_recipes(folder: RecipeFolder) -> dict[str, Path]:
    """Name and file of every recipe of a plugin. Raises `PluginError` where its folder is gone."""
    return _recipes_in(_place(folder))


def is_shipped(path: str) -> bool:
    """Whether a path reads `toolkit:NAME` or `<plugin>:NAME`. In `C:recipe.toml`, C is a drive."""
    return path.startswith(f"{OURS}:") or bool(re.fullmatch(r"[a-z][a-z0-9_-]+:[\w.-]*", path))


def find_shipped(path: str, host: Host | None = None) -> Shipped | None:
    """The recipe behind `toolkit:NAME` or `<plugin>:NAME`; None for an ordinary path.

    Args:
        host: the loaded plugins; loaded here, where a plugin's recipe is named without them.

    Raises `UserError` where the plugin or its recipe is not there.
    """
    if not is_shipped(path):
        return None
    box, _, name = path.partition(":")
    if box == OURS:
        file = _chosen(name, shipped_recipes(), PACKAGE)
        return Shipped(path, file, PACKAGE, version(PACKAGE))
    folder = _folder_of(box, path, load_host() if host is None else host)
    try:
        recipes = plugin_recipes(folder)
    except PluginError as error:
        raise PluginError(f"{path}: {error}") from error
    file = _chosen(name, recipes, f"the plugin {box}")
    return Shipped(path, file, folder.package, folder.version)


def summary(file: Path) -> str:
    """The first paragraph of the comment that a recipe begins with says what it is for."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    paragraph = takewhile(lambda line: re.match(r"#\s*\S", line), lines)
    return " ".join(line.removeprefix("#").strip() for line in paragraph)


def copy_recipe(name: str, to: Path, host: Host | None = None) -> None:
    """Copy a recipe so that it still finds what it extends.

    Args:
        name: `cpu` or `toolkit:cpu` for one in the box, `acme:pages` for a plugin's.

    Raises `UserError` where there is no such recipe, or `to` exists.
    """
    shipped = find_shipped(name, host) or find_shipped(f"{OURS}:{name}")
    assert shipped is not None
    box = shipped.name.partition(":")[0]
    text = shipped.file.read_text(encoding="utf-8")
    text = re.sub(r'^extends = "([\w-]+)\.toml"', rf'extends = "{box}:\1"', text, flags=re.M)
    try:
        with to.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(f"{to}: the file exists; choose another name or remove it") from error
    except OSError as error:
        raise UserError(f"{to}: cannot be written: {error.strerror}") from error


def _recipes_in(folder: Path) -> dict[str, Path]:
    return {file.stem: file for file in sorted(folder.glob("*.toml"))}


def _chosen(name: str, recipes: dict[str, Path], owner: str) -> Path:
    if name not in recipes:
        raise UserError(
            f"{owner} ships no recipe {name!r}; it has {', '.join(recipes)}."
            f"{did_you_mean(name, recipes)}"
        )
    return recipes[name]


def _folder_of(plugin: str, path: str, host: Host) -> RecipeFolder:
    for folder in host.recipes:
        if folder.plugin == plugin:
            return folder
    reason = host.reason_for(plugin)
    if reason is not None:
        raise UserError(f"{path}: its plugin was set aside: {reason}")
    if any(loaded.plugin == plugin for loaded in host.loaded):
        raise UserError(f"{path}: the plugin {plugin} ships no recipes")
    guess = did_you_mean(plugin, [OURS, *(folder.plugin for folder in host.recipes)])
    raise UserError(f'{path}: no plugin "{plugin}" is loaded; install its package.{guess}')


def _place(folder: RecipeFolder) -> Path:
    """Where a plugin's folder of recipes is; nothing of it is imported."""
    top, *inner = folder.folder.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError) as error:
        raise PluginError(f"{_what(folder)} cannot be found: {cause(error)}") from error
    for place in (spec and spec.submodule_search_locations) or ():
        path = Path(place, *inner)
        if path.is_dir():
            return path
    raise PluginError(f"{_what(folder)} is not there; its package must contain the folder")


def _what(folder: RecipeFolder) -> str:
    return f"its folder of recipes {folder.folder!r}"
