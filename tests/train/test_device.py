"""What is asked of a device, and what is said of it. No GPU is needed: the decision is tested."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from toolkit.contracts import Event
from toolkit.errors import UserError
from toolkit.model.device import deterministic
from toolkit.model.generators import rng_state, set_rng_state
from toolkit.runs.manifest import device_name, manifest


@pytest.fixture
def mps(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A machine with MPS, whose generator is a number in a box."""
    box = {"state": torch.tensor([7], dtype=torch.uint8)}
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: box["state"].clone())
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: box.update(state=state))
    return box


def test_the_generator_of_mps_is_kept_and_put_back(mps: dict[str, Any]) -> None:
    state = rng_state()
    mps["state"] = torch.tensor([9], dtype=torch.uint8)
    set_rng_state(state)
    assert mps["state"].tolist() == [7]


def test_a_state_from_a_machine_with_other_devices_is_taken() -> None:
    state = rng_state()
    assert {"cpu", "cuda", "mps", "xpu"} == state.keys()
    expected = torch.rand(3)
    set_rng_state({"cpu": state["cpu"], "cuda": torch.tensor([1], dtype=torch.uint8)})
    assert torch.equal(torch.rand(3), expected)


def test_the_manifest_names_mps(mps: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCELERATE_USE_CPU", raising=False)
    assert manifest("plan", "data", [])["device"].startswith("mps (")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")  # accelerate obeys it, too
    assert device_name() == "cpu"


def test_the_manifest_names_a_gpu_by_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100")
    assert device_name() == "NVIDIA H100"


def flags() -> tuple[bool, bool, bool]:
    cudnn = torch.backends.cudnn
    return torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark


def test_determinism_holds_inside_and_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = flags()
    with deterministic(asked=True):
        assert flags() == (True, True, False)
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert flags() == before
    with deterministic(asked=False):
        assert flags() == before


def test_a_workspace_that_the_user_chose_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with deterministic(asked=True):
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_an_operation_without_such_a_kernel_is_named() -> None:
    before = flags()
    said = (
        "adaptive_avg_pool2d_backward_cuda does not have a deterministic implementation, but you "
        "set 'torch.use_deterministic_algorithms(True)'. You can turn off determinism ..."
    )
    with (
        pytest.raises(UserError, match=r"^train\.deterministic = true: adaptive_avg.*another"),
        deterministic(asked=True),
    ):
        raise RuntimeError(said)
    assert flags() == before
    with pytest.raises(RuntimeError, match="shapes"), deterministic(asked=True):
        raise RuntimeError("shapes do not fit")


def test_a_fold_is_trained_with_the_determinism_that_the_recipe_asks_for(
    one_fold: Any, tmp_path: Path
) -> None:
    seen = []
    keys = {"train.deterministic": True, "train.epochs": 1}
    folder = one_fold(tmp_path / "run", keys, notify=lambda event: seen.append(flags()))
    assert set(seen) == {(True, True, False)}
    assert not flags()[0]
    plain = one_fold(tmp_path / "plain", {"train.epochs": 1})
    assert folder.weights.read_bytes() == plain.weights.read_bytes()  # on a CPU


def test_what_was_trained_in_bfloat16_is_predicted_in_float32(
    one_fold: Any, tmp_path: Path
) -> None:
    keys = {"train.precision": "bf16", "train.epochs": 1, "augment.tta.views": ["identity"]}
    folder = one_fold(tmp_path / "bf16", keys)
    assert json.loads(folder.done.read_text())["precision"] == "bf16"
    columns = ["p_0", "p_1", "p_2"]
    found = pd.read_parquet(folder.oof)[columns].to_numpy()
    kept = folder.weights.read_bytes()
    # The same weights in a float32 run, which only predicts.
    plain = one_fold(tmp_path / "fp32", keys | {"train.precision": "fp32"})
    assert plain.weights.read_bytes() != kept
    plain.weights.write_bytes(kept)
    plain.oof.unlink()
    one_fold(tmp_path / "fp32", keys | {"train.precision": "fp32"})
    np.testing.assert_array_equal(pd.read_parquet(plain.oof)[columns].to_numpy(), found)


def test_an_epoch_that_takes_no_time_has_no_rate_and_ends(
    one_fold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toolkit.train.loop as loop

    monkeypatch.setattr(loop.time, "perf_counter", lambda: 5.0)  # a clock of coarse steps
    folder = one_fold(tmp_path / "run")
    facts = json.loads(folder.done.read_text())
    assert (facts["seconds"], facts["images_per_second"]) == (0.0, 0.0)
    assert pd.read_csv(folder.history)["images_per_second"].tolist() == [0.0, 0.0]


def test_the_console_has_no_rate_where_the_clock_did_not_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from toolkit.cli import console

    clock = [5.0]
    monkeypatch.setattr(console.time, "perf_counter", lambda: clock[0])
    meter = console._Meter()
    where = {"fold": 0, "folds": 1, "epoch": 0, "epochs": 1, "images": 8}
    for step in (1, 2):
        meter.add(Event("train", done=step, total=4, data=where))
    assert meter.figures == ""
    clock[0] = 6.0
    meter.add(Event("train", done=3, total=4, data=where))
    assert meter.figures.startswith("8 images/s")
