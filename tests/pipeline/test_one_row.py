"""Batches of one row: cut otherwise, or refused, where a norm would see a single value."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import toolkit
from toolkit.contracts import Event, Facts
from toolkit.errors import UserError
from toolkit.plugin.host import Host, load_host
from toolkit.plugin.registry import Entry
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import SMOKE_OVERRIDES, Plan, smoke_overrides
from toolkit.recipe.planner import make_plan
from toolkit.runs.opened import Run
from toolkit.train.one_row import require_batches, trains_on_one_row

HERE = "one_row_parts"
CLASSES = ("a", "b", "c")


class Spread(nn.Module):
    """Adds the spread over the batch, which of one value is NaN, and raises nothing."""

    def forward(self, x: Tensor) -> Tensor:
        return x + x.var(dim=0, keepdim=True) if self.training else x


def pooled(facts: Facts, /, *, pretrained: bool = False) -> nn.Module:
    """A batch norm behind the pooling, and dropout, which draws."""
    pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(
        *pool, nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, len(facts.classes))
    )


def spread(facts: Facts, /, *, pretrained: bool = False) -> nn.Module:
    pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*pool, Spread(), nn.Linear(3, len(facts.classes)))


def plain(facts: Facts, /, *, pretrained: bool = False) -> nn.Module:
    pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*pool, nn.Linear(3, len(facts.classes)))


def contrast(facts: Facts, /) -> Callable[[Tensor, Tensor], Tensor]:
    """A loss over the spread of the batch."""
    return lambda logits, targets: (logits - targets).std(dim=0).mean()


def one(labels: np.ndarray, /) -> Callable[..., np.ndarray]:
    """A sampler that draws one row an epoch."""
    return lambda rng: np.array([0])


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    host = load_host()
    parts = [("backbone", n) for n in ("pooled", "spread", "plain")]
    parts += [("loss", "contrast"), ("sampler", "one")]
    host.registry.add([Entry(kind, n, f"{HERE}:{n}", n, "x", "x", "1") for kind, n in parts])
    return host


@pytest.fixture
def plan_of(tiny_recipe: Path, host: Host) -> Callable[..., Plan]:
    def plan(**overrides: object) -> Plan:
        given = {key.replace("__", "."): value for key, value in overrides.items()}
        given = {"backbone.use": "pooled", "loss.use": "cross_entropy", **given}
        return make_plan(load_recipe(tiny_recipe, given, host), host)

    return plan


def facts(plan: Plan) -> Facts:
    return Facts(CLASSES, (1, 1, 1), plan.image, plan.seed)


@pytest.mark.parametrize(
    ("backbone", "loss", "trains"),
    [
        ("plain", "cross_entropy", True),
        ("pooled", "cross_entropy", False),
        ("spread", "cross_entropy", False),
        ("plain", "contrast", False),
    ],
)
def test_one_row_is_tried_in_training_mode(
    plan_of: Callable[..., Plan], backbone: str, loss: str, trains: bool
) -> None:
    plan = plan_of(backbone__use=backbone, loss__use=loss)
    state = torch.get_rng_state()
    assert trains_on_one_row(plan, facts(plan)) is trains
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("size", "trains"), [(32, False), (64, True)])
def test_the_recipes_size_decides_whether_a_norm_sees_one_value(
    plan_of: Callable[..., Plan], size: int, trains: bool
) -> None:
    # resnet18 shrinks 32 times: one value a channel at 32 pixels, four at 64.
    plan = plan_of(backbone__use="resnet18", backbone__pretrained=False, image__size=size)
    assert trains_on_one_row(plan, facts(plan)) is trains


def test_what_no_cut_can_help_is_refused_with_what_to_set(plan_of: Callable[..., Plan]) -> None:
    def refused(fewest_rows: int, **overrides: object) -> str:
        with pytest.raises(UserError) as error:
            require_batches(plan_of(**overrides), fewest_rows, lambda: False)
        return str(error.value)

    assert refused(9, train__batch_size=1) == (
        "train.batch_size = 1: one image alone does not pass backbone pooled and loss "
        "cross_entropy in training mode at image.size = 32: a norm over the batch sees a single "
        "value; set train.batch_size = 2"
    )
    several = refused(9, train__batch_size=1, train__accumulate=8)
    assert several.endswith("set train.batch_size = 2 and train.accumulate = 4")
    assert refused(1).startswith("split.folds = 2: a fold has one training row, and one image")
    require_batches(plan_of(train__batch_size=1), 1, lambda: True)


def test_nobody_asks_where_no_batch_can_have_one_row(plan_of: Callable[..., Plan]) -> None:
    def asked() -> bool:
        raise AssertionError

    require_batches(plan_of(train__batch_size=2), 2, asked)


@pytest.fixture
def odd(documents: Path, tmp_path: Path) -> Path:
    """23 pages: one of two folds trains on 11."""
    root = tmp_path / "odd"
    shutil.copytree(documents, root)
    lines = (root / "train.csv").read_text().splitlines()
    (root / "train.csv").write_text("\n".join(lines[:-1]) + "\n")
    return root


@pytest.fixture
def run(tiny_recipe: Path, tmp_path: Path, host: Host) -> Callable[..., Run]:
    def run(**overrides: object) -> Run:
        given = {key.replace("__", "."): value for key, value in overrides.items()}
        given = {"backbone.use": "pooled", "augment.train.use": "none", "train.epochs": 1, **given}
        notify = given.pop("notify", lambda event: None)
        return toolkit.run(
            tiny_recipe, overrides=given, runs=tmp_path / "r", host=host, notify=notify
        )

    return run


@pytest.mark.parametrize("accumulate", [1, 4])
def test_an_odd_number_of_rows_in_batches_of_two_trains(
    run: Callable[..., Run], odd: Path, accumulate: int
) -> None:
    events: list[Event] = []
    done = run(
        data__root=str(odd),
        train__batch_size=2,
        train__accumulate=accumulate,
        notify=events.append,
    )
    assert done.report["scores"]
    sizes = [e.data["images"] for e in events if e.stage == "train"]
    assert set(sizes) == {2, 3}
    assert sum(sizes) == 23


def test_a_model_that_trains_on_one_row_keeps_its_cut(run: Callable[..., Run], odd: Path) -> None:
    events: list[Event] = []
    run(data__root=str(odd), backbone__use="plain", train__batch_size=2, notify=events.append)
    assert {e.data["images"] for e in events if e.stage == "train"} == {1, 2}


def test_batches_of_one_are_refused_before_anything_is_decoded(run: Callable[..., Run]) -> None:
    events: list[Event] = []
    with pytest.raises(UserError, match=r"^train.batch_size = 1: .*set train.batch_size = 2$"):
        run(train__batch_size=1, notify=events.append)
    assert not [e for e in events if e.stage == "decode"]


def test_an_epoch_of_one_row_is_told_as_the_samplers(run: Callable[..., Run]) -> None:
    with pytest.raises(UserError, match=r"^sampler.use: this epoch draws one row"):
        run(sampler__use="one")


def test_a_smoke_run_keeps_batches_as_short_as_the_recipes(plan_of: Callable[..., Plan]) -> None:
    for own, smoke in ((1, 1), (2, 2), (4, 4), (16, 4)):
        overrides = smoke_overrides(plan_of(train__batch_size=own))
        assert overrides == {**SMOKE_OVERRIDES, "train.batch_size": smoke}
