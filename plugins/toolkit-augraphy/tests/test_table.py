"""The table that the host reads, what it costs, and what the README says of it. No augraphy."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from pydantic import ValidationError
from toolkit.contracts import ImageSpec
from toolkit.errors import UserError
from toolkit.plugin.registry import Entry, Register
from toolkit.plugin.schema import options, options_model

import toolkit_augraphy
from toolkit_augraphy import library
from toolkit_augraphy.degrade import degrade
from toolkit_augraphy.effects import DEFAULT, EFFECTS, ORDER

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SPEC = ImageSpec(size=64)


@pytest.fixture
def entry() -> Entry:
    register = Register("augraphy", "toolkit-augraphy", "0.1.0", prefix="augraphy.")
    toolkit_augraphy.toolkit_register(register)
    (entry,) = register.entries
    return entry


def test_the_table_offers_degrade_and_every_option_says_what_it_means(entry: Entry) -> None:
    assert (entry.kind, entry.name) == ("augmentation", "augraphy.degrade")
    assert all(option.meaning for option in options(options_model(entry)))


def test_reading_the_options_imports_neither_augraphy_nor_numba() -> None:
    heavy = "{'augraphy', 'numba', 'cv2', 'sklearn', 'matplotlib'}"
    program = f"import sys, toolkit_augraphy.degrade; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_every_name_has_its_effect_and_the_default_is_some_of_them() -> None:
    assert tuple(EFFECTS) == ORDER
    assert set(DEFAULT) < set(ORDER)


@pytest.mark.parametrize(
    "wrong",
    [{"effects": ["stains"]}, {"effects": []}, {"least": 0}, {"strength": 0.0}, {"strength": 1.1}],
    ids=str,
)
def test_a_recipe_cannot_ask_for_what_is_not_there(entry: Entry, wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        options_model(entry)(**wrong)


def test_the_fewest_effects_are_no_more_than_the_most() -> None:
    with pytest.raises(UserError, match="least = 4 is more than most = 3"):
        degrade(SPEC, least=4)
    with pytest.raises(UserError, match="least = 2 is more than 1 different effects"):
        degrade(SPEC, least=2, effects=["gamma", "gamma"])


def test_without_augraphy_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(distribution: str) -> str:
        raise PackageNotFoundError(distribution)

    monkeypatch.setattr(library, "version", absent)
    with pytest.raises(UserError, match=r"pip install --no-deps augraphy==8\.2\.6") as error:
        degrade(SPEC)
    assert "toolkit-augraphy[effects]" in str(error.value)


def test_another_version_of_augraphy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "version", lambda distribution: "8.2.5")
    with pytest.raises(UserError, match=r"augraphy 8\.2\.6, found 8\.2\.5"):
        degrade(SPEC)


def test_installing_this_package_brings_no_second_opencv() -> None:
    asked = requires("toolkit-augraphy") or []
    assert not [line for line in asked if re.match(r"(augraphy|opencv)", line)]


def test_the_readme_has_the_times_of_every_effect_in_their_order() -> None:
    assert tuple(re.findall(r"^\| `(\w+)`(?: \*)? \| \d+", README, re.MULTILINE)) == ORDER
    assert re.findall(r"^\| `(\w+)` \*", README, re.MULTILINE) == DEFAULT
    assert f"augraphy=={library.AUGRAPHY}" in README
