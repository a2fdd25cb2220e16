"""Every mistake in a recipe is found before work begins, all at once, each with its line."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import RecipeError
from toolkit.plugin.code import loaded_code
from toolkit.plugin.host import Host, SetAside
from toolkit.plugin.registry import Registry
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import SMOKE_OVERRIDES, Plan
from toolkit.recipe.planner import make_plan
from toolkit.recipe.shipped import shipped_recipes

Planned = Callable[..., Plan]
Mistakes = Callable[..., tuple[str, ...]]

SIX = """extends = "toolkit:base"

[data]
use = "folder"
root = "pages"

[backbone]
use = "acme.tiny"
width = 0

[loss]
use = "focal"
alhpa = 0.5

[sampler]
use = "balancd"

[train]
epochs = "many"

[tune.space]
"optimizer.lrr" = { low = 1e-5, high = 1e-3 }

[agument.train]
use = "light"
"""

# One mistake each; `# <-` marks the line that the message must name.
MISTAKES = {
    "a misspelt option": (
        '[loss]\nuse = "focal"\nalhpa = 0.5 # <-',
        'loss.alhpa: unknown key. Did you mean "alpha"?',
    ),
    "an option of another component": (
        '[loss]\nuse = "cross_entropy"\nalpha = 0.5 # <-',
        "loss.alpha: unknown key.",
    ),
    "a misspelt key of a fixed section": (
        "[train]\nepoch = 3 # <-",
        'train.epoch: unknown key. Did you mean "epochs"?',
    ),
    "a wrong type": (
        '[train]\n\nepochs = "many" # <-',
        'train.epochs: expected integer >= 1, found "many"',
    ),
    "a boolean for a number": (
        "[train]\nepochs = true # <-",
        "train.epochs: expected integer >= 1, found true",
    ),
    "a date for a number": (
        "[train]\nepochs = 2020-01-01 # <-",
        "train.epochs: expected integer >= 1, found ",
    ),
    "an option out of range": (
        '[loss]\nuse = "focal"\ngamma = -1.0 # <-',
        "loss.gamma: expected number >= 0, found -1.0",
    ),
    "an infinite option": (
        '[loss]\nuse = "focal"\ngamma = inf # <-',
        "loss.gamma: expected number >= 0, found inf",
    ),
    "no alternative of a union": (
        '[loss]\nuse = "focal"\nalpha = "nome" # <-',
        'loss.alpha: expected "none" | number | list of number >= 0, <= 1, found "nome". '
        'Did you mean "none"?',
    ),
    "a misspelt word": (
        '[image]\nfit = "letterbocks" # <-',
        'image.fit: expected "letterbox" | "stretch" | "crop", found "letterbocks". '
        'Did you mean "letterbox"?',
    ),
    "an unknown component": (
        '[loss]\nuse = "focall" # <-',
        'loss.use: there is no loss "focall". Did you mean "focal"?',
    ),
    "a component that is no name": (
        "[loss]\nuse = 3 # <-",
        "loss.use: expected the name of a loss",
    ),
    "a component that does not load": (
        '[loss]\nuse = "acme.gone" # <-',
        "loss.use: loss acme.gone: its target 'recipe_acme:gone' cannot be loaded: AttributeError: "
        "module 'recipe_acme' has no attribute 'gone'",
    ),
    "a component of a plugin that is not there": (
        '[loss]\nuse = "nobody.poly" # <-',
        'loss.use: "nobody.poly": no plugin "nobody" is loaded; install its package.',
    ),
    "a python path": (
        '[loss]\nuse = "torch.nn:MSELoss" # <-',
        'loss.use: "torch.nn:MSELoss": no plugin "torch" is loaded',
    ),
    "an unknown schedule": (
        '[schedule]\nuse = "cosin" # <-',
        'schedule.use: there is no schedule "cosin" (cosine, plateau, constant). '
        'Did you mean "cosine"?',
    ),
    "a schedule that is no name": (
        '[schedule]\nuse = ["cosine"] # <-',
        "schedule.use: there is no",
    ),
    "an option of another schedule": (
        '[schedule]\nuse = "cosine"\npatience = 3 # <-',
        "schedule.patience: unknown key.",
    ),
    "an unknown optimizer": (
        '[optimizer]\nuse = "adamm" # <-',
        'optimizer.use: there is no optimizer "adamm". Did you mean "adam',
    ),
    "an optimizer that is no name": (
        "[optimizer]\nuse = 3 # <-",
        "optimizer.use: expected text, found 3",
    ),
    "an unknown section": ("[lss] # <-\nx = 1", 'lss: unknown section. Did you mean "loss"?'),
    "an unknown part of a section": (
        '[augment.trian] # <-\nuse = "light"',
        'augment.trian: unknown section. Did you mean "train"?',
    ),
    "one patch that is no list": (
        '[labels]\npatches = "labels.patch.csv" # <-',
        'labels.patches: expected list of text, found "labels.patch.csv"',
    ),
    "a group that is no name": (
        "[labels.relabel]\ncar = 3 # <-",
        "labels.relabel.car: expected text, found 3",
    ),
    "a group without a name": (
        '[labels.relabel]\ncar = "" # <-',
        'labels.relabel.car: expected text, found ""',
    ),
    "an unknown key of labels": (
        '[labels]\npatch = ["a.csv"] # <-',
        'labels.patch: unknown key. Did you mean "patches"?',
    ),
    "an optional component without a name": (
        "[augment.offline] # <-\ncopies = 1",
        "augment.offline: name a augmentation with `use`: document, document17, light, none",
    ),
    "an array of tables for a section": (
        '[[loss]] # <-\nuse = "focal"',
        "loss: expected a table [loss], found a value",
    ),
    "a value for a part of a section": (
        "[augment]\ntta = 3 # <-",
        "augment.tta: expected a table [augment.tta]",
    ),
    "no identity view": (
        '[augment.tta]\nviews = ["rot180"] # <-',
        'augment.tta.views: must contain "identity"',
    ),
    "a view that is named twice": (
        '[augment.tta]\nviews = ["identity", "hflip", "hflip"] # <-',
        "augment.tta.views: a view is named twice",
    ),
    "no view": (
        "[augment.tta]\nviews = [] # <-",
        "augment.tta.views: expected list of",
    ),
    "an unknown view": (
        '[augment.tta]\nviews = ["identity", "rot45"] # <-',
        "augment.tta.views: expected list of",
    ),
    "a tracker option": (
        '[track]\nuse = "jsonl"\nfiel = "x" # <-',
        'track.fiel: unknown key. Did you mean "file"?',
    ),
    "an unknown key of tune": ("[tune]\ntrials = 3 # <-", "tune.trials: unknown key."),
}


def test_six_mistakes_are_six_lines_in_the_order_of_the_file(
    write: Callable[..., str], host: Host
) -> None:
    with pytest.raises(RecipeError) as caught:
        make_plan(load_recipe(write(SIX, "bad.toml")), host)
    assert caught.value.lines == (
        "bad.toml:9: backbone.width: expected integer >= 1, found 0",
        'bad.toml:13: loss.alhpa: unknown key. Did you mean "alpha"?',
        'bad.toml:16: sampler.use: there is no sampler "balancd". Did you mean "balanced"?',
        'bad.toml:19: train.epochs: expected integer >= 1, found "many"',
        "bad.toml:22: tune.space.optimizer.lrr: the recipe has no such key. "
        'Did you mean "optimizer.lr"?',
        'bad.toml:24: agument: unknown section. Did you mean "augment"?',
    )


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_one_line_that_names_its_place(
    what: str, minimal: str, mistakes_of: Mistakes
) -> None:
    text, says = MISTAKES[what]
    text = minimal + text
    line = 1 + text.partition("# <-")[0].count("\n")
    (found,) = mistakes_of(text)
    assert found.startswith(f"recipe.toml:{line}: {says}")


def test_a_recipe_names_its_data_and_its_backbone(mistakes_of: Mistakes) -> None:
    data, backbone = sorted(mistakes_of("seed = 1\n"), reverse=True)
    assert data.startswith("recipe.toml: data: name a source with `use`")
    assert "csv, folder" in data
    assert backbone.startswith("recipe.toml: backbone: name a backbone with `use`")
    assert "acme.tiny" in backbone


def test_a_required_option_is_missed_at_its_section(mistakes_of: Mistakes) -> None:
    (found,) = mistakes_of('\n[data]\nuse = "csv"\n[backbone]\nuse = "acme.tiny"\n')
    assert found.startswith("recipe.toml:2: data.root: required, and missing (folder of the data")


def test_keys_above_the_sections_are_checked(minimal: str, mistakes_of: Mistakes) -> None:
    found = mistakes_of('seed = -1\nname = "my run"\nnome = 1\n' + minimal)
    assert found == (
        "recipe.toml:1: seed: expected integer >= 0, < 4294967296, found -1",
        'recipe.toml:2: name: "my run" does not match ^[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N}._-]*$',
        'recipe.toml:3: nome: unknown key. Did you mean "name"?',
    )


def test_lines_are_sorted_by_number_not_by_text(minimal: str, mistakes_of: Mistakes) -> None:
    text = minimal + "[train]\n" + "\n" * 3 + "epoch = 1\n" + "\n" * 90 + "batches = 1\n"
    found = mistakes_of("sede = 1\n" + text)
    assert [int(re.findall(r":(\d+):", line)[0]) for line in found] == [1, 13, 104]


def test_a_mistake_in_a_parent_names_the_parents_line(
    minimal: str, write: Callable[..., str], mistakes_of: Mistakes
) -> None:
    write(minimal + "[train]\nepochs = 0\n", "shared/parent.toml")
    (found,) = mistakes_of('extends = "shared/parent.toml"\n')
    assert found == "shared/parent.toml:9: train.epochs: expected integer >= 1, found 0"


def test_a_mistake_in_an_override_names_the_override(minimal: str, mistakes_of: Mistakes) -> None:
    found = mistakes_of(minimal, {"train.epochs": 0, "loss.use": "focall"})
    assert found == (
        '--set loss.use=focall: loss.use: there is no loss "focall". Did you mean "focal"?',
        "--set train.epochs=0: train.epochs: expected integer >= 1, found 0",
    )


def test_a_set_aside_plugins_reason_is_quoted(
    minimal: str, write: Callable[..., str], host: Host
) -> None:
    aside = SetAside("broke", "broke-vision", "ValueError: no licence file")
    recipe = load_recipe(write(minimal + '[loss]\nuse = "broke.poly"\n'))
    with pytest.raises(RecipeError) as caught:
        make_plan(recipe, replace(host, set_aside=(aside,)))
    assert caught.value.lines == (
        'recipe.toml:9: loss.use: "broke.poly": its plugin was set aside: '
        "ValueError: no licence file",
    )


def test_a_timm_architecture_is_a_backbone_and_a_misspelt_one_gets_a_did_you_mean(
    minimal: str, plan_of: Planned, mistakes_of: Mistakes
) -> None:
    choice = plan_of(minimal.replace("acme.tiny", "efficientnet_b0")).choice("backbone")
    assert (choice.use, choice.entry.name) == ("efficientnet_b0", "timm")
    assert plan_of(minimal.replace("acme.tiny", "vit_tiny_patch16_224.augreg_in21k"))
    (found,) = mistakes_of(minimal.replace("acme.tiny", "eficientnet_b0"))
    assert found.endswith('there is no backbone "eficientnet_b0". Did you mean "efficientnet_b0"?')
    for tagged in ("eficientnet_b0.ra_in1k", "efficientnet_b0.ra_in1"):
        (found,) = mistakes_of(minimal.replace("acme.tiny", tagged))
        assert found.endswith('Did you mean "efficientnet_b0.ra_in1k"?')
    (found,) = mistakes_of(minimal.replace("acme.tiny", "timm"))
    assert 'there is no backbone "timm"' in found  # a family is no architecture


def test_a_misspelt_component_of_a_plugin_gets_a_did_you_mean(
    minimal: str, mistakes_of: Mistakes
) -> None:
    (found,) = mistakes_of(minimal.replace("acme.tiny", "acme.tinny"))
    assert found.endswith('there is no backbone "acme.tinny". Did you mean "acme.tiny"?')


@pytest.mark.parametrize("use", ["adam", "adamw", "sgd", "lamb", "adamp", "sgdw"])
def test_every_optimizer_of_timm_is_taken(use: str, minimal: str, plan_of: Planned) -> None:
    assert plan_of(minimal, {"optimizer.use": use}).optimizer.use == use


def test_the_optimizers_that_are_taken_unseen_exist(minimal: str, plan_of: Planned) -> None:
    from timm.optim import list_optimizers

    names = ("adam", "adamw", "sgd", "nadamw", "lamb", "lion", "rmsprop")
    assert set(names) <= set(list_optimizers())
    for name in names:
        assert plan_of(minimal, {"optimizer.use": name}).optimizer.use == name


def leaves(values: Any, at: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if not isinstance(values, dict) or (at[:2] == ("tune", "space") and len(at) == 3):
        return {at: values}
    found: dict[tuple[str, ...], Any] = {}
    for key, value in values.items():
        found |= leaves(value, (*at, key))
    return found


def test_a_plan_writes_every_default_out_and_knows_where_each_value_came_from(
    minimal: str, plan_of: Planned
) -> None:
    text = minimal + '[loss]\nuse = "focal"\n[tune.space]\n"loss.alpha" = { low = 0, high = 1 }\n'
    plan = plan_of(text, {"optimizer.lr": 3e-4})
    expected = {
        ("name",): ("recipe", "default"),
        ("seed",): (42, "default"),
        ("data", "root"): ("pages", "recipe.toml:3"),
        ("backbone", "width"): (8, "default"),
        ("loss", "use"): ("focal", "recipe.toml:9"),
        ("loss", "gamma"): (2.0, "default"),
        ("optimizer", "lr"): (3e-4, "--set optimizer.lr=0.0003"),
        ("augment", "tta", "views"): (["identity"], "default"),
        ("sampler", "use"): ("shuffle", "default"),
        ("tune", "space", "loss.alpha"): ({"low": 0, "high": 1}, "recipe.toml:11"),
    }
    values = leaves(plan.values)
    assert {k: (values[k], str(plan.origins[k])) for k in expected} == expected
    assert values.keys() == plan.origins.keys()
    assert "track" not in plan.values


def test_the_parts_of_a_plan_say_what_its_values_say(minimal: str, plan_of: Planned) -> None:
    plan = plan_of(
        'name = "b4"\nseed = 7\n' + minimal + '[split]\nfolds = 3\n[schedule]\nuse = "plateau"\n'
        '[image]\nsize = 64\nfit = "crop"\n[augment.tta]\nviews = ["identity", "rot180"]\n'
    )
    assert (plan.name, plan.seed, plan.split.folds) == ("b4", 7, 3)
    assert (plan.image.size, plan.image.fit, plan.image.fill) == (64, "crop", 0)
    assert plan.tta.views == ["identity", "rot180"]
    assert (plan.schedule.use, plan.validate.monitor) == ("plateau", "clean_f1")
    assert plan.values["schedule"]["patience"] == 2
    assert {c["kind"]: c["name"] for c in plan.components} == {
        "source": "folder",
        "augmentation": "light",
        "backbone": "acme.tiny",
        "loss": "cross_entropy",
        "sampler": "shuffle",
        "ensembler": "soft",
    }


def test_a_choice_builds_its_component_with_its_options(minimal: str, plan_of: Planned) -> None:
    source = plan_of(minimal).choice("data").build()
    assert (source.root, source.train, source.test) == ("pages", "train", "test")


def test_the_name_of_a_recipe_is_its_files_unless_it_says_another(
    minimal: str, write: Callable[..., str], host: Host
) -> None:
    write(minimal, "deep/b4-large.toml")
    assert make_plan(load_recipe("deep/b4-large.toml"), host).name == "b4-large"
    assert make_plan(load_recipe("deep/b4-large.toml", {"name": "mine"}), host).name == "mine"


def test_what_smoke_lays_over_a_recipe_can_be_planned(minimal: str, plan_of: Planned) -> None:
    plan = plan_of(minimal + "[train]\nepochs = 30\n", SMOKE_OVERRIDES)
    assert (plan.split.folds, plan.train.epochs, plan.train.batch_size) == (2, 1, 4)


@pytest.mark.parametrize(
    "overrides",
    [
        {"data.root": "elsewhere"},
        {"data.test": "other"},
        {"data.use": "csv", "data.root": "elsewhere"},
        {"train.workers": 3},
        {"track.use": "jsonl"},
        {"track": {"use": "jsonl", "file": "log.jsonl"}},
        {'tune.space."optimizer.lr"': {"low": 1e-4, "high": 1e-3}},
        {"train.accumulate": 1, "loss.use": "cross_entropy", "seed": 42},  # the defaults, said
    ],
    ids=str,
)
def test_what_cannot_change_a_result_leaves_the_hash(
    overrides: dict[str, Any], minimal: str, plan_of: Planned
) -> None:
    assert plan_of(minimal, overrides).hash("data") == plan_of(minimal).hash("data")


@pytest.mark.parametrize(
    "overrides",
    [
        {"optimizer.lr": 2e-3},
        {"optimizer.use": "adam"},
        {"seed": 43},
        {"split.folds": 4},
        {"image.size": 225},
        {"backbone.width": 9},
        {"loss.use": "focal"},
        {"sampler.use": "balanced"},
        {"augment.train.use": "none"},
        {"augment.train.rotate": 11.0},
        {"augment.tta.views": ["identity", "hflip"]},
        {"schedule.use": "constant"},
        {"train.epochs": 21},
        {"train.precision": "fp32"},
        {"ensemble.use": "hard"},
    ],
    ids=str,
)
def test_what_may_change_a_result_changes_the_hash(
    overrides: dict[str, Any], minimal: str, plan_of: Planned
) -> None:
    assert plan_of(minimal, overrides).hash("data") != plan_of(minimal).hash("data")


def test_the_hash_covers_the_table_and_component_versions(
    minimal: str, write: Callable[..., str], host: Host
) -> None:
    recipe = load_recipe(write(minimal))
    plan = make_plan(recipe, host)
    assert re.fullmatch("[0-9a-f]{32}", plan.hash("data"))
    assert plan.hash("data") == make_plan(recipe, host).hash("data")
    assert plan.hash("data") != plan.hash("other data")
    newer = Registry()
    newer.add([replace(entry, version="9") for entry in host.registry if "." in entry.name])
    newer.add([entry for entry in host.registry if "." not in entry.name])
    assert make_plan(recipe, Host(newer)).hash("data") != plan.hash("data")


def test_an_edit_of_a_plugins_code_makes_another_plan(
    minimal: str, write: Callable[..., str], host: Host
) -> None:
    recipe = load_recipe(write(minimal))
    code = Path(str(sys.modules["recipe_acme"].__file__))
    text = code.read_text()
    loaded_code.cache_clear()
    before = make_plan(recipe, host)
    try:
        code.write_text(text.replace("One layer.", "One layer!"))
        # This process goes on with what it has loaded; the next one loads the edited code.
        assert make_plan(recipe, host).hash("data") == before.hash("data")
        loaded_code.cache_clear()
        assert make_plan(recipe, host).hash("data") != before.hash("data")
    finally:
        code.write_text(text)
        loaded_code.cache_clear()


def test_the_hash_covers_the_content_of_a_local_weights_file(
    minimal: str, plan_of: Planned, tmp_path: Path
) -> None:
    text = minimal.replace("acme.tiny", "test_resnet")
    file = tmp_path / "first.safetensors"
    plan = plan_of(text, {"backbone.weights": str(file)})
    file.write_bytes(b"one")
    one = plan.hash("data")
    file.write_bytes(b"two")
    two = plan.hash("data")
    file.write_bytes(b"one")
    assert one == plan.hash("data") != two


def test_the_hash_does_not_depend_on_how_a_recipe_is_written(
    minimal: str, plan_of: Planned, write: Callable[..., str]
) -> None:
    text = "[train]\nepochs = 3\n[loss]\nuse = 'focal'\ngamma = 1\n"
    one_file = plan_of(minimal + text)
    write("[loss]\ngamma = 1.0\nuse = 'focal'\n", "parent.toml")
    two_files = plan_of('extends = "parent.toml"\ntrain.epochs = 3\n' + minimal)
    assert two_files.hash("data") == one_file.hash("data")


@pytest.mark.parametrize("name", sorted(shipped_recipes().keys() - {"base"}))
def test_every_recipe_in_the_box_can_be_planned(name: str, shipped_host: Host) -> None:
    plan = make_plan(load_recipe(f"toolkit:{name}"), shipped_host)
    assert plan.name == name
    assert "loss.alpha" in plan.values["tune"]["space"]


def test_base_is_only_there_to_be_extended(shipped_host: Host) -> None:
    with pytest.raises(RecipeError) as caught:
        make_plan(load_recipe("toolkit:base"), shipped_host)
    assert [line.split(": ")[1] for line in caught.value.lines] == ["data", "backbone"]


def test_other_numerics_are_another_plan(
    plan_of: Planned, minimal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = plan_of(minimal).hash("data")
    monkeypatch.setattr("toolkit.recipe.plan.NUMERICS", 1)
    assert plan_of(minimal).hash("data") != now


def test_an_old_name_of_timm_is_taken_as_the_name_that_is_meant(
    minimal: str, plan_of: Planned
) -> None:
    text = minimal.replace('"acme.tiny"', '"tf_efficientnet_b0_ns"')
    plan = plan_of(text)
    now = "tf_efficientnet_b0.ns_jft_in1k"
    assert plan.choice("backbone").use == plan.values["backbone"]["use"] == now
    assert plan.notes == (
        f'recipe.toml:6: backbone.use: "tf_efficientnet_b0_ns" is now called {now}',
    )
    space = '\n[tune.space]\n"backbone.use" = { choices = ["tf_efficientnet_b0_ns", "resnet18"] }\n'
    assert plan_of(text + space).notes == plan.notes
    assert plan_of(text.replace("tf_efficientnet_b0_ns", now)).notes == ()
