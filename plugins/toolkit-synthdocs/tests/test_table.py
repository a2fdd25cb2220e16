"""The table that the host reads, and the promise that reading it is cheap."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from pydantic import ValidationError
from toolkit.plugin.registry import Entry, Register
from toolkit.plugin.schema import options, options_model

import toolkit_synthdocs
from toolkit_synthdocs.source import documents


def offered() -> list[Entry]:
    register = Register("synthdocs", "toolkit-synthdocs", "0.1.0", prefix="synthdocs.")
    toolkit_synthdocs.toolkit_register(register)
    return register.entries


def test_the_table_offers_one_source() -> None:
    assert [(entry.kind, entry.name) for entry in offered()] == [("source", "synthdocs.documents")]


def test_the_target_is_the_factory() -> None:
    (entry,) = offered()

    assert entry.load() is documents


def test_every_option_says_what_it_means() -> None:
    (entry,) = offered()
    meanings = {option.name: option.meaning for option in options(options_model(entry))}

    assert list(meanings) == ["root", "scale", "seed"]
    assert all(meanings.values())


@pytest.mark.parametrize("wrong", [{"scale": 0.0}, {"scale": 1.5}, {"seed": -1}], ids=str)
def test_an_option_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    (entry,) = offered()

    with pytest.raises(ValidationError, match=next(iter(wrong))):
        options_model(entry)(**wrong)


def test_the_entry_point_is_called_synthdocs() -> None:
    (found,) = entry_points(group="toolkit", name="synthdocs")

    assert found.load() is toolkit_synthdocs


@pytest.mark.parametrize("module", ["toolkit_synthdocs", "toolkit_synthdocs.source"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    heavy = "{'torch', 'pandas', 'numpy', 'PIL', 'matplotlib'}"
    program = f"import sys, {module}; print(*sorted({heavy} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout.split() == []


def test_drawing_leaves_matplotlib_alone() -> None:
    program = (
        "import sys; from toolkit_synthdocs.painters import image; image(0, 'train', 4, 0); "
        "print(*sorted({'matplotlib', 'koreanize_matplotlib'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout.split() == []
