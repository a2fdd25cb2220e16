"""`toolkit plugins new`: what it prints, what it makes of its flags, and what it refuses."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.cli.scaffold.examples import EXAMPLES


def test_without_a_flag_it_makes_a_loss_and_says_what_comes_next(
    toolkit_cli: Callable, folder: Path
) -> None:
    done = toolkit_cli("plugins", "new", "ink")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "ink-plugin/.github/workflows/tests.yml",
        "ink-plugin/LICENSE",
        "ink-plugin/README.md",
        "ink-plugin/ink_plugin/__init__.py",
        "ink-plugin/ink_plugin/losses.py",
        "ink-plugin/ink_plugin/recipes/pages.toml",
        "ink-plugin/pyproject.toml",
        "ink-plugin/tests/test_conformance.py",
        'Next: pip install -e "./ink-plugin[test]", then python -m pytest ink-plugin',
    ]
    assert (folder / "ink-plugin" / "ink_plugin" / "losses.py").is_file()


@pytest.mark.parametrize("kind", EXAMPLES)
def test_each_flag_asks_for_one_kind(kind: str, toolkit_cli: Callable, folder: Path) -> None:
    assert toolkit_cli("plugins", "new", "ink", f"--{kind}").code == 0
    table = (folder / "ink-plugin" / "ink_plugin" / "__init__.py").read_text()
    assert re.findall(r"register\.(\w+)\(", table)[0] == kind


@pytest.mark.parametrize(
    ("plugins", "use"), [("synthdocs", "synthdocs.documents"), ("acme", "csv")]
)
def test_its_recipe_reads_the_drawn_pages_where_they_are_installed(
    plugins: str, use: str, toolkit_cli: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_PLUGINS", plugins)
    assert toolkit_cli("plugins", "new", "ink", "--loss").code == 0
    recipe = folder / "ink-plugin" / "ink_plugin" / "recipes" / "pages.toml"
    assert tomllib.loads(recipe.read_text())["data"]["use"] == use


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Ink", '"Ink" cannot be a plugin\'s name: write lower-case letters'),
        ("run", 'the plugin name "run" is taken by the command `toolkit run`'),
        ("recipes", 'the plugin name "recipes" is taken by the command `toolkit recipes`'),
        ("toolkit", 'the plugin name "toolkit" is taken by recipe-toolkit'),
        ("acme", 'the plugin name "acme" is taken by acme-vision'),
        ("broke", 'the plugin name "broke" is taken by broke-vision'),
        ("there", "there-plugin: exists already"),
    ],
)
def test_a_name_that_cannot_be_had_is_the_users_mistake(
    name: str, says: str, toolkit_cli: Callable, folder: Path
) -> None:
    (folder / "there-plugin").mkdir()
    done = toolkit_cli("plugins", "new", name)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(says)
    assert [path.name for path in folder.rglob("*")] == ["there-plugin"]


def test_the_licence_names_gits_author_and_this_year(
    toolkit_cli: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "gitconfig").write_text("[user]\n\tname = 김 Ada\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
    assert toolkit_cli("plugins", "new", "ink").code == 0
    lines = (folder / "ink-plugin" / "LICENSE").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "MIT License"
    assert re.fullmatch(r"Copyright \(c\) 20\d\d 김 Ada", lines[2])


def test_without_git_the_licence_names_the_authors_of_the_plugin(
    toolkit_cli: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert toolkit_cli("plugins", "new", "ink").code == 0
    assert "The ink-plugin authors" in (folder / "ink-plugin" / "LICENSE").read_text()


def test_the_workflow_installs_the_package_checks_it_and_runs_its_tests(
    toolkit_cli: Callable, folder: Path
) -> None:
    assert toolkit_cli("plugins", "new", "ink").code == 0
    text = (folder / "ink-plugin" / ".github" / "workflows" / "tests.yml").read_text()
    steps = re.findall(r"^      - (?:run|uses): (.+)$", text, re.MULTILINE)
    assert steps[0].startswith("actions/checkout@")
    assert steps[-3:] == ['pip install -e ".[test]"', "toolkit plugins --check", "python -m pytest"]
    project = tomllib.loads((folder / "ink-plugin" / "pyproject.toml").read_text())["project"]
    assert (project["license"], project["license-files"]) == ("MIT", ["LICENSE"])
    assert "\t" not in text
