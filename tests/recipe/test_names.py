"""Names in any script, and the folders that are called after them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from toolkit.errors import in_shell
from toolkit.plugin.host import Host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.names import safe_name
from toolkit.recipe.planner import make_plan
from toolkit.recipe.sections import Top
from toolkit.runs.folder import RunFolder, new_run
from toolkit.tune.folder import study_folder


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("b4-tuned_2.1", "b4-tuned_2.1"),
        ("문서", "문서"),
        ("données", "données"),
        ("donne\u0301es", "données"),  # as macOS writes it
        ("_data", "data"),
        ("1. scan (neu)", "1.-scan-neu"),
        ("my data (v2)", "my-data-v2"),
        ("-rf /", "rf"),
        ("..", "recipe"),
        ("", "recipe"),
        ("\U0001f642", "recipe"),
        ("\u0301abc", "abc"),
        ("con", "recipe-con"),
        ("Lpt3.old", "recipe-Lpt3.old"),
        ("console", "console"),
        ("\udcff\udcfe", "recipe"),  # bytes of a file name that are no text
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_any_text_becomes_a_name_that_recipes_and_file_systems_take(text: str, name: str) -> None:
    assert safe_name(text) == name
    assert safe_name(name) == name
    assert Top(name=name).name == name


def test_a_long_name_is_cut_between_characters() -> None:
    name = safe_name("문" * 300)
    assert set(name) == {"문"}
    assert len(name.encode()) <= 100


@pytest.mark.parametrize("name", ["문서", "con", "x" * 250, "données.v2."])
def test_run_and_study_folders_are_called_safely(name: str, tmp_path: Path) -> None:
    assert Top(name=name).name == name
    run = new_run(tmp_path, name, "0123456789abcdef", date(2026, 7, 8))
    study = study_folder(tmp_path, name, "0123456789abcdef", date(2026, 7, 8))
    assert run.path.name == f"{safe_name(name)}-20260708-01234567"
    assert study.path.name == f"tune-{safe_name(name)}-20260708-01234567"


def test_the_files_name_is_made_safe_where_a_recipe_has_no_name(
    minimal: str, tmp_path: Path, host: Host
) -> None:
    file = tmp_path / "_my scans (2).toml"
    file.write_text(minimal)
    assert make_plan(load_recipe(file, None, host), host).name == "my-scans-2"


@pytest.mark.parametrize(
    ("word", "pasted"),
    [
        ("a.toml", "a.toml"),
        ("my own.toml", "'my own.toml'"),
        ("-x.toml", "./-x.toml"),
        ("-my own.toml", "'./-my own.toml'"),
        ("it's", "'it'\"'\"'s'"),
        ("문서.toml", "'문서.toml'"),
    ],
)
def test_what_is_printed_can_be_pasted_into_a_shell(word: str, pasted: str) -> None:
    assert in_shell(word) == pasted


def test_the_command_of_a_run_can_be_pasted(tmp_path: Path) -> None:
    run = new_run(tmp_path / "my runs", "문서", "0123456789abcdef", date(2026, 7, 8))
    run.recipe.write_text("")
    assert RunFolder(run.path).command == (
        f"`toolkit run '{run.recipe}' --runs '{tmp_path / 'my runs'}'`"
    )
