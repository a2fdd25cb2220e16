"""The kit itself: what it yields, what it refuses, and how pytest shows it."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from toolkit import testing
from toolkit.errors import UserError
from toolkit.plugin.registry import KINDS
from toolkit.testing import CheckFailed, NotApplicable, checks, conformance
from toolkit.testing.kit import docs_of, kind_checks, section_of

Install = Callable[[str, str], None]

TABLE = """
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.sampler("even", "acme_kit_plugin:even", help="every row alike")
    register.sampler("odd", "acme_kit_plugin:odd", help="rows in descending order")


def even(labels, /):
    "Every row alike."
    import numpy as np

    return np.ones(len(labels))


def odd(labels, /, *, start: int):
    "Raises."
    return lambda rng: 1 / 0
"""

TEST_FILE = """
from toolkit.testing import conformance

test_conformance = conformance(
    "acme",
    options={"sampler:acme.odd": {"start": 1}},
    expected_failures={
        "sampler:acme.odd": {"absent_class": "known since 1.2"},
        "sampler:acme.even": {"absent_class": "mended long ago"},
    },
)
"""


@pytest.fixture
def acme(install: Install) -> None:
    install("acme", TABLE)


def message(component: str, check: str, **options: object) -> str:
    """How one check of `acme` fails."""
    (found,) = (
        c
        for c in checks("acme", **options)  # type: ignore[arg-type]
        if (c.component, c.name) == (component, check)
    )
    with pytest.raises(CheckFailed) as caught:
        found.run()
    return str(caught.value)


@pytest.mark.usefixtures("acme")
def test_a_check_is_a_component_a_name_and_a_function() -> None:
    component, name, run = next(iter(checks("acme")))
    assert (component, name) == ("plugin:acme", "loads")
    assert run() is None


@pytest.mark.usefixtures("acme")
def test_checks_go_over_this_plugin_only() -> None:
    components = list(dict.fromkeys(check.component for check in checks("acme")))
    assert components == ["plugin:acme", "sampler:acme.even", "sampler:acme.odd"]


@pytest.mark.usefixtures("acme")
def test_a_component_in_order_passes_every_check() -> None:
    for check in checks("acme"):
        if check.component == "sampler:acme.even":
            check.run()


@pytest.mark.usefixtures("acme")
def test_a_missing_option_is_asked_for_by_name() -> None:
    assert message("sampler:acme.odd", "builds") == (
        "sampler:acme.odd builds: start: required, and missing (integer). "
        "Pass options={'sampler:acme.odd': {'start': '...'}} to the kit"
    )


@pytest.mark.usefixtures("acme")
def test_a_wrong_option_says_what_it_should_be() -> None:
    text = message("sampler:acme.odd", "builds", options={"sampler:acme.odd": {"start": "first"}})
    assert 'start: expected integer, found "first"' in text


@pytest.mark.usefixtures("acme")
def test_what_a_component_raises_is_quoted_with_the_rule() -> None:
    text = message(
        "sampler:acme.odd", "weights_or_rows", options={"sampler:acme.odd": {"start": 1}}
    )
    assert text == (
        "sampler:acme.odd weights_or_rows: raises ZeroDivisionError: division by zero. The rule: "
        "Weights are one a row, finite, not negative and not all zero; rows are row numbers."
    )


@pytest.mark.usefixtures("acme")
def test_a_failure_shows_its_authors_lines_and_none_of_the_hosts() -> None:
    test = conformance("acme", options={"sampler:acme.odd": {"start": 1}})
    with pytest.raises(pytest.fail.Exception) as caught:
        test("sampler:acme.odd", "weights_or_rows")
    text = str(caught.value)
    assert re.search(r'File ".*acme_kit_plugin.py", line \d+', text), text
    assert text.endswith("ZeroDivisionError: division by zero")
    assert str(Path(testing.__file__).parent) not in text


def test_a_plugin_that_is_not_installed_is_one_failure() -> None:
    loads, *others = checks("nobody")
    with pytest.raises(
        CheckFailed, match=r"no installed package has the plugin 'nobody'; install it"
    ):
        loads.run()
    for other in others:
        with pytest.raises(NotApplicable):
            other.run()


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"options": {"sampler:acme.evn": {}}}, r'no "sampler:acme.evn".*"sampler:acme.even"'),
        ({"expected_failures": {"sampler:acme.evn": {}}}, r'no "sampler:acme.evn".*Did you mean'),
        (
            {"expected_failures": {"sampler:acme.even": {"absent_clas": "why"}}},
            r'no "absent_clas".*"absent_class"',
        ),
        ({"expected_failures": {"sampler:acme.even": {"absent_class": " "}}}, "say why"),
    ],
)
def test_a_key_that_names_nothing_is_an_error(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        conformance("acme", **arguments)  # type: ignore[arg-type]


def test_without_pytest_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytest", None)
    with pytest.raises(UserError, match=r'pip install "recipe-toolkit\[testing\]"'):
        conformance("toolkit")


def test_checks_are_made_without_pytest_and_without_optuna_or_timm() -> None:
    program = (
        "import sys; from toolkit.testing import checks; list(checks('toolkit')); "
        "print(*sorted({'pytest', 'timm', 'optuna', 'albumentations'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


@pytest.mark.usefixtures("acme")
def test_a_check_leaves_torchs_generator_as_it_was() -> None:
    state = torch.get_rng_state()
    for check in checks("toolkit", options={"backbone:test_resnet": {}}):
        if check.component == "backbone:test_resnet":
            check.run()
            break
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("mode", ["importlib", "prepend"])
@pytest.mark.usefixtures("acme")
def test_in_pytest_expected_failures_are_strict(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "test_acme.py"
    file.write_text(TEST_FILE)
    path = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    pytest_command = [sys.executable, "-m", "pytest", f"--import-mode={mode}", "-vrA", str(file)]
    done = subprocess.run(
        [*pytest_command, "-p", "no:cacheprovider", "-k", "absent_class or builds or docstring"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "COLUMNS": "200"},
    )
    lines = done.stdout.splitlines()
    outcomes = dict(line.split("::")[1].split()[:2] for line in lines if line.endswith("%]"))
    assert outcomes == {
        "test_conformance[sampler:acme.even-docstring]": "PASSED",
        "test_conformance[sampler:acme.even-builds]": "PASSED",
        "test_conformance[sampler:acme.even-absent_class]": "FAILED",
        "test_conformance[sampler:acme.odd-docstring]": "PASSED",
        "test_conformance[sampler:acme.odd-builds]": "PASSED",
        "test_conformance[sampler:acme.odd-absent_class]": "XFAIL",
    }
    assert "passes, though expected_failures names it (mended long ago); remove it there" in (
        done.stdout
    )
    assert "known since 1.2 (sampler:acme.odd absent_class: raises ZeroDivisionError" in done.stdout


@pytest.mark.usefixtures("acme")
def test_an_expected_failure_that_does_not_apply_fails() -> None:
    test = conformance("acme", expected_failures={"sampler:acme.odd": {"absent_class": "why"}})
    # A skip that went through would skip this test too, and look well.
    outcomes = (pytest.fail.Exception, pytest.skip.Exception)
    with pytest.raises(outcomes, match="expected to fail, but does not apply") as caught:
        test("sampler:acme.odd", "absent_class")
    assert caught.type is pytest.fail.Exception


@pytest.mark.parametrize("kind", KINDS)
def test_every_public_function_of_a_kinds_checks_is_a_check_with_a_rule(kind: str) -> None:
    module = importlib.import_module(f"toolkit.testing.{kind}_checks")
    written = [
        function
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    ]
    assert list(kind_checks(kind)) == written
    assert all(function.__doc__ for function in written)


@pytest.mark.usefixtures("acme")
def test_pytest_shows_a_failure_once_and_no_line_of_the_host(tmp_path: Path) -> None:
    file = tmp_path / "test_acme.py"
    file.write_text(
        "from toolkit.testing import conformance\n\n"
        'test_conformance = conformance("acme", options={"sampler:acme.odd": {"start": 1}}, '
        'expected_failures={"sampler:acme.even": {"docstring": "mended"}})\n'
    )
    path = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-q", "-rN", str(file), "-k", "weights_or_rows or docstring", "--no-header"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "COLUMNS": "200"},
    )
    assert done.stdout.count("The rule: Weights are one a row") == 1, done.stdout
    assert done.stdout.count("(docs/reference/conformance.md#sampler)") == 1, done.stdout
    assert done.stdout.count("passes, though expected_failures names it") == 1, done.stdout
    assert "direct cause" not in done.stdout
    assert str(Path(testing.__file__).parents[1]) not in done.stdout


def test_every_anchor_that_a_failure_cites_is_a_heading_of_the_page() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"
    headings = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    for check in checks("toolkit"):
        cited = docs_of(check.component, check.name)
        assert cited.partition("#")[2] in anchors
        section = page.read_text().partition(f"## {section_of(check.component, check.name)}\n")[2]
        assert f"| `{check.name}` |" in section.partition("\n## ")[0], cited
