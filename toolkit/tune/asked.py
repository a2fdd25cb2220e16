"""What a study is asked: a recipe to vary, and the options of `toolkit tune`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.plugin.host import Host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan


@dataclass(frozen=True)
class Question:
    """The recipe that a study varies, and what was laid over it."""

    recipe: str
    overrides: Mapping[str, Any]

    def plan(self, host: Host, more: Mapping[str, Any] | None = None) -> Plan:
        """The plan with more values laid over it. Its own `[tune]` does not matter to it."""
        recipe = load_recipe(self.recipe, {**self.overrides, **(more or {})}, host)
        if more is not None:
            recipe.values.pop("tune", None)
        return make_plan(recipe, host)


@dataclass(frozen=True)
class Asked:
    """The options of `toolkit tune`."""

    trials: int | None
    """Completed and pruned trials of the study in all; None: as many as the time allows."""
    seconds: float | None = None
    workers: int = 1
    storage: str | None = field(default=None, repr=False)
    """It may hold a password: neither shown nor written."""
    skip_bad: bool = False
    verify: bool = False
    """Read every image anew."""
