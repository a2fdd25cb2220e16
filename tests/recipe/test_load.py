"""A recipe, those it extends, and overrides: merged, each value with its origin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import RecipeError
from toolkit.recipe.load import load_recipe, parse_override

Write = Callable[..., str]


def origins(path: str, overrides: dict[str, Any] | None = None) -> dict[str, str]:
    recipe = load_recipe(path, overrides)
    return {".".join(keys): str(origin) for keys, origin in recipe.origins.items()}


def test_a_child_overrides_its_ancestors_and_each_value_names_its_file(write: Write) -> None:
    write("seed = 1\n[train]\nepochs = 10\nbatch_size = 4\nworkers = 0\n", "shared/oldest.toml")
    write('extends = "oldest.toml"\nseed = 2\n[train]\nepochs = 20\n', "shared/parent.toml")
    child = write('extends = "../shared/parent.toml"\n\n[train]\nepochs = 30\n', "mine/child.toml")
    recipe = load_recipe(child)
    assert recipe.values == {"seed": 2, "train": {"epochs": 30, "batch_size": 4, "workers": 0}}
    assert origins(child) == {
        "seed": "mine/../shared/parent.toml:2",
        "train": "mine/child.toml:3",
        "train.epochs": "mine/child.toml:4",
        "train.batch_size": "mine/../shared/oldest.toml:4",
        "train.workers": "mine/../shared/oldest.toml:5",
    }


def test_extends_takes_an_absolute_path(write: Write, tmp_path: Path) -> None:
    parent = tmp_path / "elsewhere.toml"
    parent.write_text("seed = 7\n")
    recipe = load_recipe(write(f'extends = "{parent}"\n', "deep/child.toml"))
    assert recipe.values == {"seed": 7}


def test_extends_takes_a_recipe_in_the_box(write: Write) -> None:
    path = write('extends = "toolkit:base"\nseed = 7\n')
    recipe = load_recipe(path)
    assert recipe.values["seed"] == 7
    assert recipe.values["loss"]["use"] == "focal"
    assert origins(path)["loss.use"].startswith("toolkit:base:")


def test_a_recipe_in_the_box_finds_its_own_parent(write: Write) -> None:
    recipe = load_recipe("toolkit:coat_lite_medium")
    assert recipe.values["backbone"]["use"] == "coat_lite_medium"  # its own
    assert recipe.values["data"]["use"] == "csv"  # b4's
    assert recipe.values["split"]["folds"] == 5  # base's


def test_recipes_that_extend_each_other_show_the_circle(write: Write) -> None:
    write('extends = "b.toml"\n', "a.toml")
    write('extends = "c.toml"\n', "b.toml")
    write('extends = "a.toml"\n', "c.toml")
    with pytest.raises(RecipeError, match=r"a\.toml -> b\.toml -> c\.toml -> a\.toml"):
        load_recipe("a.toml")


def test_a_recipe_that_extends_itself_says_so(write: Write) -> None:
    write('extends = "../x/self.toml"\n', "x/self.toml")
    with pytest.raises(RecipeError, match=r"extends itself: self\.toml -> self\.toml"):
        load_recipe("x/self.toml")


@pytest.mark.parametrize(
    ("extends", "says"),
    [
        ('"nowhere.toml"', "there is no file sub/nowhere.toml"),
        ('"toolkit:nowhere"', "ships no recipe 'nowhere'; it has b4, base"),
        ("5", "expected text, found 5"),
    ],
)
def test_a_wrong_extends_names_its_line(extends: str, says: str, write: Write) -> None:
    path = write(f"\nextends = {extends}\n", "sub/child.toml")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith("sub/child.toml:2: extends: ")
    assert says in str(caught.value)


def test_a_missing_recipe_points_at_those_in_the_box(write: Write) -> None:
    with pytest.raises(RecipeError, match=r"^none\.toml: .*`toolkit recipes`"):
        load_recipe("none.toml")


def test_a_folder_or_a_binary_file_is_no_recipe(tmp_path: Path) -> None:
    (tmp_path / "image.toml").write_bytes(b"\xff\xd8\xff")
    for path in (tmp_path, tmp_path / "image.toml"):
        with pytest.raises(RecipeError, match=f"^{path}: cannot be read: "):
            load_recipe(path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('seed = 1\n[train\nepochs = 3\n', 2),
        ("seed = 1\r\nname = b4\r\n", 2),
        ("a = 1\n\na = 2\n", 3),
        ('name = "b4', 1),
        ("a = 1\nb = [1,\n2", 3),
    ],
)  # fmt: skip
def test_broken_toml_names_its_line(text: str, line: int, write: Write) -> None:
    path = write(text)
    with pytest.raises(RecipeError, match=f"^{path}:{line}: not valid TOML: "):
        load_recipe(path)


def test_a_file_that_a_windows_editor_saved_is_read_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "windows.toml"
    file.write_bytes(b"\xef\xbb\xbfseed = 1\r\n[train]\r\nepochs = 3\r\n")
    recipe = load_recipe(file)
    assert recipe.values == {"seed": 1, "train": {"epochs": 3}}
    assert str(recipe.origin(("train", "epochs"))) == f"{file}:3"


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("loss.alpha=0.5", "loss.alpha", 0.5),
        ("train.epochs = 3", "train.epochs", 3),
        ("data.root=data/documents", "data.root", "data/documents"),
        ('data.root="2024"', "data.root", "2024"),
        ("data.root=", "data.root", ""),
        ("data.root=a=b", "data.root", "a=b"),
        ("loss.alpha=none", "loss.alpha", "none"),
        ("train.channels_last=false", "train.channels_last", False),
        ("loss.alpha=[1.0, 2.0]", "loss.alpha", [1.0, 2.0]),
        ("loss={ use = 'focal' }", "loss", {"use": "focal"}),
        ("x=2020-01-01", "x", date(2020, 1, 1)),
    ],
)
def test_an_override_is_a_key_and_a_toml_value_or_text(text: str, key: str, value: Any) -> None:
    assert parse_override(text) == (key, value)


def test_an_override_without_a_value_is_quoted() -> None:
    with pytest.raises(RecipeError, match=r"^--set loss\.alpha: write --set section\.key=value$"):
        parse_override("loss.alpha")


@pytest.mark.parametrize("key", ["", "loss.", "loss..alpha", "a b"])
def test_an_override_of_what_is_no_key_is_quoted(key: str, write: Write) -> None:
    with pytest.raises(RecipeError, match=rf"^--set {key}=1: .* is not a key"):
        load_recipe(write("seed = 1\n"), {key: 1})


def test_overrides_lie_over_the_file_and_say_so(write: Write) -> None:
    path = write('[loss]\nuse = "focal"\nalpha = 0.1\ngamma = 1.0\n')
    overrides = {"loss.alpha": 0.5, "data.root": "pages"}
    recipe = load_recipe(path, overrides)
    assert recipe.values["loss"] == {"use": "focal", "alpha": 0.5, "gamma": 1.0}
    assert recipe.values["data"] == {"root": "pages"}
    found = origins(path, overrides)
    assert found["loss.alpha"] == "--set loss.alpha=0.5"
    assert found["data.root"] == "--set data.root=pages"
    assert found["loss.gamma"] == "recipe.toml:4"


def test_a_table_given_as_an_override_is_the_origin_of_its_values(write: Write) -> None:
    overrides = {"loss": {"use": "focal", "alpha": 0.5}}
    found = origins(write("seed = 1\n"), overrides)
    assert found["loss.alpha"] == '--set loss={ use = "focal", alpha = 0.5 }'


def test_overrides_are_left_as_they_were_given(write: Write) -> None:
    overrides = {"loss": {"use": "focal", "weights": [1]}, "loss.alpha": 0.5}
    recipe = load_recipe(write("seed = 1\n"), overrides)
    recipe.values["loss"]["weights"].append(2)
    assert overrides == {"loss": {"use": "focal", "weights": [1]}, "loss.alpha": 0.5}


FOCAL = """[loss]
use = "focal"
alpha = 0.5

