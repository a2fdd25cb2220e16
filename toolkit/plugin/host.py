"""Loads the plugins, one by one, so that a broken one never breaks the tool."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, version

from toolkit.errors import PluginError, cause
from toolkit.plugin.api import BUILTIN, PLUGIN_API, PROJECT
from toolkit.plugin.blame import frame_in
from toolkit.plugin.hook_check import checked_hooks
from toolkit.plugin.hooks import RegisterSpec
from toolkit.plugin.installed import Installed, distribution_of, installed
from toolkit.plugin.registry import Command, RecipeFolder, Register, Registry

PACKAGE = "recipe-toolkit"
PLUGINS_VARIABLE = "TOOLKIT_PLUGINS"
WITHOUT_VARIABLE = "TOOLKIT_WITHOUT"
API_ATTRIBUTE = "toolkit_plugin_api"

HEAVY = ("torch", "timm", "albumentations", "pandas", "sklearn", "optuna")
"""What a table must not import: every command would wait for it."""


@dataclass(frozen=True)
class SetAside:
    """A plugin that did not load, and why."""

    plugin: str
    package: str
    reason: str


@dataclass(frozen=True)
class Loaded:
    """A plugin that loaded."""

    plugin: str
    package: str
    version: str
    heavy: tuple[str, ...] = ()
    """What its table imported, and should not."""

    @property
    def warning(self) -> str | None:
        """What is wrong with a plugin that loads all the same."""
        if not self.heavy:
            return None
        return (
            f"its table imports {', '.join(self.heavy)}, and every command waits for it; import "
            "it inside the factory"
        )


@dataclass(frozen=True)
class Host:
    """The loaded plugins: what a recipe can name, and what they add to the command line."""

    registry: Registry
    set_aside: tuple[SetAside, ...] = ()
    loaded: tuple[Loaded, ...] = ()
    commands: tuple[Command, ...] = ()
    recipes: tuple[RecipeFolder, ...] = ()
    left_out: tuple[SetAside, ...] = ()
    """Installed plugins that were not loaded since a variable leaves them out."""

    def reason_for(self, component: str) -> str | None:
        """Why `plugin.name` is missing, where its plugin was set aside or left out."""
        plugin = component.partition(".")[0]
        missing = (*self.set_aside, *self.left_out)
        return next((a.reason for a in missing if a.plugin == plugin), None)


def load_host(
    environ: Mapping[str, str] = os.environ, points: Iterable[EntryPoint] | None = None
) -> Host:
    """Load plugin zero, then every installed plugin that the environment lets in.

    `TOOLKIT_PLUGINS` is a comma-separated list of the plugins to load; set and empty, none is.
    `TOOLKIT_WITHOUT` lists those that are left out, whatever the other says.
    """
    builtin = Register(BUILTIN, PACKAGE, version(PACKAGE), prefix="")
    _offer(import_module("toolkit.builtin"), builtin)
    loader = _Loader(builtin)
    allowed, without = (listed(environ, v) for v in (PLUGINS_VARIABLE, WITHOUT_VARIABLE))
    found, unreadable = installed(PROJECT) if points is None else (list(points), [])
    loader.set_aside += [SetAside("?", package, reason) for package, reason in unreadable]
    plugins = [(point, distribution_of(point)) for point in found]
    for point, distribution in sorted(plugins, key=lambda p: (p[0].name, p[1].name)):
        if without is not None and point.name in without:
            reason = f"{WITHOUT_VARIABLE} leaves it out"
            loader.left_out.append(SetAside(point.name, distribution.name, reason))
        elif allowed is not None and point.name not in allowed:
            reason = f"{PLUGINS_VARIABLE} does not name it"
            loader.left_out.append(SetAside(point.name, distribution.name, reason))
        else:
            loader.load(point, distribution)
    names = {point.name for point, _ in plugins}
    for variable, asked in ((PLUGINS_VARIABLE, allowed), (WITHOUT_VARIABLE, without)):
        for name in sorted((asked or set()) - names):
            reason = f"{variable} names it, and no installed package has such a plugin"
            loader.set_aside.append(SetAside(name, "not installed", reason))
    return loader.host()


def listed(environ: Mapping[str, str], variable: str) -> set[str] | None:
    """The plugin names of a variable; None where it is not set."""
    text = environ.get(variable)
    return None if text is None else {name.strip() for name in text.split(",")} - {""}


class _Loader:
    """What has loaded so far."""

    def __init__(self, builtin: Register) -> None:
        self.registry = Registry()
        self.registry.add(builtin.entries)
        self.taken = {BUILTIN: PACKAGE}
        self.set_aside: list[SetAside] = []
        self.left_out: list[SetAside] = []
        self.loaded: list[Loaded] = []
        self.commands: list[Command] = []
        self.recipes: list[RecipeFolder] = []

    def host(self) -> Host:
        return Host(
            self.registry,
            tuple(self.set_aside),
            tuple(self.loaded),
            tuple(self.commands),
            tuple(self.recipes),
            tuple(self.left_out),
        )

    def load(self, point: EntryPoint, distribution: Installed) -> None:
        """Load one plugin whole, or set it aside."""
        name, package = point.name, distribution.name
        register = Register(name, package, distribution.version, prefix=f"{name}.")
        before = {heavy for heavy in HEAVY if heavy in sys.modules}
        try:
            self._require_name(name)
            self.taken[name] = package
            with redirect_stdout(sys.stderr):  # what a table prints is no part of our output
                module = point.load()
                _require_api(module, package)
                _offer(module, register)
        except KeyboardInterrupt:
            raise
        # A plugin may raise anything at all, or exit; whatever it is becomes the listed reason.
        except BaseException as error:  # noqa: BLE001
            frame = frame_in(error, point.module)
            place = f" ({package} {distribution.version}, {frame})" if frame else ""
            self.set_aside.append(SetAside(name, package, f"{cause(error)}{place}"))
            return
        heavy = tuple(h for h in HEAVY if h in sys.modules and h not in before)
        self.loaded.append(Loaded(name, package, distribution.version, heavy))
        self.registry.add(register.entries)
        self.commands += register.commands
        self.recipes += register.recipe_folders

    def _require_name(self, name: str) -> None:
        if name in self.taken:
            raise PluginError(
                f"the plugin name {name!r} is taken by {self.taken[name]}; rename one (it is what "
                "stands before `=` under [project.entry-points.toolkit] in its pyproject.toml), or "
                "uninstall one"
            )
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
            raise PluginError(
                f"the plugin name {name!r}, its entry point's, is not lower-case letters, digits, "
                "_ and -"
            )


def _require_api(module: object, package: str) -> None:
    """A plugin may say which version of the plugin API it was built for."""
    built_for = getattr(module, API_ATTRIBUTE, PLUGIN_API)
    if built_for == PLUGIN_API:
        return
    text = f"it was built for version {built_for!r} of the plugin API, and {PACKAGE} has "
    text += f"{PLUGIN_API}; "
    if not isinstance(built_for, int):
        raise PluginError(f"{text}write {API_ATTRIBUTE} = {PLUGIN_API}")
    newer = built_for > PLUGIN_API
    raise PluginError(f"{text}update {PACKAGE if newer else package}")


def _offer(module: object, register: Register) -> None:
    """Check the table's hooks, and call its one hook."""
    checked_hooks(RegisterSpec, module).toolkit_register(register=register)
