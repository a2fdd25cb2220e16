"""What is registered: one entry a component, by kind and name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec

from toolkit.errors import PluginError, did_you_mean
from toolkit.plugin.blame import blamed
from toolkit.plugin.target import load_target as load_target


@dataclass(frozen=True)
class Kind:
    """A registry: its name and the positional-only arguments that its factories receive."""

    name: str
    host_arguments: tuple[str, ...]
    on_demand: tuple[str, ...] = ()
    """Passed behind those, by their names, to a factory that names them."""


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("source", ()),
        Kind("augmentation", ("spec",)),
        Kind("backbone", ("facts",)),
        Kind("loss", ("facts",)),
        Kind("sampler", ("labels",), ("groups", "parents")),
        Kind("ensembler", ("facts",)),
        Kind("metric", ("facts",)),
        Kind("tracker", ("run",)),
        Kind("executor", ()),
    )
}


@dataclass(frozen=True)
class Entry:
    """One registered component. Its code is imported when `load` is called, not before."""

    kind: str
    name: str
    """As a recipe says it: `focal`, or `acme.poly` for a third party's."""
    target: str
    """`"package.module:factory"`."""
    help: str
    plugin: str
    package: str
    """The distribution that it comes from."""
    version: str
    names: str | None = None
    """Of a family (one factory for many names): the function that lists the names."""
    aliases: str | None = None
    """Of a family: the function that maps its older names to the names that are meant."""

    def load(self) -> Callable[..., Any]:
        """The factory. Raises `PluginError` where the target does not lead to a callable."""
        package = f"{self.package} {self.version}"
        return load_target(self.target, f"{self.kind} {self.name}", package=package)

    def family_names(self) -> list[str]:
        """The names that this family builds; empty for an ordinary component."""
        if self.names is None:
            return []
        component = f"{self.kind} {self.name}"
        names = load_target(self.names, component)
        with blamed(component, self, doing="its names fail"):
            return list(names())

    def family_aliases(self) -> dict[str, str]:
        """Older names that this family knows, and what each means now."""
        if self.aliases is None:
            return {}
        component = f"{self.kind} {self.name}"
        aliases = load_target(self.aliases, component)
        with blamed(component, self, doing="its aliases fail"):
            return dict(aliases())


@dataclass(frozen=True)
class Command:
    """A plugin's command, `toolkit <plugin> <name>`. Its code is imported when it is invoked."""

    name: str
    target: str
    """`"package.module:function"`, annotated as Typer reads it, or `"...:app"`, a `typer.Typer`."""
    help: str
    plugin: str
    package: str
    """The distribution that it comes from."""
    version: str

    @property
    def full_name(self) -> str:
        """As a person types it behind `toolkit`: `acme label`."""
        return f"{self.plugin} {self.name}"

    def load(self) -> Callable[..., Any]:
        """The function or the `typer.Typer`. Raises `PluginError` where it cannot be had."""
        package = f"{self.package} {self.version}"
        return load_target(self.target, f"command {self.full_name}", "command", package)


@dataclass(frozen=True)
class RecipeFolder:
    """A package folder of TOML recipes: `<plugin>:<name>`."""

    folder: str
    """Dotted, as an import names it: `acme_vision.recipes`. It is never imported."""
    plugin: str
    package: str
    version: str


class Registry:
    """Every component that loaded, built-in and third party."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(sorted(self._entries.values(), key=lambda e: (e.kind, "." in e.name, e.name)))

    def add(self, entries: list[Entry]) -> None:
        self._entries.update({(entry.kind, entry.name): entry for entry in entries})

    def get(self, kind: str, name: str) -> Entry | None:
        return self._entries.get((kind, name))

    def names(self, kind: str) -> list[str]:
        return [entry.name for entry in self if entry.kind == kind]

    def family(self, kind: str) -> Entry | None:
        """The kind's family, which builds names that nobody registered one by one."""
        return next((e for e in self if e.kind == kind and e.names is not None), None)


Arguments = ParamSpec("Arguments")


