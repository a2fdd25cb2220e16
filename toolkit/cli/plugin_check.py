"""`toolkit plugins --check`: what is wrong with the installed plugins, a line each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel

from toolkit.cli.console import counted
from toolkit.cli.plugin_commands import load_command
from toolkit.cli.plugin_try import try_component
from toolkit.errors import PluginError, cause
from toolkit.plugin.api import BUILTIN
from toolkit.plugin.host import PLUGINS_VARIABLE, Host, Loaded
from toolkit.plugin.registry import Entry
from toolkit.plugin.schema import options_model
from toolkit.recipe.problems import WHOLE, validate
from toolkit.testing.recipe_checks import recipe_faults

# Loads one plugin in a process that has none of the heavy packages yet.
_LISTEN = """
from toolkit.plugin.host import load_host

print(*[name for plugin in load_host().loaded for name in plugin.heavy])
"""


@dataclass(frozen=True)
class Checked:
    """What `toolkit plugins --check` found."""

    problems: tuple[str, ...]
    """A line each: `acme (acme-vision): ...`."""
    untried: tuple[str, ...]
    """Components that data or options are needed for, and which."""


def check_plugins(host: Host, own: Collection[str]) -> Checked:
    """Load every target of every plugin, and build every component with its defaults.

    Args:
        own: names of toolkit's own commands.
    """
    problems = [f"{aside.plugin} ({aside.package}): {aside.reason}" for aside in host.set_aside]
    untried: list[str] = []
    for plugin in host.loaded:
        found = [*_heavy(plugin, host), *_components(plugin, host, untried)]
        found += [*_commands(plugin, host, own), *_recipes(plugin, host)]
        where = f"{plugin.plugin} ({plugin.package})"
        problems += [f"{where}: {' '.join(text.split())}" for text in found]
    return Checked(tuple(problems), tuple(untried))


def _heavy(plugin: Loaded, host: Host) -> Iterator[str]:
    """What the plugin's table imports; behind another heavy one, only a fresh process can tell."""
    if not plugin.heavy and any(other.heavy for other in host.loaded):
        environ = {**os.environ, PLUGINS_VARIABLE: plugin.plugin}
        environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        command = [sys.executable, "-c", _LISTEN]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        plugin = replace(plugin, heavy=tuple(done.stdout.split()))
    if plugin.warning is not None:
        yield plugin.warning


def _components(plugin: Loaded, host: Host, untried: list[str]) -> Iterator[str]:
    for entry in host.registry:
        if entry.plugin != plugin.plugin:
            continue
        try:
            model = options_model(entry)
            problems = list(_defaults(entry, model))
        except PluginError as error:
            yield str(error)
            continue
        # An annotation may run third-party code, or compare what cannot be compared.
        except Exception as error:  # noqa: BLE001
            text = f"its options cannot be checked: {cause(error)}"
            yield f"{entry.kind} {entry.name} ({entry.target}): {text}"
            continue
        yield from problems
        if problems:
            continue
        tried = try_component(entry, model)
        if tried.problem is not None:
            yield tried.problem
        if tried.untried is not None:
            untried.append(tried.untried)


def _defaults(entry: Entry, model: type[BaseModel]) -> Iterator[str]:
    """Defaults that a recipe could not write."""
    defaults = {
        name: info.default for name, info in model.model_fields.items() if not info.is_required()
    }
    for option, text in validate(model, defaults)[1]:
        if option == WHOLE:
            yield f"{entry.kind} {entry.name} ({entry.target}): {text}"
        elif option in defaults:
            yield f"{entry.kind} {entry.name} ({entry.target}): default of {option}: {text}"


def _commands(plugin: Loaded, host: Host, own: Collection[str]) -> Iterator[str]:
    for command in host.commands:
        if command.plugin != plugin.plugin:
            continue
        if plugin.plugin in own:
            yield (
                f"command {command.full_name}: it cannot be called, for `toolkit {plugin.plugin}` "
                "is toolkit's own; give the plugin's entry point another name"
            )
        try:
            load_command(command)
        except PluginError as error:
            yield str(error)


def _recipes(plugin: Loaded, host: Host) -> Iterator[str]:
    for folder in host.recipes:
        if folder.plugin == plugin.plugin:
            yield from recipe_faults(folder, host)


def summary(host: Host, untried: Sequence[str] = ()) -> str:
    """What was found to be good, and what was not tried."""
    components = [entry for entry in host.registry if entry.plugin != BUILTIN]
    counts = {
        "plugin": len(host.loaded),
        "component": len(components),
        "command": len(host.commands),
        "folder of recipes": len(host.recipes),
    }
    texts = [counted(n, what) for what, n in counts.items() if n]
    if not texts:
        return "No plugins are installed."
    good = f"All good: {', '.join(texts)}."
    if not untried:
        return good
    lines = "".join(f"\n  {text}" for text in untried)
    return (
        f"{good}\nNot tried, for it needs options or data (toolkit.testing.conformance takes them):"
        f"{lines}"
    )
