"""Which device a run is said to be made on."""

from __future__ import annotations

import pytest
import torch

from toolkit.runs.manifest import device_name, manifest


def test_the_manifest_names_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.delenv("ACCELERATE_USE_CPU", raising=False)
    assert manifest("plan", "data", [])["device"].startswith("mps (")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")  # accelerate obeys it, too
    assert device_name() == "cpu"


def test_the_manifest_names_a_gpu_by_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100")
    assert device_name() == "NVIDIA H100"
