"""The map of a recipe: its sections in order, and which of them choose a component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.recipe.execute import Execute
from toolkit.recipe.labels import Labels, Relabel
from toolkit.recipe.lines import Keys
from toolkit.recipe.offline import Offline
from toolkit.recipe.sections import (
    TTA,
    Cosine,
    ImageSection,
    Optimizer,
    Proxy,
    Section,
    Split,
    SubmissionSection,
    Train,
    Tune,
    Validate,
)
from toolkit.recipe.twins import TWINS, Twins

METRIC: Keys = ("metric",)
"""Tables of metrics, by name: options, and which component it is."""

FIXED: dict[Keys, type[Section]] = {
    ("labels",): Labels,
    ("labels", "relabel"): Relabel,
    ("split",): Split,
    ("image",): ImageSection,
    ("augment", "tta"): TTA,
    ("validate",): Validate,
    ("optimizer",): Optimizer,
    ("train",): Train,
    ("submission",): SubmissionSection,
    ("tune",): Tune,
    ("tune", "proxy"): Proxy,
}


@dataclass(frozen=True)
class Slot:
    """A section that chooses a registered component."""

    kind: str
    default: str | None
    """The component where the recipe names none; None: the recipe must."""
    optional: bool = False
    """The section may be absent altogether."""
    host: type[Section] | None = None
    """Keys that the host adds to the component's options."""


SLOTS: dict[Keys, Slot] = {
    ("data",): Slot("source", None),
    ("augment", "offline"): Slot("augmentation", None, optional=True, host=Offline),
    ("augment", "train"): Slot("augmentation", "light"),
    TWINS: Slot("augmentation", None, optional=True, host=Twins),
    ("backbone",): Slot("backbone", None),
    ("loss",): Slot("loss", "cross_entropy"),
    ("sampler",): Slot("sampler", "shuffle"),
    ("ensemble",): Slot("ensembler", "soft"),
    ("track",): Slot("tracker", None, optional=True),
    ("execute",): Slot("executor", "local", host=Execute),
}

SECTIONS: tuple[Keys, ...] = (
    ("data",),
    ("labels",),
    ("labels", "relabel"),
    ("split",),
    ("image",),
    ("augment", "offline"),
    ("augment", "train"),
    ("augment", "tta"),
    ("validate",),
    TWINS,
    METRIC,
    ("backbone",),
    ("loss",),
    ("sampler",),
    ("optimizer",),
    ("schedule",),
    ("train",),
    ("ensemble",),
    ("submission",),
    ("track",),
    ("execute",),
    ("tune",),
    ("tune", "proxy"),
    ("tune", "space"),
)


def default_use(keys: Keys) -> str | None:
    """What a section uses where the recipe does not say; None where the recipe must."""
    if keys in SLOTS:
        return SLOTS[keys].default
    return {"optimizer": Optimizer().use, "schedule": Cosine().use}.get(".".join(keys))


def leaves(values: Mapping[str, Any], at: Keys = ()) -> list[Keys]:
    """The path of every value of a resolved recipe; a range or a metric's table is one value."""
    found: list[Keys] = []
    for key, value in values.items():
        keys = (*at, key)
        nested = isinstance(value, Mapping) and at not in (("tune", "space"), METRIC)
        found += leaves(value, keys) if nested else [keys]
    return found
