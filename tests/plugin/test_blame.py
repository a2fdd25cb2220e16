"""What third-party code raises becomes one line that says whose it is and where."""

from __future__ import annotations

import errno
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.errors import PluginError, ToolkitError, UserError
from toolkit.plugin.blame import Blamed, blamed
from toolkit.plugin.registry import Entry
from toolkit.recipe.plan import Choice

CALLS_TORCH = """
import torch


def make(facts, /):
    return Loss()


class Loss:
    def __call__(self):
        return self.deeper()

    def deeper(self):
        return torch.zeros(2) @ torch.zeros(3)  # line 14
"""


def line_of(error: pytest.ExceptionInfo[PluginError]) -> str:
    (line,) = error.value.lines
    assert "\n" not in line
    return line


def test_a_factory_that_raises_is_named_with_its_package_and_its_own_line(
    entry_of: Callable[..., Entry], tmp_path: Path
) -> None:
    entry = entry_of("def make(facts, /):\n    return {}['weights']\n")
    with pytest.raises(Blamed) as error:
        Choice("acme.poly", entry, {}).build(None)
    file = tmp_path / f"{entry.target.partition(':')[0]}.py"
    assert line_of(error) == (
        f"loss acme.poly: it cannot be built: KeyError: 'weights' (acme-vision 1, {file}:2)"
    )


def test_the_deepest_frame_of_the_plugin_is_shown_and_never_one_of_torch(
    entry_of: Callable[..., Entry],
) -> None:
    entry = entry_of(CALLS_TORCH)
    choice = Choice("acme.poly", entry, {})
    loss = choice.build(None)
    with pytest.raises(Blamed) as error, choice.blamed("forward fails"):
        loss()
    assert ": forward fails: RuntimeError: " in line_of(error)
    assert line_of(error).endswith(f"{entry.target.partition(':')[0]}.py:14)")


def test_where_no_frame_lies_in_the_plugin_the_factorys_definition_is_shown(
    entry_of: Callable[..., Entry],
) -> None:
    entry = entry_of("\n\ndef make(facts, /):\n    return int\n")
    choice = Choice("acme.poly", entry, {})
    made = choice.build(None)
    with pytest.raises(Blamed) as error, choice.blamed("fails"):
        made("three")
    assert line_of(error).endswith(f"{entry.target.partition(':')[0]}.py:3)")


def test_a_frame_is_found_in_what_led_to_the_error(entry_of: Callable[..., Entry]) -> None:
    entry = entry_of("def make(facts, /):\n    raise KeyError('deep')\n")

    def wrap() -> None:
        try:
            entry.load()(None)
        except KeyError as found:
            raise RuntimeError("outside") from found

    with pytest.raises(Blamed) as error, blamed("loss acme.poly", entry, doing="fails"):
        wrap()
    assert "RuntimeError: outside" in line_of(error)
    assert line_of(error).endswith(".py:2)")


def test_a_factory_that_is_called_wrongly_or_exits_is_blamed(
    entry_of: Callable[..., Entry],
) -> None:
    for source, says in (
        ("def make():\n    pass\n", "TypeError: make() takes 0 positional arguments"),
        ("import sys\n\n\ndef make(facts, /):\n    sys.exit(4)\n", "SystemExit: 4"),
    ):
        with pytest.raises(Blamed, match=r"acme-vision 1") as error:
            Choice("acme.poly", entry_of(source), {}).build(None)
        assert says in line_of(error)


@pytest.mark.parametrize(
    "error",
    [
        UserError("data.root: there is no such folder"),
        ToolkitError("ours"),
        KeyboardInterrupt(),
        MemoryError(),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EMFILE, "Too many open files"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_what_is_nobodys_mistake_in_code_keeps_its_meaning(
    error: BaseException, entry_of: Callable[..., Entry]
) -> None:
    with (
        pytest.raises(type(error)) as found,
        blamed("loss acme.poly", entry_of("def make(): ...\n"), doing="fails"),
    ):
        raise error
    assert found.value is error


def test_the_gpus_memory_that_ran_out_keeps_its_meaning(entry_of: Callable[..., Entry]) -> None:
    import torch

    entry = entry_of("def make(): ...\n")
    with pytest.raises(torch.OutOfMemoryError), blamed("loss acme.poly", entry, doing="fails"):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_what_is_in_the_box_is_blamed_by_nobody() -> None:
    ours = Entry(
        "loss", "focal", "toolkit.builtin.losses:focal", "h", "toolkit", "recipe-toolkit", "1"
    )
    with pytest.raises(ZeroDivisionError), blamed("loss focal", ours, doing="fails"):
        raise ZeroDivisionError


def test_of_several_suspects_the_one_with_a_frame_is_blamed(
    entry_of: Callable[..., Entry],
) -> None:
    innocent = entry_of("def make(): ...\n")
    guilty = entry_of("def make():\n    raise ValueError('no gradient')\n")
    other = ("backbone acme.tiny", guilty)
    with (
        pytest.raises(Blamed) as error,
        blamed("loss acme.poly", innocent, other, doing="backward fails"),
    ):
        guilty.load()()
    assert line_of(error).startswith("backbone acme.tiny: ")
    with (
        pytest.raises(Blamed) as error,
        blamed("loss acme.poly", innocent, other, doing="backward fails"),
    ):
        raise ValueError("nobody's frame")
    assert line_of(error).startswith("loss acme.poly: ")


def test_texts_that_are_long_or_cannot_be_made_still_give_one_line(
    entry_of: Callable[..., Entry],
) -> None:
    entry = entry_of("def make(): ...\n")

    class Wordless(Exception):
        def __str__(self) -> str:
            raise ValueError

    with pytest.raises(Blamed) as error, blamed("loss acme.poly", entry, doing="fails"):
        raise Wordless
    assert "Wordless: (its text cannot be made: ValueError)" in line_of(error)
    with pytest.raises(Blamed) as error, blamed("loss acme.poly", entry, doing="fails"):
        raise RuntimeError("missing keys:\n" + "a.weight, " * 5000)
    assert len(line_of(error)) < 1000


def test_a_blame_goes_from_a_process_to_another(entry_of: Callable[..., Entry]) -> None:
    with pytest.raises(Blamed) as error:
        Choice("acme.poly", entry_of("def make(): ...\n"), {}).build(None)
    again = pickle.loads(pickle.dumps(error.value))
    assert (type(again), again.lines) == (Blamed, error.value.lines)
