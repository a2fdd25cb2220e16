"""How scores are called: a variant of the images x a metric, `robust_kappa`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.errors import did_you_mean
from toolkit.recipe.lines import Keys

CLEAN = "clean"
ROBUST = "robust"
VARIANTS: dict[str, str] = {
    CLEAN: "the images as they are",
    ROBUST: "their frozen degraded twins (`[validate.twins]`)",
}
"""What of the images is scored."""
BLEND = "blend"
"""The mean of the macro-F1 of both: a score of its own name."""

ALWAYS = ("macro_f1", "accuracy", "log_loss")
"""Metrics that every run has, whatever its recipe says."""

_SHORT = {"macro_f1": "f1"}
"""Metrics with a shorter name behind a variant: `clean_f1`."""

TAKEN = frozenset({
    *("fold", "best_epoch", "selected_epoch", "epochs", "seconds", "images_per_second"),
    *("precision", "training", "predictions", "run"),
    *("labels", "rows", "of", "intervals", "classes", "not_scored", "twins", BLEND),
})  # fmt: skip
"""Keys that stand beside scores in a run's files: no metric may be called so."""


@dataclass(frozen=True)
class Score:
    """One figure of a model."""

    variant: str
    """One of `VARIANTS`, or `BLEND`."""
    metric: str
    """As the recipe names it: `macro_f1`, `acme.cost`."""

    @property
    def name(self) -> str:
        """As `history.csv` and `validate.monitor` say it: `clean_f1`, `clean_acme.cost`."""
        if self.variant == BLEND:
            return BLEND
        return f"{self.variant}_{_SHORT.get(self.metric, self.metric)}"

    @property
    def key(self) -> str:
        """As the scores of a fold say it: of clean images the metric alone, `macro_f1`; of others
        the name."""
        return self.metric if self.variant == CLEAN else self.name


def score_named(text: str) -> Score:
    """`clean_f1` and `clean_macro_f1` are one score; a metric alone is that of the clean images."""
    if text == BLEND:
        return Score(BLEND, ALWAYS[0])
    for variant in VARIANTS:
        if text.startswith(f"{variant}_"):
            return Score(variant, metric_named(text.removeprefix(f"{variant}_")))
    return Score(CLEAN, metric_named(text))


def metric_named(text: str) -> str:
    """A metric's whole name: `f1` is `macro_f1`."""
    return next((whole for whole, short in _SHORT.items() if text == short), text)


def guess_score(text: str, metrics: Collection[str]) -> str:
    """A did-you-mean for the name of a score."""
    known = [Score(variant, metric).name for variant in VARIANTS for metric in metrics]
    return did_you_mean(text, [*known, BLEND, *metrics])


def flat_metrics(values: dict[str, Any]) -> list[tuple[Keys, Keys]]:
    """`[metric.acme.cost]` is TOML for a table in a table, and means the metric `acme.cost`: it is
    written so, in place. Returns the paths that changed, old and new."""
    tables = values.get("metric")
    moved: list[tuple[Keys, Keys]] = []
    if not isinstance(tables, dict):
        return []
    for plugin, inner in list(tables.items()):
        nested = isinstance(inner, Mapping) and inner and "use" not in inner
        if not nested or not all(isinstance(given, dict) for given in inner.values()):
            continue
        del tables[plugin]
        for name, given in inner.items():
            whole = f"{plugin}.{name}"
            quoted = tables.get(whole)
            tables[whole] = {**quoted, **given} if isinstance(quoted, dict) else given
            moved.append((("metric", plugin, name), ("metric", whole)))
    return moved
