"""What a component gives later is looked at, too, not only its first answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import toolkit
from toolkit.contracts import Event, Facts, Image, ImageSpec
from toolkit.errors import UserError
from toolkit.plugin.host import Host, load_host
from toolkit.plugin.registry import Entry

HERE = Path(__file__).stem  # processes of the loader import it by this name


class Now:
    """An augmentation that is right for most images: `wrong` makes of some what it should not."""

    def __init__(self, wrong: str) -> None:
        self.wrong = wrong

    def __call__(self, image: Image, rng: np.random.Generator, /) -> Any:
        if rng.random() > 0.5:  # the first draw of seed 0 is 0.637: the probe sees a right one
            return image
        return {
            "floats": lambda: (image / 255).astype(np.float32),
            "grey": lambda: image[..., 0],
            "planes": lambda: image.transpose(2, 0, 1),
            "empty": lambda: image[:0],
            "none": lambda: None,
            "list": lambda: image.tolist(),
        }[self.wrong]()


def later(spec: ImageSpec, /, *, wrong: str = "floats") -> Now:
    return Now(wrong)


class Head(nn.Module):
    """Right in evaluation mode, and for two rows; elsewhere as `wrong` says."""

    def __init__(self, classes: int, wrong: str) -> None:
        super().__init__()
        self.wrong = wrong
        self.linear = nn.Linear(3, classes)

    def forward(self, x: Tensor) -> Any:
        logits = self.linear(x.mean(dim=(2, 3)))
        if self.training and self.wrong == "heads":
            return logits, logits
        if len(logits) <= 2 or self.training != (self.wrong != "predicts"):
            return logits
        return {
            "short": lambda: logits[:-1],
            "classes": lambda: logits.argmax(dim=1),
            "whole": lambda: logits.long(),
            "predicts": lambda: logits[:, :-1],
        }[self.wrong]()


def head(facts: Facts, /, *, pretrained: bool = False, wrong: str = "heads") -> nn.Module:
    return Head(len(facts.classes), wrong)


class Rows(nn.Module):
    """A loss that is right for two rows."""

    def __init__(self, facts: Facts, /, *, wrong: str = "rows") -> None:
        super().__init__()
        self.wrong = wrong

    def forward(self, logits: Tensor, targets: Tensor) -> Any:
        each = nn.functional.cross_entropy(logits.float(), targets, reduction="none")
        if len(each) <= 2:
            return each.mean()
        return each if self.wrong == "rows" else each.mean().item()


def function(facts: Facts, /) -> Any:
    """A loss that cannot go to a device."""
    return nn.functional.cross_entropy


def order(labels: Any, /) -> Callable[[np.random.Generator], Any]:
    """A sampler that is right for the generator of the probe."""
    probe = np.random.default_rng(0).random()
    return lambda rng: [0, 1, 2, len(labels) if rng.random() != probe else 3]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    monkeypatch.syspath_prepend(Path(__file__).parent)
    host = load_host()
    parts = {"later": "augmentation", "head": "backbone", "Rows": "loss", "function": "loss"}
    for name, kind in {**parts, "order": "sampler"}.items():
        full, target = f"acme.{name.lower()}", f"{HERE}:{name}"
        host.registry.add([Entry(kind, full, target, name, "acme", "acme-vision", "1")])
    return host


Fails = Callable[..., tuple[str, list[str]]]


@pytest.fixture
def fails(tiny_recipe: Path, tmp_path: Path, host: Host) -> Fails:
    """Runs the tiny recipe: the one line that it ends with, and the stages that it came to."""

    def fails(**overrides: object) -> tuple[str, list[str]]:
        events: list[Event] = []
        given = {key.replace("__", "."): value for key, value in overrides.items()}
        with pytest.raises(UserError) as error:
            toolkit.run(
                tiny_recipe, overrides=given, runs=tmp_path / "r", host=host, notify=events.append
            )
        assert "\n" not in str(error.value)
        return str(error.value), [e.text for e in events if e.stage == "stage"]

    return fails


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ("floats", "float32 (37, 37, 3)"),
        ("grey", "uint8 (37, 37)"),
        ("planes", "uint8 (3, 37, 37)"),
        ("empty", "uint8 (0, 37, 3)"),
        ("none", "NoneType"),
        ("list", "list"),
    ],
)
def test_an_image_that_is_none_stops_the_batch(fails: Fails, wrong: str, found: str) -> None:
    told, stages = fails(augment__train__use="acme.later", augment__train__wrong=wrong)
    assert told.startswith("augmentation acme.later")
    assert f"gives {found}, expected uint8 (height, width, 3)" in told
    assert stages[-1] == "train"


def test_so_does_one_in_a_loader_process(fails: Fails) -> None:
    told, _ = fails(augment__train__use="acme.later", train__workers=1)
    assert told.startswith("augmentation acme.later")
    assert "gives float32 (37, 37, 3), expected uint8 (height, width, 3)" in told


def test_and_one_among_the_offline_copies(fails: Fails) -> None:
    told, stages = fails(augment__offline={"use": "acme.later", "copies": 3})
    assert told.startswith("augmentation acme.later")
    assert "gives float32 (37, 37, 3), expected uint8 (height, width, 3)" in told
    assert stages[-1] == "offline"


def test_logits_in_training_mode_are_looked_at_before_anything_is_decoded(fails: Fails) -> None:
    told, stages = fails(backbone__use="acme.head", backbone__wrong="heads")
    assert told.startswith("backbone acme.head")
    assert "gives a tuple for a batch of 2 in training, expected float logits (2, 3)" in told
    assert "decode" not in stages


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ("short", "torch.float32 (3, 3)"),
        ("classes", "torch.int64 (4,)"),
        ("whole", "torch.int64 (4, 3)"),
    ],
)
def test_logits_of_every_training_batch_are_looked_at(fails: Fails, wrong: str, found: str) -> None:
    told, stages = fails(backbone__use="acme.head", backbone__wrong=wrong, train__batch_size=4)
    assert told.startswith("backbone acme.head")
    assert f"gives {found} for a batch of 4 in training, expected float logits (4, 3)" in told
    assert stages[-1] == "train"


def test_logits_of_every_predicted_batch_are_looked_at(fails: Fails) -> None:
    told, _ = fails(backbone__use="acme.head", backbone__wrong="predicts", train__batch_size=4)
    assert told.startswith("backbone acme.head")
    assert "gives torch.float32 (4, 2) for a batch of 4 in prediction" in told


@pytest.mark.parametrize(
    ("wrong", "found"), [("rows", "torch.float32 (4,)"), ("number", "a float")]
)
def test_the_loss_of_every_batch_is_looked_at(fails: Fails, wrong: str, found: str) -> None:
    told, stages = fails(loss__use="acme.rows", loss__wrong=wrong, train__batch_size=4)
    assert told.startswith("loss acme.rows")
    assert f"gives {found}, expected a scalar tensor" in told
    assert stages[-1] == "train"


def test_a_loss_that_is_no_module_is_told_before_anything_is_decoded(fails: Fails) -> None:
    told, stages = fails(loss__use="acme.function")
    assert told.startswith("loss acme.function")
    assert "gives a function, expected an nn.Module" in told
    assert "decode" not in stages


def test_the_order_of_every_epoch_is_looked_at(fails: Fails) -> None:
    told, stages = fails(sampler__use="acme.order")
    assert told.startswith("sampler acme.order")
    assert "draws rows from 0 to 12, expected 0 to 11" in told
    assert stages[-1] == "train"


def test_trying_the_training_mode_draws_from_no_generator(host: Host, tiny_recipe: Path) -> None:
    from toolkit.model.training_mode import check_training
    from toolkit.recipe.load import load_recipe
    from toolkit.recipe.planner import make_plan

    plan = make_plan(load_recipe(tiny_recipe, {}, host), host)
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(3 * 32 * 32, 3))
    state = torch.get_rng_state()
    check_training(plan, Facts(("a", "b", "c"), (1, 1, 1), plan.image, 0), model)
    assert torch.equal(torch.get_rng_state(), state)
