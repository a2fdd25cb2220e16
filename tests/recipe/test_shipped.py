"""The recipes in the box: listed, copied, and good as they are."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import toolkit
from toolkit.errors import UserError
from toolkit.plugin.host import Host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.recipe.shipped import copy_recipe, find_shipped, shipped_recipes, summary
from toolkit.recipe.show import recipe_text

RUNNABLE = sorted(shipped_recipes().keys() - {"base"})


def test_every_recipe_in_the_box_says_what_it_is_for() -> None:
    assert {"base", "b4", "cpu"} <= shipped_recipes().keys()
    for name, file in shipped_recipes().items():
        assert file.read_text(encoding="utf-8").startswith("# "), name
        assert 20 < len(summary(file)) <= 120, name  # a row of a table
        assert not summary(file).startswith("#")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# A drawn competition (needs lite\n# and synthdocs).\n\n# More.\nseed = 1\n", None),
        ("#A drawn competition (needs lite\n#   and synthdocs).\n#\n# More.\n", None),
        ("# A drawn competition (needs lite\n# and synthdocs).\nseed = 1\n# More.", None),
        ("seed = 1\n# More.\n", ""),
        ("", ""),
    ],
)
def test_a_description_is_the_whole_first_paragraph_of_the_leading_comment(
    text: str, said: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "pages.toml"
    file.write_text(text)
    expected = "A drawn competition (needs lite and synthdocs)." if said is None else said
    assert summary(file) == expected


def test_only_the_prefix_leads_into_the_box() -> None:
    assert find_shipped("b4") is None
    assert find_shipped("recipes/b4.toml") is None
    assert find_shipped("C:recipe.toml") is None  # a drive of Windows
    found = find_shipped("toolkit:b4")
    assert found is not None
    assert (found.name, found.file) == ("toolkit:b4", shipped_recipes()["b4"])
    assert (found.package, found.version) == ("recipe-toolkit", toolkit.__version__)


@pytest.mark.parametrize("name", ["nowhere", "", "../recipes/b4"])
def test_a_recipe_that_is_not_in_the_box_is_told_with_those_that_are(name: str) -> None:
    with pytest.raises(UserError, match=r"ships no recipe .* it has b4, base, "):
        find_shipped(f"toolkit:{name}")


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_copy_plans_in_another_folder_as_the_original_does(
    name: str, tmp_path: Path, shipped_host: Host
) -> None:
    file = tmp_path / f"{name}.toml"
    copy_recipe(name, file)
    copy = make_plan(load_recipe(file), shipped_host)
    original = make_plan(load_recipe(f"toolkit:{name}"), shipped_host)
    assert copy.values == original.values
    assert copy.hash("data") == original.hash("data")


def test_a_copy_extends_the_box_and_keeps_every_comment(tmp_path: Path) -> None:
    copy_recipe("cpu", tmp_path / "mine.toml")
    copied = (tmp_path / "mine.toml").read_text(encoding="utf-8")
    original = shipped_recipes()["cpu"].read_text(encoding="utf-8")
    assert tomllib.loads(copied)["extends"] == "toolkit:base"
    changed = [
        (old, new)
        for old, new in zip(original.splitlines(), copied.splitlines(), strict=True)
        if old != new
    ]
    assert changed == [('extends = "base.toml"', 'extends = "toolkit:base"')]


def test_a_copy_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("mine\n")
    with pytest.raises(UserError, match=f"^{file}: the file exists"):
        copy_recipe("cpu", file)
    assert file.read_text() == "mine\n"


def test_a_copy_into_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "mine.toml"
    with pytest.raises(UserError, match=f"^{file}: cannot be written: No such file"):
        copy_recipe("cpu", file)


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_resolved_recipe_runs_as_the_original_did(
    name: str, write: Callable[..., str], shipped_host: Host
) -> None:
    plan = make_plan(load_recipe(f"toolkit:{name}"), shipped_host)
    text = recipe_text(plan)
    assert "extends" not in text
    again = make_plan(load_recipe(write(text, "another.toml")), shipped_host)
    assert again.values == plan.values
    assert again.hash("data") == plan.hash("data")
