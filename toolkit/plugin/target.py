"""What a target, `"package.module:attribute"`, names: imported when it is used, not before."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable
from typing import Any

from toolkit.errors import PluginError, cause, did_you_mean
from toolkit.plugin.blame import frame_in


def load_target(
    target: str, owner: str, expected: str = "factory", package: str = ""
) -> Callable[..., Any]:
    """What `"package.module:attribute"` names.

    Args:
        owner: whose target it is, for the error.
        expected: what the target should be, for the error.
        package: the distribution that offers it, for the error.

    Raises `PluginError` where it cannot be imported, or cannot be called.
    """
    module_name, _, attribute = target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    # A third party's module may raise anything at all when it is imported, or exit.
    except (Exception, SystemExit) as error:
        text = f"{owner}: its target {target!r} cannot be loaded: {cause(error)}"
        frame = frame_in(error, module_name)
        told = ", ".join(part for part in (package, frame) if part)
        where = f" ({told})" if told else ""
        raise PluginError(f"{text}{_meant(module_name, attribute)}{where}") from error
    if not callable(found):
        kind = type(found).__name__
        where = f" ({package})" if package else ""
        raise PluginError(f"{owner}: its target {target!r} is a {kind}, no {expected}{where}")
    factory: Callable[..., Any] = found
    return factory


def _meant(module_name: str, attribute: str) -> str:
    """A did-you-mean for a target: another function of its module, or another module beside it."""
    module = sys.modules.get(module_name)
    if module is not None:
        word, known = attribute, [n for n in vars(module) if callable(getattr(module, n))]
    else:
        parent, _, word = module_name.rpartition(".")
        places = getattr(sys.modules.get(parent), "__path__", [])
        known = [found.name for found in pkgutil.iter_modules(places)]
    guess = "" if word in known else did_you_mean(word, known)  # it is there, and fails to load
    return f".{guess}" if guess else ""