[tune.space]
"loss.alpha" = { low = 0.0, high = 1.0 }
"loss.use" = { choices = ["focal", "cross_entropy"] }
"optimizer.lr" = { low = 1e-5, high = 1e-3, log = true }
"""


def test_another_component_drops_the_parents_options(write: Write) -> None:
    write(FOCAL, "parent.toml")
    child = write('extends = "parent.toml"\n[loss]\nuse = "class_balanced"\nbeta = 0.9\n')
    assert load_recipe(child).values["loss"] == {"use": "class_balanced", "beta": 0.9}
    assert "loss.alpha" not in origins(child)


def test_the_same_component_keeps_the_parents_options(write: Write) -> None:
    write(FOCAL, "parent.toml")
    child = write('extends = "parent.toml"\n[loss]\nuse = "focal"\ngamma = 1.0\n')
    assert load_recipe(child).values["loss"] == {"use": "focal", "alpha": 0.5, "gamma": 1.0}


def test_another_component_in_an_override_drops_the_files_options(write: Write) -> None:
    recipe = load_recipe(write(FOCAL), {"loss.use": "cross_entropy"})
    assert recipe.values["loss"] == {"use": "cross_entropy"}


@pytest.mark.parametrize("keys", [("loss.use", "loss.beta"), ("loss.beta", "loss.use")])
def test_the_order_of_overrides_drops_none_of_them(keys: tuple[str, str], write: Write) -> None:
    given = {"loss.use": "class_balanced", "loss.beta": 0.9}
    recipe = load_recipe(write(FOCAL), {key: given[key] for key in keys})
    assert recipe.values["loss"] == {"use": "class_balanced", "beta": 0.9}


def test_another_component_takes_the_ranges_of_the_old_ones_options_along(write: Write) -> None:
    write(FOCAL, "parent.toml")
    child = write(
        'extends = "parent.toml"\n[tune.space]\n"loss.beta" = { low = 0.5, high = 0.9 }\n'
        '[loss]\nuse = "class_balanced"\n'
    )
    left = {"loss.use", "loss.beta", "optimizer.lr"}
    assert set(load_recipe(child).values["tune"]["space"]) == left
    named = origins(child)
    assert "tune.space.loss.alpha" not in named
    assert "tune.space.loss.alpha.low" not in named


def test_a_range_of_the_search_space_is_replaced_as_a_whole(write: Write) -> None:
    write(FOCAL, "parent.toml")
    child = write('extends = "parent.toml"\n[tune.space]\n"optimizer.lr" = { choices = [1e-3] }\n')
    space = load_recipe(child).values["tune"]["space"]
    assert space["optimizer.lr"] == {"choices": [1e-3]}
    assert space["loss.alpha"] == {"low": 0.0, "high": 1.0}
    assert origins(child)["tune.space.optimizer.lr"] == "recipe.toml:3"
    assert "tune.space.optimizer.lr.low" not in origins(child)


def test_a_key_without_an_origin_has_that_of_the_table_around_it(write: Write) -> None:
    recipe = load_recipe(write("\n[loss]\nalpha = 0.5\n"))
    assert str(recipe.origin(("loss", "gamma"))) == "recipe.toml:2"
    assert str(recipe.origin(("optimizer", "lr"))) == "recipe.toml"


def test_naming_the_default_outright_keeps_what_the_parent_says_of_it(tmp_path: Path) -> None:
    (tmp_path / "parent.toml").write_text("[optimizer]\nlr = 0.5\n[schedule]\nmin_scale = 0.3\n")
    child = tmp_path / "child.toml"
    child.write_text(
        'extends = "parent.toml"\n[optimizer]\nuse = "adamw"\n[schedule]\nuse = "constant"\n'
    )
    values = load_recipe(child).values
    assert values["optimizer"] == {"use": "adamw", "lr": 0.5}
    assert values["schedule"] == {"use": "constant"}  # the default it replaces is the cosine
