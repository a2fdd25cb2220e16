"""What is wrong with the recipes that a plugin ships."""

from __future__ import annotations

import re
from collections.abc import Iterator

from toolkit.errors import PluginError, UserError
from toolkit.plugin.host import Host
from toolkit.plugin.registry import RecipeFolder
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.recipe.shipped import plugin_recipes


def recipe_faults(folder: RecipeFolder, host: Host) -> Iterator[str]:
    """A line for a folder that is gone or empty, and for every mistake in its recipes.

    Args:
        host: what the recipes may use; the plugins of other packages, too.

    A recipe without a source or a backbone is there to be extended: that is no fault.
    """
    try:
        names = list(plugin_recipes(folder))
    except PluginError as error:
        yield str(error)
        return
    if not names:
        yield f"its folder of recipes {folder.folder!r} has no TOML file"
    for name in names:
        try:
            make_plan(load_recipe(f"{folder.plugin}:{name}", host=host), host)
        except UserError as error:
            yield from (line for line in error.lines if not _left_open(line))


def _left_open(line: str) -> bool:
    return re.search(r": name a (source|backbone) with `use`", line) is not None
