"""The light commands: what they print, and how they end."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import toolkit
from toolkit.plugin.host import load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.recipe.shipped import shipped_recipes
from toolkit.recipe.slots import SECTIONS

COMMANDS = (
    "run",
    "init",
    "validate",
    "show",
    "schema",
    "score",
    "runs",
    "recipes",
    "plugins",
    "cache",
)

SIX = (
    "bad.toml:9: backbone.width: expected integer >= 1, < 99, found 99",
    'bad.toml:13: loss.alhpa: unknown key. Did you mean "alpha"?',
    'bad.toml:16: sampler.use: there is no sampler "balancd". Did you mean "balanced"?',
    'bad.toml:19: train.epochs: expected integer >= 1, found "many"',
    "bad.toml:22: tune.space.optimizer.lrr: the recipe has no such key. "
    'Did you mean "optimizer.lr"?',
    'bad.toml:24: agument: unknown section. Did you mean "augment"?',
)


def test_help_names_every_command(toolkit_cli: Callable) -> None:
    done = toolkit_cli("--help")
    assert done.code == 0
    assert done.err == ""
    for name in COMMANDS:
        assert f"\n│ {name} " in done.out or f"\n  {name} " in done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, toolkit_cli: Callable) -> None:
    done = toolkit_cli(name, "--help")
    assert done.code == 0
    assert f"Usage: toolkit {name}" in done.out


def test_version_is_the_packages(toolkit_cli: Callable) -> None:
    assert toolkit_cli("--version") == (0, f"{toolkit.__version__}\n", "")


def test_plugins_lists_components_and_what_was_set_aside(toolkit_cli: Callable) -> None:
    done = toolkit_cli("plugins")
    assert done.code == 0
    rows = [" ".join(line.split()) for line in done.out.splitlines()]
    assert rows[0] == "kind name from what it does"
    assert "backbone acme.tiny acme-vision 1.2.3 one layer" in rows
    assert f"loss focal recipe-toolkit {toolkit.__version__} focal loss" in "\n".join(rows)
    said = "set aside: broke (broke-vision): ValueError: no licence file (broke-vision 1.2.3, "
    assert rows[-1].startswith(said)  # and the line of the plugin that raised


def test_off_a_terminal_a_table_is_aligned_and_never_cut(toolkit_cli: Callable) -> None:
    lines = toolkit_cli("plugins").out.splitlines()[:-1]
    column = lines[0].index("from")
    assert {line[column - 2 : column] for line in lines} == {"  "}
    helps = [entry.help for entry in load_host({}, []).registry]
    assert max(map(len, helps)) > 60
    for text in helps:
        assert any(line.endswith(text) for line in lines)
    assert "\x1b" not in "".join(lines)


def test_a_component_is_explained(toolkit_cli: Callable) -> None:
    done = toolkit_cli("plugins", "show", "backbone", "acme.tiny")
    assert done.code == 0
    assert done.out.splitlines() == [
        "backbone acme.tiny, from acme-vision 1.2.3",
        "",
        "One layer, and a head.",
        "",
        "option      type           bounds      default  meaning",
        "pretrained  true or false              false",
        "width       integer        >= 1, < 99  8        channels of the layer",
    ]


def test_a_name_is_enough_where_one_kind_has_it(toolkit_cli: Callable) -> None:
    for words in (["acme.tiny"], ["backbone", "acme.tiny"]):
        assert toolkit_cli("plugins", "show", *words).out.startswith("backbone acme.tiny, from ")
    assert toolkit_cli("plugins", "show", "resnet18").out.startswith("backbone ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["focla"], 'there is no component "focla". Did you mean "focal"?'),
        (["broke.poly"], 'there is no component "broke.poly". its plugin was set aside: '),
        (["loss"], "name a loss, too: "),
        (["loss", "focal", "soft"], "name one component: toolkit plugins show [KIND] NAME"),
    ],
)
def test_a_name_that_nobody_has_is_the_users_mistake(
    words: list[str], says: str, toolkit_cli: Callable
) -> None:
    done = toolkit_cli("plugins", "show", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(says)


def test_the_focal_loss_explains_its_options_and_its_paper(toolkit_cli: Callable) -> None:
    done = toolkit_cli("plugins", "show", "loss", "focal")
    assert done.code == 0
    assert "arXiv:1708.02002" in done.out
    rows = [line.split()[0] for line in done.out.splitlines() if line]
    assert rows[-3:] == ["option", "gamma", "alpha"]


def test_a_component_without_options_says_so(toolkit_cli: Callable) -> None:
    assert toolkit_cli("plugins", "show", "ensembler", "soft").out.endswith("has no options.\n")


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("los", "focal", 'there is no kind "los". Did you mean "loss"? Kinds: source, augment'),
        ("loss", "focl", 'there is no loss "focl". Did you mean "focal"?\n'),
        ("loss", "xxxx", 'there is no loss "xxxx".\n'),
        (
            "loss",
            "broke.poly",
            'there is no loss "broke.poly". its plugin was set aside: ValueError: no licence file',
        ),
    ],
)
def test_an_unknown_component_is_the_users_mistake(
    kind: str, name: str, says: str, toolkit_cli: Callable
) -> None:
    done = toolkit_cli("plugins", "show", kind, name)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(says)


def test_recipes_lists_what_is_in_the_box(toolkit_cli: Callable) -> None:
    done = toolkit_cli("recipes")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["recipe", *shipped_recipes()]
    assert "two cores" in done.out  # cpu.toml's first line


def test_a_copied_recipe_is_named_and_is_not_overwritten(
    toolkit_cli: Callable, folder: Path
) -> None:
    done = toolkit_cli("recipes", "copy", "b4", "mine.toml")
    assert (done.code, done.err) == (0, "")
    assert "toolkit validate mine.toml" in done.out
    text = (folder / "mine.toml").read_text()
    assert tomllib.loads(text)["extends"] == "toolkit:base"
    again = toolkit_cli("recipes", "copy", "cpu", "mine.toml")
    assert again.code == 2
    assert again.err.startswith("mine.toml: the file exists")
    assert (folder / "mine.toml").read_text() == text
    unknown = toolkit_cli("recipes", "copy", "b44", "other.toml")
    assert unknown.code == 2
    assert "ships no recipe 'b44'" in unknown.err


def test_validate_judges_every_recipe_it_is_given(
    toolkit_cli: Callable, good: str, bad: str
) -> None:
    done = toolkit_cli("validate", bad, good, "missing.toml")
    assert done.code == 2
    assert done.out == "good.toml: good (acme.tiny, 224 px, 5 folds, 20 epochs)\n"
    *six, missing = done.err.splitlines()
    assert tuple(six) == SIX
    assert missing.startswith("missing.toml: there is no such recipe")


def test_validate_of_good_recipes_ends_well(toolkit_cli: Callable, good: str) -> None:
    done = toolkit_cli("validate", good, good, "--set", "train.epochs=3")
    assert (done.code, done.err) == (0, "")
    assert done.out.count("good.toml: good (acme.tiny, 224 px, 5 folds, 3 epochs)\n") == 2


def test_one_epoch_is_not_called_one_epochs(toolkit_cli: Callable, good: str) -> None:
    one = ("--set", "train.epochs=1", "--set", "schedule.warmup_epochs=0.0")
    assert toolkit_cli("validate", good, *one).out.endswith(", 5 folds, 1 epoch)\n")


def test_a_recipe_with_mistakes_is_not_run_and_leaves_no_trace(
    toolkit_cli: Callable, bad: str, folder: Path
) -> None:
    before = {p: p.stat().st_mtime_ns for p in [folder, *folder.rglob("*")]}
    done = toolkit_cli("run", bad)
    assert (done.code, done.out) == (2, "")
    assert tuple(done.err.splitlines()) == SIX
    assert {p: p.stat().st_mtime_ns for p in [folder, *folder.rglob("*")]} == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--set", "loss.alpha"), "--set loss.alpha: write --set section.key=value"),
        (("--set", '"loss=1'), "is not a key; write section.key"),
        (("--set", "train.epochs=0"), "--set train.epochs=0: train.epochs: expected integer >= 1"),
    ],
)
def test_a_wrong_override_is_the_users_mistake(
    arguments: tuple[str, ...], says: str, toolkit_cli: Callable, good: str
) -> None:
    done = toolkit_cli("run", good, *arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert "Traceback" not in done.err


def test_a_set_aside_plugins_reason_is_quoted_where_a_recipe_needs_it(
    toolkit_cli: Callable, good: str
) -> None:
    done = toolkit_cli("validate", good, "--set", "loss.use=broke.poly")
    assert done.code == 2
    assert done.err.startswith(
        '--set loss.use=broke.poly: loss.use: "broke.poly": its plugin was set aside: '
        "ValueError: no licence file (broke-vision 1.2.3, "
    )
    assert len(done.err.splitlines()) == 1


def without_none(values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    return {key: without_none(value) for key, value in values.items() if value is not None}


def test_what_show_prints_is_the_plan_and_where_each_value_came_from(
    toolkit_cli: Callable, folder: Path
) -> None:
    (folder / "child.toml").write_text(
        'extends = "toolkit:base"\n[data]\nuse = "csv"\nroot = "a \\"b\\" # c"\n'
        '[backbone]\nuse = "acme.tiny"\n'
    )
    done = toolkit_cli("show", "child.toml", "--set", "loss.alpha=0.25")
    assert (done.code, done.err) == (0, "")
    plan = make_plan(load_recipe("child.toml", {"loss.alpha": 0.25}), load_host())
    assert plan.values["data"]["group_column"] is None  # TOML cannot say it: show leaves it out
    assert tomllib.loads(done.out) == without_none(plan.values)
    origins = {
        line.split(" = ")[0]: line.rpartition("  # ")[2]
        for line in done.out.splitlines()
        if " = " in line
    }
    assert origins["root"] == "child.toml:4"
    assert origins["alpha"] == "--set loss.alpha=0.25"
    assert origins["gamma"].startswith("toolkit:base:")
    assert origins["width"] == "default"
    assert origins['"optimizer.lr"'].startswith("toolkit:base:")


def test_show_lists_the_mistakes_of_a_recipe_that_has_any(toolkit_cli: Callable, bad: str) -> None:
    done = toolkit_cli("show", bad)
    assert (done.code, done.out) == (2, "")
    assert tuple(done.err.splitlines()) == SIX


def test_schema_prints_json_that_knows_every_section(toolkit_cli: Callable) -> None:
    done = toolkit_cli("schema")
    assert (done.code, done.err) == (0, "")
    schema = json.loads(done.out)
    for keys in SECTIONS:
        part = schema
        for key in keys:
            part = part["properties"][key]
        assert part["type"] == "object"
    assert '"acme.tiny"' in done.out


def test_schema_can_be_written_to_a_file(toolkit_cli: Callable, folder: Path) -> None:
    done = toolkit_cli("schema", "--output", "recipe.schema.json")
    assert (done.code, done.out) == (0, "")
    written = json.loads((folder / "recipe.schema.json").read_text())
    assert written == json.loads(toolkit_cli("schema").out)
