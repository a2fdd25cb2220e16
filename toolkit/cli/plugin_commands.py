"""Commands of plugins: `toolkit <plugin> <name>`, listed without importing them.

A plugin's commands stand in a group of the plugin's own name, so that two plugins never meet. Our
own commands are looked up first: a plugin called `run` cannot shadow `toolkit run`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from toolkit.errors import PluginError, cause
from toolkit.plugin.blame import blamed
from toolkit.plugin.host import Host, load_host
from toolkit.plugin.registry import Command

# Off a terminal, output is plain lines: no boxes.
MARKUP: Any = "rich" if sys.stdout.isatty() else None

PANEL = "Commands of plugins"


class WithPluginCommands(TyperGroup):
    """`toolkit`: its own commands, then those of the plugins, which load when they are needed."""

    @cached_property
    def host(self) -> Host:
        return load_host()

    def list_commands(self, ctx: Any) -> list[str]:
        """Names for the help: `run`, ..., `acme label`."""
        offered = (c.full_name for c in self.host.commands if c.plugin not in self.commands)
        return [*super().list_commands(ctx), *offered]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command `run`, the group `acme`, or, for a line of the help, `acme label`."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        plugin, _, name = cmd_name.partition(" ")
        commands = [command for command in self.host.commands if command.plugin == plugin]
        if name:
            return next((_Lazy(c, cmd_name, PANEL) for c in commands if c.name == name), None)
        if commands:
            return _group(plugin, commands)
        reason = self.host.reason_for(plugin)
        if reason is not None:
            raise PluginError(f"toolkit {plugin}: the plugin was set aside: {reason}")
        return None


class _Lazy(TyperCommand):
    """Stands in a list for a command that is imported only when it is invoked."""

    def __init__(self, command: Command, name: str, panel: str | None = None) -> None:
        super().__init__(name, help=_plain(command.help), rich_help_panel=panel)
        self.registered = command

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """Where a command starts: parse the arguments with the real one, and invoke that."""
        return load_command(self.registered).make_context(info_name, args, parent, **extra)


def own_commands(context: typer.Context) -> list[str]:
    """Names of toolkit's own commands, which no plugin's can be called by.

    Args:
        context: of the command that asks; at its root stands the whole command line.
    """
    root: Any = context.find_root().command
    return list(root.commands)


def load_command(command: Command) -> Any:
    """The command behind a target, as Typer builds it.

    Raises `PluginError` where the target does not load or its signature cannot be a command's.
    """
    target = command.load()
    app = typer.Typer(add_completion=False, rich_markup_mode=MARKUP)
    if isinstance(target, typer.Typer):
        app.add_typer(target, name=command.name)
    else:
        help = None if inspect.getdoc(target) else command.help
        app.command(command.name, help=help)(target)
    try:
        built: Any = typer.main.get_group(app).commands[command.name]
    # Typer refuses a signature with as many kinds of error as it has places that look at it.
    except Exception as error:
        text = f"its target {command.target!r} is no command: {cause(error)}"
        raise PluginError(f"command {command.full_name}: {text}") from error
    built.invoke = _blaming(command, built.invoke)
    return built


def _blaming(command: Command, invoke: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What a command raises is its plugin's, but for what ends a command on purpose."""
    # Typer may bring its own copy of click: its exceptions are found through what it exports.
    ends: tuple[type[BaseException], ...] = (SystemExit, typer.Exit, typer.Abort)
    ends += tuple(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

    def invoked(context: Any) -> Any:
        component = f"command {command.full_name}"
        with blamed(component, command, doing="fails", passing=ends):
            return invoke(context)

    return invoked


def _group(plugin: str, commands: Iterable[Command]) -> TyperGroup:
    return TyperGroup(
        name=plugin,
        commands={command.name: _Lazy(command, command.name) for command in commands},
        help=f"Commands of the plugin {plugin}.",
        no_args_is_help=True,
        rich_markup_mode=MARKUP,
    )


def _plain(text: str) -> str:
    """A third party's words where rich reads markup: `[/b]` is text, not an error."""
    if MARKUP is None:
        return text
    from rich.markup import escape

    return escape(text)
