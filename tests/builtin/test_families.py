"""The smallest architecture of every family of timm is built, and trained where it is small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import timm

SURVEY = Path(__file__).parents[2] / "benchmarks" / "backbones.py"


@pytest.mark.slow
@pytest.mark.parametrize("family", timm.list_modules())
def test_a_family_trains_a_step_or_says_which_sizes_it_takes(family: str) -> None:
    """In a process of its own: a kernel that crashes fails this test and no other."""
    command = [sys.executable, str(SURVEY), "--one", family]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, (done.returncode, done.stderr[-500:])
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["sizes"], "it takes none of the sizes"
    trained = [f"at {size}" for size in found["sizes"]]
    assert found["step"] in ["not tried", *trained]
