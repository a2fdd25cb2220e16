"""Loads the plugins, one by one, so that a broken one never breaks the tool."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, version

import pluggy

from toolkit.errors import PluginError
from toolkit.plugin.hooks import PROJECT, RegisterSpec
from toolkit.plugin.registry import Command, Register, Registry

BUILTIN = "toolkit"
PACKAGE = "recipe-toolkit"
PLUGINS_VARIABLE = "TOOLKIT_PLUGINS"


@dataclass(frozen=True)
class SetAside:
    """A plugin that did not load, and why."""

    plugin: str
    package: str
    reason: str


@dataclass(frozen=True)
class Host:
    """The loaded plugins: what a recipe can name."""

    registry: Registry
    set_aside: tuple[SetAside, ...] = ()
    commands: tuple[Command, ...] = ()

    def reason_for(self, component: str) -> str | None:
        """Why `plugin.name` is missing, where its plugin was set aside."""
        plugin = component.partition(".")[0]
        return next((a.reason for a in self.set_aside if a.plugin == plugin), None)


def load_host(
    environ: Mapping[str, str] = os.environ, points: Iterable[EntryPoint] | None = None
) -> Host:
    """Load plugin zero, then every installed plugin that `TOOLKIT_PLUGINS` lets in.

    The variable is a comma-separated list of plugin names; set and empty, no plugin is loaded.
    """
    registry, set_aside = Registry(), []
    commands: list[Command] = []
    builtin = Register(BUILTIN, PACKAGE, version(PACKAGE), prefix="")
    _register(import_module("toolkit.builtin"), builtin)
    registry.add(builtin.entries)

    wanted = environ.get(PLUGINS_VARIABLE)
    allowed = None if wanted is None else {name.strip() for name in wanted.split(",")}
    found = entry_points(group=PROJECT) if points is None else points
    taken: dict[str, str] = {BUILTIN: PACKAGE}
    for point in sorted(found, key=lambda p: (p.name, _package(p))):
        if allowed is not None and point.name not in allowed:
            continue
        package = _package(point)
        if point.name in taken:
            reason = f"the plugin name {point.name!r} is taken by {taken[point.name]}"
            set_aside.append(SetAside(point.name, package, reason))
            continue
        taken[point.name] = package
        register = Register(point.name, package, _version(point), prefix=f"{point.name}.")
        try:
            _register(point.load(), register)
        # A plugin may raise anything at all, or exit; whatever it is becomes the listed reason.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            set_aside.append(SetAside(point.name, package, reason))
        else:
            registry.add(register.entries)
            commands += register.commands
    return Host(registry, tuple(set_aside), tuple(commands))


def _register(module: object, register: Register) -> None:
    """Let pluggy check the module's hooks, in a manager of its own, and call its one hook."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(RegisterSpec)
    manager.register(module)
    manager.check_pending()
    if not manager.hook.toolkit_register.get_hookimpls():
        raise PluginError("it implements no toolkit_register hook")
    manager.hook.toolkit_register(register=register)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"


def _version(point: EntryPoint) -> str:
    return point.dist.version if point.dist is not None else "unknown"
