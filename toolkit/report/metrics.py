"""Which metrics a run was scored by, from its report alone: no plugin is needed to show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.recipe.scores import score_named
from toolkit.score.metrics import ALWAYS


@dataclass(frozen=True)
class Shown:
    """A metric as it is shown."""

    name: str
    """As scores are called: `macro_f1`."""
    title: str
    """As it stands within a sentence: `macro-F1`."""
    help: str
    higher_is_better: bool
    low: float | None
    high: float | None

    @property
    def heading(self) -> str:
        return self.title[:1].upper() + self.title[1:]


def metrics_of(report: Mapping[str, Any]) -> list[Shown]:
    """Every metric of a run, the one that decided first. An older report names none: its runs were
    scored by three."""
    found = [
        Shown(m["name"], m["title"], m["help"], m["higher_is_better"], *m["bounds"])
        for m in report.get("metrics", ())
    ] or [
        Shown(name, m.name, "", m.higher_is_better, *getattr(m, "bounds", (None, None)))
        for name, m in ALWAYS.items()
    ]
    decides = score_named(report.get("monitor", "clean_f1")).metric
    return sorted(found, key=lambda shown: shown.name != decides)


def reported(report: Mapping[str, Any]) -> list[Shown]:
    """Those beside the one that decided and the three that every run has."""
    return [shown for shown in metrics_of(report)[1:] if shown.name not in ALWAYS]
