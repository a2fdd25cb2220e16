"""Recipes for image classification on small, imbalanced, shifted data.

>>> import toolkit
>>> run = toolkit.run("recipes/cpu.toml", overrides={"data.root": "data/documents"})
>>> run.oof, run.test, run.report
>>> toolkit.run("recipes/cpu.toml", table=frame, columns={"label": "breed"})  # a pandas table

Importing the package is light; the heavy parts are imported by the call that needs them. No call
changes the process that it is made in; `toolkit.set_up_process()`, before torch is imported, makes
training on a CPU faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.plugin.api import PLUGIN_API
from toolkit.plugin.hooks import hookimpl

if TYPE_CHECKING:
    from toolkit.ensemble.opened import open_run
    from toolkit.pipeline import run
    from toolkit.recipe.load import load_recipe
    from toolkit.train.process import set_up_process

__version__ = "0.1.0"
__all__ = [
    "PLUGIN_API",
    "__version__",
    "hookimpl",
    "load_recipe",
    "open_run",
    "run",
    "set_up_process",
]

_LAZY = {
    "run": "toolkit.pipeline",
    "load_recipe": "toolkit.recipe.load",
    "open_run": "toolkit.ensemble.opened",
    "set_up_process": "toolkit.train.process",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
