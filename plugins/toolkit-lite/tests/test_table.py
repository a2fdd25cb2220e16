"""The table that the host reads, and the promise that reading it is cheap."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from pydantic import ValidationError
from toolkit.plugin.registry import Entry, Register
from toolkit.plugin.schema import options, options_model

import toolkit_lite


def offered() -> list[Entry]:
    register = Register("lite", "toolkit-lite", "0.1.0", prefix="lite.")
    toolkit_lite.toolkit_register(register)
    return register.entries


def test_the_table_offers_the_three_backbones() -> None:
    assert [(entry.kind, entry.name) for entry in offered()] == [
        ("backbone", "lite.efficientnet_lite0"),
        ("backbone", "lite.efficientnet_lite1"),
        ("backbone", "lite.efficientnet_lite2"),
    ]


@pytest.mark.parametrize("entry", offered(), ids=lambda entry: entry.name)
def test_a_target_is_the_factory_of_its_name(entry: Entry) -> None:
    assert f"lite.{entry.load().__name__}" == entry.name


@pytest.mark.parametrize("entry", offered(), ids=lambda entry: entry.name)
def test_every_option_says_what_it_means(entry: Entry) -> None:
    meanings = {option.name: option.meaning for option in options(options_model(entry))}

    assert list(meanings) == ["pretrained", "drop_rate", "drop_path_rate"]
    assert all(meanings.values())


@pytest.mark.parametrize("entry", offered(), ids=lambda entry: entry.name)
@pytest.mark.parametrize("option", ["drop_rate", "drop_path_rate"])
def test_a_recipe_cannot_drop_everything(entry: Entry, option: str) -> None:
    with pytest.raises(ValidationError, match=option):
        options_model(entry)(**{option: 1.0})


def test_the_entry_point_is_called_lite() -> None:
    (found,) = entry_points(group="toolkit", name="lite")

    assert found.load() is toolkit_lite


@pytest.mark.parametrize("module", ["toolkit_lite", "toolkit_lite.backbones"])
def test_importing_loads_neither_torch_nor_timm(module: str) -> None:
    program = f"import sys, {module}; print(*sorted({{'torch', 'timm'}} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout.split() == []
