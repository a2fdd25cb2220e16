"""`toolkit plugins new`: what it prints, what it makes of its flags, and what it refuses."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.plugin.scaffold_examples import EXAMPLES


def test_without_a_flag_it_makes_a_loss_and_says_what_comes_next(
    toolkit_cli: Callable, folder: Path
) -> None:
    done = toolkit_cli("plugins", "new", "ink")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
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
