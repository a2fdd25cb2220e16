"""A mistake in what a study lays over the recipe is told under the key that asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.cli import run_command
from toolkit.contracts import ignore
from toolkit.errors import RecipeError, UserError
from toolkit.plugin.host import load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.tune.asked import Question
from toolkit.tune.bench import Bench
from toolkit.tune.checks import told_under


def said(recipe: Path, more: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    recipe.write_text(recipe.read_text() + more)
    runs = recipe.parent / "runs"
    assert run_command(["tune", str(recipe), "--runs", str(runs), "--trials", "1"]) == 2
    assert not runs.exists()
    return [line for line in capsys.readouterr().err.splitlines() if "tune." in line]


def test_a_size_of_the_proxy_that_the_backbone_does_not_take(
    tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tiny_recipe.read_text().replace('"test_resnet"', '"test_convnext"')
    tiny_recipe.write_text(text)
    (line,) = said(tiny_recipe, "\n[tune.proxy]\nsize = 70\n", capsys)
    number = tiny_recipe.read_text().splitlines().index("size = 70") + 1
    assert line.startswith(f"{tiny_recipe}:{number}: tune.proxy.size: test_convnext does not look")
    assert "image.size" not in line


def test_a_component_of_the_space_that_cannot_be_built(
    tiny_recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = '\n[tune.space]\n"backbone.use" = { choices = ["test_resnet", "hrnet_w18_small"] }\n'
    tiny_recipe.write_text(tiny_recipe.read_text().replace("size = 32", "size = 40"))
    (line,) = said(tiny_recipe, space, capsys)
    number = len(tiny_recipe.read_text().splitlines())
    assert line.startswith(
        f"{tiny_recipe}:{number}: tune.space.backbone.use: hrnet_w18_small does not take"
    )
    assert "--set" not in line


def test_lines_without_the_key_and_lines_that_go_on(tiny_recipe: Path) -> None:
    plan = make_plan(load_recipe(tiny_recipe), load_host({"TOOLKIT_PLUGINS": ""}))
    keys = ("tune", "space", "loss.use")
    with pytest.raises(RecipeError) as caught, told_under(plan, {"loss.use": keys}, keys):
        raise UserError(
            '--set loss.use=poly: loss.use: there is no loss "poly"',
            "train.batch_size is too large",
            "  Ways out:",
        )
    assert caught.value.lines == (
        f'{tiny_recipe}: tune.space.loss.use: there is no loss "poly"',
        f"{tiny_recipe}: tune.space.loss.use: train.batch_size is too large",
        "  Ways out:",
    )


def test_a_size_that_a_trial_samples_is_checked_before_its_images_are_decoded(
    tiny_recipe: Path,
) -> None:
    tiny_recipe.write_text(tiny_recipe.read_text().replace('"test_resnet"', '"test_convnext"'))
    host = load_host({"TOOLKIT_PLUGINS": ""})
    question = Question(str(tiny_recipe), {})
    bench = Bench(question, host, ignore)
    bench.prepare(question.plan(host))
    with pytest.raises(UserError, match="does not look at the right and lower 2 px"):
        bench.data(question.plan(host, {"image.size": 70}))
    assert bench.data(question.plan(host, {"image.size": 64})).pack is not None
