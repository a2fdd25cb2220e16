"""How a command ends: 0 done, 1 our fault, 2 the user's mistake, 3 set aside, 130 interrupted."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

import toolkit.cli
import toolkit.recipe.shipped
from toolkit.errors import DataError, PluginError, RecipeError, RunError, ToolkitError, UserError


@pytest.fixture
def ending_with(
    toolkit_cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> Callable[[BaseException], tuple]:
    """`ending_with(error)` runs a command that raises `error`."""

    def run(error: BaseException) -> tuple:
        def raises() -> None:
            raise error

        monkeypatch.setattr(toolkit.recipe.shipped, "shipped_recipes", raises)
        return toolkit_cli("recipes")

    return run


@pytest.mark.parametrize("kind", [UserError, RecipeError, DataError, PluginError, RunError])
def test_a_mistake_of_the_user_is_two_and_every_line_is_shown(
    kind: type[UserError], ending_with: Callable
) -> None:
    done = ending_with(kind("a.toml:1: first", "a.toml:2: second"))
    assert done == (2, "", "a.toml:1: first\na.toml:2: second\n")


def test_a_fault_that_we_know_is_one_without_a_traceback(ending_with: Callable) -> None:
    assert ending_with(ToolkitError("a fold is missing")) == (1, "", "a fold is missing\n")


def test_a_fault_that_we_do_not_know_is_one_and_shown_whole(ending_with: Callable) -> None:
    done = ending_with(RuntimeError("boom"))
    assert done.code == 1
    assert "Traceback" in done.err
    assert "RuntimeError: boom" in done.err
    assert done.err.endswith("This is a fault of toolkit or of a plugin, not yours.\n")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "runs/a"), "runs/a: no space is left"),
        (PermissionError(errno.EACCES, "Permission denied", "runs/a"), "runs/a: no permission"),
        (MemoryError(), "memory ran out: "),
    ],
    ids=repr,
)
def test_what_the_machine_refuses_is_two_and_a_line_without_a_traceback(
    error: BaseException, says: str, ending_with: Callable
) -> None:
    done = ending_with(error)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(says)
    assert done.err.endswith("the same command goes on afterwards\n")
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "{recipe}", "--runs", "{file}"), "a file is where a folder should be"),
        (("run", "{recipe}", "--runs", "{file}/runs"), "a file is where a folder should be"),
        (("tune", "{recipe}", "--trials", "1", "--runs", "{file}"), "a file is where a folder"),
        (("init", "{data}", "-o", "{long}.toml"), "too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_by_every_command(
    arguments: tuple[str, ...],
    says: str,
    toolkit_cli: Callable,
    tiny_recipe: Path,
    documents: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    tiny_recipe.write_text(
        tiny_recipe.read_text() + '[tune.space]\n"optimizer.lr" = { low = 1e-4, high = 1e-2 }\n'
    )
    places = {
        "recipe": tiny_recipe,
        "file": tmp_path / "file",
        "data": documents,
        "long": "x" * 300,
    }
    done = toolkit_cli(*(argument.format(**places) for argument in arguments))
    assert done.code == 2, done.err
    assert says in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()], ids=repr)
def test_an_interruption_is_130_and_says_how_to_go_on(
    error: BaseException, ending_with: Callable
) -> None:
    done = ending_with(error)
    assert (done.code, done.out) == (130, "")
    assert done.err.count("Interrupted. The same command goes on where this one stopped.") == 1
    assert "Traceback" not in done.err


def test_a_real_ctrl_c_is_an_interruption(
    toolkit_cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed() -> dict:
        signal.raise_signal(signal.SIGINT)
        return {}

    monkeypatch.setattr(toolkit.recipe.shipped, "shipped_recipes", pressed)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job behind & ignores it
    try:
        done = toolkit_cli("recipes")
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.code == 130
    assert "Interrupted." in done.err


def test_a_command_that_set_something_aside_ends_with_three(ending_with: Callable) -> None:
    assert ending_with(typer.Exit(3)) == (3, "", "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nope",), "No such command 'nope'"),
        (("run",), "Missing argument"),
        (("run", "a.toml", "--folds", "3"), "No such option: --folds"),
        (("validate",), "Missing argument"),
        (("plugins", "show"), "Missing argument"),
    ],
)
def test_a_wrong_command_line_is_the_users_mistake(
    arguments: tuple[str, ...], says: str, toolkit_cli: Callable
) -> None:
    done = toolkit_cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Usage: toolkit" in done.err
    assert says in done.err
    assert "Traceback" not in done.err


def test_a_bare_command_shows_the_help(toolkit_cli: Callable) -> None:
    done = toolkit_cli()
    assert done.code == 2
    assert "validate" in done.out + done.err


def test_the_console_script_ends_with_the_commands_code(
    toolkit_cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments, code in ((["--version"], 0), (["run", "none.toml"], 2)):
        monkeypatch.setattr("sys.argv", ["toolkit", *arguments])
        with pytest.raises(SystemExit) as caught:
            toolkit.cli.main()
        assert caught.value.code == code
