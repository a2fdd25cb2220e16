"""A loss may have parameters and a state: they are trained and kept like those of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import toolkit.builtin.losses as losses
import toolkit.train.checkpoint as checkpoint
from toolkit.contracts import Event
from toolkit.errors import PluginError
from toolkit.recipe.sections import Optimizer
from toolkit.runs.folder import FoldFolder
from toolkit.train.optimizer import make_optimizer
from toolkit.train.state import load_tree

OVERRIDES = {"loss.use": "cross_entropy", "train.epochs": 3}


class Learnable(nn.Module):
    """A temperature that learns, a mean of what it saw, and random noise in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.tensor([[1.0, 1.0, 1.0]]))
        self.register_buffer("mean", torch.tensor(1.0))
        self.modes: list[bool] = []

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        self.modes.append(self.training)
        noise = F.dropout(torch.ones_like(logits), 0.1, self.training)
        loss = F.cross_entropy(logits.float() * self.temperature * noise, targets)
        assert isinstance(self.mean, Tensor)
        self.mean.lerp_(loss.detach(), 0.1)
        return loss / self.mean.clamp(min=0.5)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Learnable]:
    """The losses that are built."""
    found: list[Learnable] = []

    def build(facts: Any, /) -> nn.Module:
        found.append(Learnable())
        return found[-1]

    monkeypatch.setattr(losses, "cross_entropy", build)
    return found


class Killed(BaseException):
    """Nothing that is caught anywhere."""


def kill_behind(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    saved = checkpoint.save_tree

    def save(file: Path, tree: Any) -> None:
        saved(file, tree)
        if tree["progress"]["epoch"] == epoch:
            raise Killed

    monkeypatch.setattr(checkpoint, "save_tree", save)


def test_its_parameters_learn_without_weight_decay(
    made: list[Learnable], one_fold: Any, tmp_path: Path
) -> None:
    one_fold(tmp_path / "run", OVERRIDES)
    (trained,) = [loss for loss in made if len(loss.modes) > 1]
    assert all(trained.modes)
    assert not trained.training  # the last that happened was a prediction
    assert (trained.temperature != 1).all()
    optimizer = make_optimizer(nn.Linear(3, 3), Optimizer(lr=0.1, weight_decay=0.5), trained)
    decay = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    assert decay[id(trained.temperature)] == 0
    assert max(decay.values()) == 0.5


def test_a_resumed_fold_goes_on_with_the_state_of_its_loss(
    made: list[Learnable], one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = one_fold(tmp_path / "whole", OVERRIDES)
    final = [loss for loss in made if len(loss.modes) > 1][-1].state_dict()
    kill_behind(monkeypatch, 2)
    with pytest.raises(Killed):
        one_fold(tmp_path / "run", OVERRIDES)
    monkeypatch.undo()
    monkeypatch.setattr(
        losses, "cross_entropy", lambda facts, /: made.append(Learnable()) or made[-1]
    )
    tree = load_tree(FoldFolder(tmp_path / "run" / "folds" / "0").state)
    assert set(tree["loss"]) == {"temperature", "mean"}
    resumed = one_fold(tmp_path / "run", OVERRIDES)
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()
    assert resumed.oof.read_bytes() == whole.oof.read_bytes()
    again = [loss for loss in made if len(loss.modes) > 1][-1].state_dict()
    assert all(torch.equal(again[name], value) for name, value in final.items())


def test_the_limit_of_the_gradients_counts_those_of_the_loss(
    made: list[Learnable], one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain SGD with rate 1 moves everything together by no more than the limit a step."""
    build = losses.cross_entropy

    def steep(facts: Any, /) -> nn.Module:
        loss: Any = build(facts)
        loss.register_full_backward_pre_hook(lambda module, given: tuple(g * 1000 for g in given))
        return loss

    monkeypatch.setattr(losses, "cross_entropy", steep)
    keys = {"optimizer.use": "momentum", "optimizer.momentum": 0.0, "optimizer.lr": 1.0}
    keys |= {"optimizer.weight_decay": 0.0, "schedule.use": "constant", "train.epochs": 1}
    one_fold(tmp_path / "run", OVERRIDES | keys | {"train.clip_grad": 1e-3, "train.batch_size": 12})
    (trained,) = [loss for loss in made if loss.modes and loss.temperature.grad is None]
    moved = (trained.temperature.detach() - 1).norm()
    assert 0 < float(moved) <= 1.001e-3


def test_a_state_that_no_file_holds_is_told_before_it_trains(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hoarder(Learnable):
        def get_extra_state(self) -> set[int]:
            return {1}

        def set_extra_state(self, state: Any) -> None:
            pass

    events: list[Event] = []
    monkeypatch.setattr(losses, "cross_entropy", lambda facts, /: Hoarder())
    with pytest.raises(PluginError, match=r"^loss cross_entropy: a set cannot be saved .*buffer"):
        one_fold(tmp_path / "run", OVERRIDES, notify=events.append)
    assert not [event for event in events if event.stage == "train"]
