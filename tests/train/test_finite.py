"""What is no number stops a fold in words; nothing of it is marked done, kept or written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from toolkit.builtin.loss_modules import FocalLoss
from toolkit.contracts import Event
from toolkit.errors import UserError
from toolkit.predict.infer import Predictor
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan
from toolkit.runs.folder import FoldFolder
from toolkit.train.finite import infinite_buffers, require_losses, require_weights

WILD: dict[str, Any] = {
    "backbone.use": "test_vit",
    "backbone.pretrained": False,
    "optimizer.use": "momentum",
    "optimizer.lr": 1e30,
    "schedule.use": "constant",
    "train.precision": "fp32",
}


@pytest.fixture
def plan(one_fold: Any) -> Plan:
    return make_plan(load_recipe(one_fold.recipe, {}, one_fold.host), one_fold.host)


def nothing_is_kept(folder: FoldFolder) -> None:
    left = {file.name for file in folder.path.iterdir()}
    assert left == {"preprocess.json"}


def after(steps: int, effect: Callable[[Tensor, FocalLoss], Tensor]) -> Callable[..., Tensor]:
    """The loss's forward, until its `steps`-th call in training has an effect on the loss."""
    sound = FocalLoss.forward
    calls = 0

    def forward(self: FocalLoss, logits: Tensor, targets: Tensor) -> Tensor:
        nonlocal calls
        calls += logits.requires_grad and len(logits) > 2  # the probe passes two rows
        loss = sound(self, logits, targets)
        return effect(loss, self) if calls == steps and len(logits) > 2 else loss

    return forward


def test_weights_that_the_last_step_makes_wild_are_never_a_result(
    one_fold: Any, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"^fold 0, epoch 1, behind step 1 of 1: .*lower") as told:
        one_fold(tmp_path / "run", WILD | {"train.epochs": 1, "train.batch_size": 16})
    assert "\n" not in str(told.value)
    nothing_is_kept(FoldFolder(tmp_path / "run" / "folds" / "0"))


def test_the_first_step_whose_loss_is_no_number_is_named(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FocalLoss, "forward", after(5, lambda loss, _: loss * float("nan")))
    said = r"^fold 0, epoch 2, step 2 of 3: the loss is nan; lower optimizer\.lr"
    with pytest.raises(UserError, match=said) as told:
        one_fold(tmp_path / "run")
    assert "first step" not in str(told.value)
    folder = FoldFolder(tmp_path / "run" / "folds" / "0")
    left = {file.name for file in folder.path.iterdir()}
    assert left == {"preprocess.json", "best-1.safetensors", "state.safetensors"}


def test_a_loss_that_is_no_number_from_the_start_blames_no_learning_rate(
    one_fold: Any, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r'step 1 of 3.*look at loss\.use = "focal"'):
        one_fold(tmp_path / "run", {"loss.alpha": [3e38, 3e38, 3e38]})


def test_a_gradient_that_is_no_number_beside_a_finite_loss_is_found_in_the_weights(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The square root of 0 is 0, and its slope is infinite: infinity times 0 is NaN.
    effect = after(3, lambda loss, _: loss + (loss * 0).sqrt())
    monkeypatch.setattr(FocalLoss, "forward", effect)
    said = r"^fold 0, epoch 1, behind step 3 of 3: backbone\.\S+ and \d+ more of the weights"
    with pytest.raises(UserError, match=said):
        one_fold(tmp_path / "run")
    nothing_is_kept(FoldFolder(tmp_path / "run" / "folds" / "0"))


def test_running_statistics_that_are_no_numbers_are_found_beside_a_finite_loss(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = nn.BatchNorm2d.train

    def spoil(self: nn.BatchNorm2d, mode: bool = True) -> nn.Module:
        if mode:
            self.running_var.fill_(float("inf"))  # training mode does not read it
        return train(self, mode)

    monkeypatch.setattr(nn.BatchNorm2d, "train", spoil)
    with pytest.raises(UserError, match=r"running_var.* left the numbers, while every loss was"):
        one_fold(tmp_path / "run")
    nothing_is_kept(FoldFolder(tmp_path / "run" / "folds" / "0"))


def test_what_a_test_image_makes_of_the_model_marks_nothing_done(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Predictor.views

    def broken(self: Predictor, batches: Any, views: Any, *more: Any) -> Any:
        found = sound(self, batches, views, *more)
        first = next(iter(found.values()))
        if len(first) == 5:  # the test images
            first[2] = np.nan
        return found

    monkeypatch.setattr(Predictor, "views", broken)
    said = r"^fold 0, with the weights of epoch \d: the logits of 1 of 5 test images .*test2\.png"
    for _ in range(2):  # a restart says the same
        with pytest.raises(UserError, match=said):
            one_fold(tmp_path / "run")
    folder = FoldFolder(tmp_path / "run" / "folds" / "0")
    assert not folder.done.exists()
    assert not folder.test.exists()
    monkeypatch.setattr(Predictor, "views", sound)
    assert one_fold(tmp_path / "run").done.is_file()


@pytest.mark.parametrize("file", ["done", "oof.parquet", "test.parquet"])
def test_a_fold_that_was_marked_done_without_numbers_is_trained_anew(
    one_fold: Any, tmp_path: Path, told: Any, file: str
) -> None:
    folder = one_fold(tmp_path / "run")
    sound = (folder.path / file).read_bytes()
    if file == "done":
        folder.done.write_text(json.dumps({**json.loads(sound), "log_loss": float("nan")}))
    else:
        rows = pd.read_parquet(folder.path / file)
        rows.loc[3, "p_1"] = np.nan
        spoil(folder.path / file, rows)
    events, notify = told
    one_fold(tmp_path / "run", notify=notify)
    texts = [event.text for event in events if event.stage == "message"]
    assert any(f"{file}: holds what is no number; fold 0 is trained anew" in t for t in texts)
    if file != "done":  # which has seconds in it
        assert (folder.path / file).read_bytes() == sound
    assert "NaN" not in folder.done.read_text()


def spoil(file: Path, rows: pd.DataFrame) -> None:
    """Write a predictions table as an earlier version did."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    meta = pq.read_table(file).schema.metadata
    table = pa.Table.from_pandas(rows, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(meta), file)


def test_a_mask_that_is_built_infinite_may_stay_so(plan: Plan) -> None:
    model = nn.Linear(2, 2)
    model.register_buffer("mask", torch.tensor([0.0, float("-inf")]))
    built = infinite_buffers({"backbone": model})
    require_weights({"backbone": model}, "here", plan, except_for=built)
    with torch.no_grad():
        model.weight[0, 0] = float("nan")
    with pytest.raises(UserError, match=r"^here: backbone\.weight of the weights"):
        require_weights({"backbone": model}, "here", plan, except_for=built)


def test_advice_names_the_precision_only_where_it_is_reduced(plan: Plan) -> None:
    losses = torch.tensor([1.0, float("inf")])
    with pytest.raises(UserError, match=r"step 2 of 9: the loss is inf; lower") as told:
        require_losses(losses, "fold 0, epoch 1", 9, plan, first=True)
    assert str(told.value).endswith("lower optimizer.lr or set train.clip_grad")


def test_events_tell_no_number_that_is_none(one_fold: Any, tmp_path: Path) -> None:
    events: list[Event] = []
    with pytest.raises(UserError):
        one_fold(tmp_path / "run", WILD | {"train.batch_size": 16}, notify=events.append)
    assert [event for event in events if event.stage == "epoch"] == []
