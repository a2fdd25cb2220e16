"""Commands of plugins: listed without being imported, and never in the way of ours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolkit.cli import plugin_commands
from toolkit.plugin.host import load_host

TABLE = """
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.command("label", "label_commands:label", help="label pages [/by] hand")
    register.command("tools", "label_commands:tools", help="small tools")
    register.command("gone", "label_commands:gone", help="its function was forgotten")
    register.command("odd", "label_commands:odd", help="its annotation leads nowhere")
"""

COMMANDS = """
from typing import Annotated

import typer

from toolkit.errors import UserError

tools = typer.Typer()


def label(
    root: Annotated[str, typer.Argument(help="folder of pages")],
    limit: Annotated[int, typer.Option(help="at most this many")] = 3,
) -> None:
    '''Label pages, one key a class.'''
    if root == "none":
        raise UserError(f"{root}: there is no such folder")
    if root == "torn":
        {}["page"]
    if root == "left":
        raise SystemExit(7)
    typer.echo(f"{root}: {limit} pages")


@tools.command()
def count() -> None:
    '''Count pages.'''
    raise typer.Exit(3)


def odd(pages: "Pages") -> None:
    '''Names a type that is not there.'''
"""


@pytest.fixture(autouse=True)
def labels(
    add_plugin: Callable[..., str], site: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The plugin `ink` with four commands; `acme` and `broke` are installed beside it."""
    add_plugin("ink", TABLE)
    (site / "label_commands.py").write_text(COMMANDS)
    monkeypatch.setenv("TOOLKIT_PLUGINS", "ink,acme,broke")
    yield
    sys.modules.pop("label_commands", None)


def test_help_lists_a_plugins_commands_behind_ours_without_importing_them(
    toolkit_cli: Callable,
) -> None:
    done = toolkit_cli("--help")
    assert (done.code, done.err) == (0, "")
    rows = [" ".join(line.split()) for line in done.out.splitlines()]
    assert rows.index("ink label label pages [/by] hand") > rows.index(
        "cache Decoded images and unpacked archives: show or clear them."
    )
    assert "ink gone its function was forgotten" in rows
    assert "label_commands" not in sys.modules


def test_a_plugins_group_lists_its_commands_without_importing_them(toolkit_cli: Callable) -> None:
    done = toolkit_cli("ink", "--help")
    assert done.code == 0
    assert "Usage: toolkit ink " in done.out
    assert "\n  label  label pages [/by] hand\n" in done.out
    assert "label_commands" not in sys.modules


def test_on_a_terminal_a_plugins_words_are_text_and_no_markup(
    toolkit_cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin_commands, "MARKUP", "rich")
    monkeypatch.setattr("toolkit.cli.app.app.rich_markup_mode", "rich")
    done = toolkit_cli("--help")
    assert done.code == 0
    assert "Commands of plugins" in done.out
    assert "label pages [/by] hand" in done.out


def test_a_plugins_command_runs_with_its_own_arguments(toolkit_cli: Callable) -> None:
    assert toolkit_cli("ink", "label", "pages", "--limit", "5") == (0, "pages: 5 pages\n", "")
    assert toolkit_cli("ink", "tools", "count").code == 3


def test_a_plugins_command_may_exit_as_it_likes(toolkit_cli: Callable) -> None:
    with pytest.raises(SystemExit) as ended:
        toolkit_cli("ink", "label", "left")
    assert ended.value.code == 7


def test_a_command_explains_itself(toolkit_cli: Callable) -> None:
    done = toolkit_cli("ink", "label", "--help")
    assert done.code == 0
    assert "Usage: toolkit ink label " in done.out
    assert "Label pages, one key a class." in done.out
    assert "at most this many" in done.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ink", "label"), "Missing argument 'root'"),
        (("ink", "label", "none"), "none: there is no such folder"),
        (
            ("ink", "label", "torn"),
            "command ink label: fails: KeyError: 'page' (ink-vision 1.2.3, ",
        ),
        (("ink", "label", "torn"), "label_commands.py:19)"),
        (("ink", "lable"), "No such command 'lable'. Did you mean 'label'?"),
        (("ink", "gone"), "command ink gone: its target 'label_commands:gone' cannot be loaded"),
        (("ink", "odd", "pages"), "command ink odd: its target 'label_commands:odd' is no command"),
        (("broke", "label"), "toolkit broke: the plugin was set aside: ValueError: no licence"),
        (("acme",), "No such command 'acme'"),  # it registers components only
    ],
)
def test_what_cannot_be_invoked_is_told_without_a_traceback(
    arguments: tuple[str, ...], says: str, toolkit_cli: Callable
) -> None:
    done = toolkit_cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert "Traceback" not in done.err


def test_our_own_commands_cannot_be_shadowed(
    toolkit_cli: Callable, add_plugin: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_plugin("recipes", TABLE)
    monkeypatch.setenv("TOOLKIT_PLUGINS", "ink,recipes")
    assert len([c for c in load_host().commands if c.plugin == "recipes"]) == 4
    assert toolkit_cli("recipes").out.startswith("recipe ")
    assert toolkit_cli("recipes", "label", "pages").code == 2
    assert "recipes label" not in toolkit_cli("--help").out


def test_plugins_lists_commands_beside_components(toolkit_cli: Callable) -> None:
    rows = [" ".join(line.split()) for line in toolkit_cli("plugins").out.splitlines()]
    assert "command ink label ink-vision 1.2.3 label pages [/by] hand" in rows
