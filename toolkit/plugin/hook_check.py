"""Checks hooks: a misspelt one is an error that quotes it, never silence."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pluggy

from toolkit.errors import PluginError, cause, did_you_mean
from toolkit.plugin.api import PROJECT


def checked_hooks(spec: type, plugin: object) -> Any:
    """The hooks of one plugin or tracker, to be called: `hooks.toolkit_run_start(run=...)`.

    Raises `PluginError`, in one line, where a hook is misspelt or not marked, takes an argument
    that it does not have, or where there is none.
    """
    problem = next(_problems(spec, plugin), None)
    if problem is not None:
        raise PluginError(problem)
    manager = _Manager(PROJECT)
    manager.add_hookspecs(spec)
    try:
        manager.register(plugin)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(cause(error).removeprefix("PluginValidationError: ")) from error
    if not manager.get_hookcallers(plugin):
        raise PluginError("it implements no hook; mark its functions with @toolkit.hookimpl")
    return manager.hook


class _Manager(pluggy.PluginManager):
    """Looks only at what can be a hook: a look at every name of a class or module takes longer
    than the rest of loading a plugin."""

    def parse_hookspec_opts(self, module_or_class: Any, name: str) -> Any:
        if not name.startswith(f"{PROJECT}_"):
            return None
        return super().parse_hookspec_opts(module_or_class, name)

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        if isinstance(plugin, ModuleType) and not _is_marked(vars(plugin).get(name)):
            return None
        return super().parse_hookimpl_opts(plugin, name)


def _is_marked(found: object) -> bool:
    return hasattr(found, f"{PROJECT}_impl")


def _problems(spec: type, plugin: object) -> Iterator[str]:
    """What pluggy would not see, or would say in several lines, hook by hook."""
    known = {name: hook for name, hook in vars(spec).items() if name.startswith("toolkit_")}
    for name in dir(plugin):
        found = getattr(plugin, name) if name.startswith("toolkit_") else None
        if not inspect.isroutine(found):
            continue
        if name in known:
            if not _is_marked(found):
                yield f"{name} is not marked with @toolkit.hookimpl, so that nothing would call it"
            yield from _argument_problems(name, known[name], found)
            continue
        guess = did_you_mean(name, known, at_least=0.8)  # all of them begin alike
        if guess or _is_marked(found):
            yield f"unknown hook {name!r}.{guess}"


def _argument_problems(name: str, hook: Any, found: Any) -> Iterator[str]:
    offered = [p for p in inspect.signature(hook).parameters if p != "self"]
    for parameter in inspect.signature(found).parameters.values():
        argument = parameter.name
        if argument not in offered:
            guess = did_you_mean(argument, offered)
            yield f"{name} has no argument {argument!r}; it has {', '.join(offered)}.{guess}"
        elif parameter.default is not parameter.empty:
            yield f"{name}: {argument!r} has a default, which would hide what the host passes"
