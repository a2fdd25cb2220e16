"""The table that the host reads, and the promise that reading it is cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest
from toolkit.plugin.registry import Register
from toolkit.plugin.schema import options, options_model

import toolkit_trackers


def test_the_table_offers_the_three_trackers() -> None:
    register = Register("trackers", "toolkit-trackers", "0.1.0", prefix="trackers.")
    toolkit_trackers.toolkit_register(register)
    names = [f"{entry.kind} {entry.name}" for entry in register.entries]
    assert names == [
        "tracker trackers.wandb",
        "tracker trackers.tensorboard",
        "tracker trackers.mlflow",
    ]
    for entry in register.entries:
        assert all(option.meaning for option in options(options_model(entry)))


@pytest.mark.parametrize("name", ["wandb", "tensorboard", "mlflow"])
def test_reading_a_trackers_options_imports_no_backend(name: str) -> None:
    heavy = "{'torch', 'wandb', 'tensorboard', 'mlflow', 'sqlalchemy'}"
    program = f"import sys, toolkit_trackers.{name}; print(*sorted({heavy} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []
