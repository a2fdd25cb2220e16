"""Each check has a broken specimen that it catches, and that no other check takes for its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from PIL import Image

from toolkit.plugin.registry import KINDS
from toolkit.testing import Check, CheckFailed, NotApplicable, checks, command_checks
from toolkit.testing.kit import kind_checks
from toolkit.testing.plugin_checks import FACTORY_CHECKS, PLUGIN_CHECKS, builds

Install = Callable[[str, str], None]

OF_KINDS = [(kind, check.__name__) for kind in KINDS for check in kind_checks(kind)]
OF_COMMANDS = [("command", check.__name__) for check in command_checks.CHECKS]
OF_FACTORIES = [("loss", check.__name__) for check in (*FACTORY_CHECKS, builds)]
ALL = OF_KINDS + OF_FACTORIES + OF_COMMANDS

# What a whole plugin does wrong, by the check that catches it.
TABLES = {
    "loads": "raise ImportError('no licence file')\n",
    "light_import": """
import pandas
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.loss("poly", "nowhere:poly", help="Poly-1")
""",
    "recipes_plan": """
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.recipes("no_such_package.recipes")
""",
}

EMPTY = """
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    pass
"""

HIDDEN = """
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.loss("poly", "hidden_kit_plugin:poly", help="Poly-1")


def poly(facts, /):
    "Weighted cross-entropy."
    import torch

    weights = torch.ones(len(facts.classes))

    class Poly(torch.nn.Module):
        def forward(self, logits, targets):
            return torch.nn.functional.cross_entropy(logits.float(), targets * weights)

    return Poly()
"""


@pytest.fixture(scope="module")
def specimens(broken: None, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[Check]]:
    """The checks of every broken component."""
    root = tmp_path_factory.mktemp("pages")
    for number in range(6):
        Image.new("RGB", (8, 8)).save(root / f"{('form', 'letter')[number % 2]}{number}.png")
    sources = [check for kind, check in OF_KINDS if kind == "source"]
    options = {f"source:broken.{name}": {"root": str(root)} for name in sources}
    found: dict[str, list[Check]] = {}
    for check in checks("broken", options=options):
        found.setdefault(check.component, []).append(check)
    return found


def failures(found: list[Check]) -> dict[str, str]:
    """The message of each check that fails, by its name."""
    messages = {}
    for check in found:
        try:
            check.run()
        except CheckFailed as failure:
            messages[check.name] = str(failure)
        except NotApplicable:
            pass
    return messages


@pytest.mark.parametrize(("kind", "check"), ALL)
def test_a_check_catches_its_specimen_and_no_other_check_does(
    kind: str, check: str, specimens: Mapping[str, list[Check]]
) -> None:
    component = f"{kind}:broken.{check}"
    messages = failures(specimens[component])
    assert list(messages) == [check]
    assert messages[check].startswith(f"{component} {check}: ")


def test_every_check_has_a_specimen_and_every_specimen_a_check(
    specimens: Mapping[str, list[Check]],
) -> None:
    wanted = {f"{kind}:broken.{check}" for kind, check in ALL}
    assert set(specimens) == wanted | {"plugin:broken"}
    assert TABLES.keys() == {check.__name__ for check in PLUGIN_CHECKS}


def test_a_plugin_of_broken_components_is_no_broken_plugin(
    specimens: Mapping[str, list[Check]],
) -> None:
    assert failures(specimens["plugin:broken"]) == {}


@pytest.mark.parametrize("check", TABLES)
def test_a_broken_table_is_caught(check: str, install: Install) -> None:
    install("tables", TABLES[check])
    found = [c for c in checks("tables") if c.component == "plugin:tables"]
    messages = failures(found)
    assert list(messages) == [check]


def test_a_table_that_offers_nothing_is_caught(install: Install) -> None:
    install("empty", EMPTY)
    messages = failures(list(checks("empty")))
    assert messages == {
        "loads": "plugin:empty loads: registers nothing; offer something in toolkit_register"
    }


def test_a_heavy_import_is_named_with_the_line_that_asks_for_it(install: Install) -> None:
    install("tables", TABLES["light_import"])
    (message,) = failures([c for c in checks("tables") if c.name == "light_import"]).values()
    assert "imports pandas (by " in message
    assert "tables_kit_plugin.py:2)" in message


def test_a_tensor_that_hides_in_a_closure_does_not_follow_either(install: Install) -> None:
    install("hidden", HIDDEN)
    found = [c for c in checks("hidden") if c.component == "loss:hidden.poly"]
    messages = failures(found)
    assert list(messages) == ["buffers_follow"]
    assert "register_buffer" in messages["buffers_follow"]