def _said(method: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Tell a wrong call of a method as a sentence with a right one, not as Python tells it."""
    signature, called = inspect.signature(method), f"register.{method.__name__}"
    named = method.__name__ != "recipes"
    right = (
        '"name", "package.module:factory", help="what it does"' if named else '"package.recipes"'
    )

    @wraps(method)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            shown = "".join(f'"{a}", ' for a in args[1:] if isinstance(a, str)) + "..."
            text = f"{called}({shown}): {error}"
            raise PluginError(f"{text}; write {called}({right})") from error
        for name, value in given.items():
            if name not in ("self", "names") and not isinstance(value, str):
                found = type(value).__name__
                text = f"{called}: {name} is a {found}, expected text"
                raise PluginError(f"{text}; write {called}({right})")
        method(*args, **kwargs)

    return call


class Register:
    """What `toolkit_register` receives: one method a kind, and one for commands.

    Args of every method: `name`, how a recipe calls the component (a third party's gets its
    plugin's name in front); `target`, `"package.module:factory"`, imported when it is used;
    `help`, one line for `toolkit plugins`.
    """

    def __init__(self, plugin: str, package: str, version: str, *, prefix: str) -> None:
        self.entries: list[Entry] = []
        self.commands: list[Command] = []
        self.recipe_folders: list[RecipeFolder] = []
        self._plugin, self._package, self._version = plugin, package, version
        self._prefix = prefix

    if not TYPE_CHECKING:  # type checkers know which methods there are

        def __getattr__(self, name: str) -> NoReturn:
            offers = [*KINDS, "command", "recipes"]
            raise AttributeError(
                f"register has no method {name!r}; it has {', '.join(offers)}."
                f"{did_you_mean(name, offers, at_least=0.5)}"
            )

    @_said
    def source(self, name: str, target: str, *, help: str) -> None:
        self._add("source", name, target, help)

    @_said
    def augmentation(self, name: str, target: str, *, help: str) -> None:
        self._add("augmentation", name, target, help)

    @_said
    def backbone(
        self,
        name: str,
        target: str,
        *,
        help: str,
        names: str | None = None,
        aliases: str | None = None,
    ) -> None:
        """`names`: for a family, the function that lists the architectures; its factory gets the
        chosen name before `facts`. `aliases`: the function that maps older names to those that
        are meant. Only built-ins register families."""
        self._add("backbone", name, target, help, names, aliases)

    @_said
    def loss(self, name: str, target: str, *, help: str) -> None:
        self._add("loss", name, target, help)

    @_said
    def sampler(self, name: str, target: str, *, help: str) -> None:
        self._add("sampler", name, target, help)

    @_said
    def ensembler(self, name: str, target: str, *, help: str) -> None:
        self._add("ensembler", name, target, help)

    @_said
    def metric(self, name: str, target: str, *, help: str) -> None:
        self._add("metric", name, target, help)

    @_said
    def tracker(self, name: str, target: str, *, help: str) -> None:
        self._add("tracker", name, target, help)

    @_said
    def executor(self, name: str, target: str, *, help: str) -> None:
        self._add("executor", name, target, help)

    @_said
    def command(self, name: str, target: str, *, help: str) -> None:
        """Add `toolkit <plugin> <name>`; `target` is an annotated function or a `typer.Typer`."""
        call = f'register.command("{name}", "{target}")'
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
            raise PluginError(f"{call}: a name is lower-case letters, digits, _ and -")
        _check_texts(call, target, help)
        if any(command.name == name for command in self.commands):
            raise PluginError(
                f"{call}: this plugin registers the command {name!r} twice; rename one"
            )
        self.commands.append(
            Command(name, target, help, self._plugin, self._package, self._version)
        )

    @_said
    def recipes(self, folder: str) -> None:
        """Offer the TOML files of a package's folder, `"acme_vision.recipes"`: `acme:<name>`."""
        call = f'register.recipes("{folder}")'
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", folder):
            raise PluginError(f'{call}: a folder reads "package.folder"')
        if self.recipe_folders:
            raise PluginError(f"{call}: this plugin has a folder of recipes already")
        self.recipe_folders.append(RecipeFolder(folder, self._plugin, self._package, self._version))

    def _add(
        self,
        kind: str,
        name: str,
        target: str,
        help: str,
        names: str | None = None,
        aliases: str | None = None,
    ) -> None:
        call = f'register.{kind}("{name}", "{target}")'
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise PluginError(f"{call}: a name is lower-case letters, digits and underscores")
        _check_texts(call, target, help)
        if names is not None and self._prefix:
            raise PluginError(f"{call}: only built-in components are families")
        full = self._prefix + name
        if any((entry.kind, entry.name) == (kind, full) for entry in self.entries):
            raise PluginError(
                f"{call}: this plugin registers the {kind} {name!r} twice; rename one"
            )
        package, version = self._package, self._version
        self.entries.append(
            Entry(kind, full, target, help, self._plugin, package, version, names, aliases)
        )


def _check_texts(call: str, target: str, help: str) -> None:
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", target):
        raise PluginError(f'{call}: a target reads "package.module:factory"')
    if not help.strip() or "\n" in help:
        raise PluginError(f"{call}: help is one line that says what the component does")
