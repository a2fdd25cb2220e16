"""What is asked of a device, and its generators. No GPU is needed: the decision is tested."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from toolkit.errors import UserError
from toolkit.model.device import deterministic
from toolkit.model.generators import rng_state, set_rng_state
from toolkit.train.state import load_tree, save_tree


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


def test_a_restored_generator_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    torch.manual_seed(1)
    torch.rand(3)
    state = rng_state()
    expected = torch.rand(5)
    torch.manual_seed(99)
    save_tree(tmp_path / "state.safetensors", state)
    set_rng_state(load_tree(tmp_path / "state.safetensors"))
    assert torch.equal(torch.rand(5), expected)
