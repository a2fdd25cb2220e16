"""Short ways to a plan with a space, and to a study that trains nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from toolkit.contracts import Facts, ImageSpec
from toolkit.plugin.host import Host, load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan

BASE = """
[data]
use = "folder"
root = "pages"

[backbone]
use = "lite.efficientnet_lite0"

[loss]
use = "focal"
alpha = 0.5

[optimizer]
lr = 1e-3
"""


@pytest.fixture(scope="session")
def light_host() -> Host:
    """The built-ins and toolkit-lite, which plan without timm."""
    return load_host({"TOOLKIT_PLUGINS": "lite"})


@pytest.fixture
def plan_with(tmp_path: Path, light_host: Host) -> Callable[[str], Plan]:
    """`plan_with('"loss.gamma" = {}')` is the plan of a recipe with that space."""

    def planned(space: str, more: str = "") -> Plan:
        file = tmp_path / "recipe.toml"
        file.write_text(f"{BASE}\n{more}\n[tune.space]\n{space}\n")
        return make_plan(load_recipe(file), light_host)

    return planned


@pytest.fixture
def facts() -> Facts:
    """Three classes, one of them rare."""
    return Facts(("a", "b", "c"), (8, 4, 1), ImageSpec(32), seed=1)


@pytest.fixture
def study() -> optuna.Study:
    """A study in memory."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
