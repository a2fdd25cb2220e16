"""timm's optimizers: each trains and goes on to the same bytes, or says why it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from timm.optim import create_optimizer_v2, list_optimizers
from torch import nn

import toolkit
from toolkit.builtin.optimizers import why_not
from toolkit.contracts import Event
from toolkit.errors import UserError
from toolkit.train.state import load_optimizer, load_tree, save_tree


@pytest.mark.parametrize("use", ["adamw", "sgd", "adagrad", "adafactorbv", "muon", "lion", "mars"])
def test_an_optimizer_that_can_train_is_taken(use: str) -> None:
    assert why_not(use) is None


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        ("adahessian", "it needs second derivatives (create_graph), which training does not"),
        ("kron", "its random numbers (`rng`) are no part of its state"),
    ],
)
def test_an_optimizer_that_cannot_train_says_why(use: str, reason: str) -> None:
    assert reason in (why_not(use) or "")


@pytest.mark.skipif(torch.cuda.is_available(), reason="they may work beside a GPU")
@pytest.mark.parametrize("use", ["bnbadam8bit", "fusedadam"])
def test_an_optimizer_for_a_gpu_says_so(use: str) -> None:
    assert "CUDA required" in (why_not(use) or "")


def test_a_state_that_no_file_holds_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            self.state[self.param_groups[0]["params"][0]]["seen"] = {1, 2}

    monkeypatch.setattr("toolkit.builtin.optimizers.make", lambda model, *_, **__: odd(model))

    def odd(model: nn.Module) -> torch.optim.Optimizer:
        return Odd(model.parameters(), lr=0.1)

    assert why_not.__wrapped__("sgd") == "its state holds a set, which no state file can"


def test_trying_an_optimizer_draws_no_random_numbers() -> None:
    before = torch.get_rng_state()
    why_not.__wrapped__("adamw")
    assert torch.equal(torch.get_rng_state(), before)


def test_moments_keep_the_type_that_the_optimizer_chose(tmp_path: Path) -> None:
    """adafactorbv keeps its momentum in bfloat16, and says so by a type in its groups."""

    def trained(steps: int, tree: Any = None) -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = nn.Linear(40, 40)
        optimizer = create_optimizer_v2(model, "adafactorbv", lr=0.01, momentum=0.9)
        if tree is not None:
            model.load_state_dict(tree["model"])
            load_optimizer(optimizer, tree["optimizer"])
        for step in range(steps):
            optimizer.zero_grad()
            rows = torch.randn(4, 40, generator=torch.Generator().manual_seed(step))
            model(rows).square().mean().backward()
            optimizer.step()
        return model, optimizer

    model, optimizer = trained(3)
    tree = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    save_tree(tmp_path / "state.safetensors", tree)
    again, restored = trained(0, load_tree(tmp_path / "state.safetensors"))
    kinds = [
        [value.dtype for moments in each.state.values() for value in moments.values()]
        for each in (optimizer, restored)
    ]
    assert kinds[0] == kinds[1]
    assert torch.bfloat16 in kinds[0]
    assert torch.equal(again.weight, model.weight)


class Stop(BaseException):
    """As a kill would: nothing catches it."""


@pytest.mark.slow
@pytest.mark.parametrize("use", list_optimizers())
def test_every_optimizer_goes_on_to_the_same_bytes_or_is_refused(
    use: str, tiny_recipe: Path, tmp_path: Path
) -> None:
    laid = {"optimizer.use": use, "image.size": 16, "augment.tta.views": ["identity"]}

    def stop_in_the_second_epoch(event: Event) -> None:
        if event.stage == "epoch" and event.data["epoch"] == 1:
            raise Stop

    if why_not(use) is not None:
        with pytest.raises(UserError) as caught:
            toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "runs")
        (line,) = caught.value.lines
        assert f"optimizer.use: {use} cannot train here: " in line
        assert "backbone" not in line
        assert not (tmp_path / "runs").exists()
        return
    whole = toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "whole")
    with pytest.raises(Stop):
        toolkit.run(
            tiny_recipe,
            overrides=laid,
            runs=tmp_path / "stopped",
            notify=stop_in_the_second_epoch,
        )
    (state,) = (tmp_path / "stopped").glob("*/folds/0/state.safetensors")
    resumed = toolkit.run(tiny_recipe, overrides=laid, runs=tmp_path / "stopped")
    assert not state.exists()
    for name in ("oof.parquet", "folds/0/weights.safetensors"):
        assert (resumed.path / name).read_bytes() == (whole.path / name).read_bytes(), name
