"""The Plan: a checked recipe with every default written out, obeyed and hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from toolkit.contracts import ImageSpec
from toolkit.plugin.blame import blamed, whose
from toolkit.plugin.registry import Entry
from toolkit.recipe.execute import Execute
from toolkit.recipe.lines import Keys
from toolkit.recipe.load import Origin
from toolkit.recipe.offline import Offline
from toolkit.recipe.scores import ALWAYS, CLEAN, Score
from toolkit.recipe.sections import (
    TTA,
    Optimizer,
    Proxy,
    Schedule,
    Split,
    SubmissionSection,
    Train,
    Tune,
    Validate,
)
from toolkit.recipe.shipped import Shipped
from toolkit.recipe.slots import METRIC
from toolkit.recipe.twins import TWINS, Twins

# What cannot change a result does not change the hash. The data section and the labels act through
# the table, whose fingerprint is hashed, so that moved data is the same data.
_OUTSIDE_THE_HASH: tuple[Keys, ...] = (
    ("data",),
    ("labels",),
    ("track",),
    ("execute",),
    ("tune",),
    ("train", "workers"),
    ("submission",),
    ("split", "conflicts"),
    ("split", "rare"),
    ("split", "leaks"),
)

# What only says how a fold's model is made use of: where it predicts, how predictions are joined,
# named and reported. The split acts through the rows of a fold, which are hashed themselves.
_OUTSIDE_OF_TRAINING: tuple[Keys, ...] = (
    *_OUTSIDE_THE_HASH,
    ("name",),
    ("split",),
    ("augment", "tta"),
    ("validate", "seed"),
    ("validate", "report"),
    METRIC,
    ("ensemble",),
)

NUMERICS = 3
"""Version of what training computes from the same plan; a part of its hash. It grows with every
change of batches, losses, orders or pixels, so that no run that was begun goes on with others."""

SMOKE_OVERRIDES = {"split.folds": 2, "train.epochs": 1, "train.batch_size": 4}
"""What `--smoke` lays over a recipe, so that every stage is passed in a minute or two; a batch is
no larger than the recipe's own (`smoke_overrides`)."""


@dataclass(frozen=True)
class Choice:
    """A component that a recipe chose, and its checked options."""

    use: str
    entry: Entry
    options: Mapping[str, Any]
    code: str = ""
    """Digest of a third party's package, which is edited more often than its version changes, as
    it was loaded; empty for what is in the box."""

    @property
    def component(self) -> str:
        """What errors call it: `loss acme.poly`."""
        return f"{self.entry.kind} {self.use}"

    @property
    def whose(self) -> str:
        """What an error adds to say whose a third party's component is, and where it is made."""
        return whose(self.entry)

    @property
    def record(self) -> dict[str, str]:
        """Kind, name, package and version, as `manifest.json` keeps them. `code` tells a third
        party's edits apart."""
        entry = self.entry
        found = _component(entry.kind, self.use, entry.package, entry.version)
        return found | ({"code": self.code} if self.code else {})

    def build(self, *host_arguments: Any) -> Any:
        """Call the factory with what the host gives and what the recipe says.

        Raises `Blamed`, which says whose factory it is, whatever a third party's raises.
        """
        with self.blamed("it cannot be built"):
            return self.build_unblamed(*host_arguments)

    def build_unblamed(self, *host_arguments: Any) -> Any:
        """As `build`, and what the factory raises goes through: for who judges it."""
        name = (self.use,) if self.entry.names else ()
        return self.entry.load()(*name, *host_arguments, **self.options)

    def blamed(self, doing: str, *others: Choice) -> AbstractContextManager[None]:
        """Around a call of what `build` gave: what it raises is blamed on the component.

        Args:
            doing: what goes wrong where it raises, `"its forward fails"`.
            others: who else may be at fault.
        """
        also = [(other.component, other.entry) for other in others]
        return blamed(self.component, self.entry, *also, doing=doing)


@dataclass(frozen=True)
class Plan:
    """A checked recipe with every default written out. It is obeyed, never edited."""

    path: str
    values: Mapping[str, Any]
    """The resolved recipe, nested."""
    origins: Mapping[Keys, Origin]
    choices: Mapping[Keys, Choice]
    split: Split
    tta: TTA
    validate: Validate
    optimizer: Optimizer
    schedule: Schedule
    train: Train
    submission: SubmissionSection
    tune: Tune
    proxy: Proxy
    execute: Execute
    """Keys of `[execute]` beside the executor's options."""
    monitor: Score
    """What decides: the score that `validate.monitor` names."""
    offline: Offline | None = None
    """Keys of `[augment.offline]`; None where the recipe has no such section."""
    twins: Twins | None = None
    """Keys of `[validate.twins]`; None where the recipe has no such section."""
    shipped: tuple[Shipped, ...] = ()
    """The recipes of installed packages that it was made from."""
    notes: tuple[str, ...] = ()
    """What was read in another way than it was written, a line each, with its place."""

    @property
    def name(self) -> str:
        return str(self.values["name"])

    @property
    def seed(self) -> int:
        return int(self.values["seed"])

    @cached_property
    def image(self) -> ImageSpec:
        depth = self.values["image"]["depth"]
        depth = depth if isinstance(depth, str) else tuple(depth)
        return ImageSpec(**{**self.values["image"], "depth": depth})

    @property
    def patches(self) -> tuple[str, ...]:
        """Files of corrected labels, in the order in which they apply."""
        return tuple(self.values["labels"]["patches"])

    @property
    def relabel(self) -> Mapping[str, str]:
        """Class to group, as the recipe has it."""
        groups: Mapping[str, str] = self.values["labels"].get("relabel", {})
        return groups

    @property
    def folds(self) -> int:
        """How many folds are trained."""
        return folds_of(self.split)

    @property
    def trains_by_twins(self) -> bool:
        """Whether twins decide. Those that only score a fold change nothing of its weights."""
        return self.monitor.variant != CLEAN

    @property
    def metrics(self) -> dict[str, Choice]:
        """Every metric that scores the run, by its name; those that `validate.report` adds decide
        nothing."""
        return {keys[1]: c for keys, c in self.choices.items() if keys[:-1] == METRIC}

    def choice(self, *keys: str) -> Choice:
        """The component chosen in a section: `plan.choice("augment", "train")`."""
        return self.choices[keys]

    @property
    def components(self) -> list[dict[str, str]]:
        """The record of every component that the plan uses, and of every recipe of a package that
        it was made from. Where the folds are trained, an executor's choice, is no part of what
        they are; metrics that every run has were chosen by nobody."""
        found = [
            choice.record
            for keys, choice in self.choices.items()
            if choice.entry.kind != "executor" and (keys[:-1] != METRIC or keys[-1] not in ALWAYS)
        ]
        found += [_component("recipe", s.name, s.package, s.version) for s in self.shipped]
        return found

    def hash(self, fingerprint: str) -> str:
        """32 hex digits over the recipe, the table's fingerprint, the components' versions and
        code, and the version of the numerics."""
        used = [c for c in self.components if c["kind"] not in ("source", "tracker", "recipe")]
        recipe = _without(self.values, _OUTSIDE_THE_HASH)
        facts = json.dumps([NUMERICS, recipe, used, fingerprint, self._weights()], sort_keys=True)
        return hashlib.sha256(facts.encode()).hexdigest()[:32]

    def training_facts(self) -> list[Any]:
        """What of the recipe, its components and the numerics changes how a fold is trained, as
        JSON; the rows that it trains on come beside it (`train.reuse`)."""
        outside = (*_OUTSIDE_OF_TRAINING, *(() if self.trains_by_twins else (TWINS,)))
        used = [c.record for keys, c in self.choices.items() if not {keys, keys[:-1]} & {*outside}]
        # Of the metrics, the one that decides; those that are only reported change nothing.
        monitor = self.metrics[self.monitor.metric]
        decides = [monitor.record, dict(monitor.options)]
        recipe = _without(self.values, outside)
        return [NUMERICS, recipe, used, self._weights(), decides]

    def _weights(self) -> str | None:
        return _file_hash(self.choice("backbone").options.get("weights"))


def _without(values: Mapping[str, Any], outside: tuple[Keys, ...]) -> dict[str, Any]:
    """The resolved recipe without some of its sections and keys."""
    recipe: dict[str, Any] = json.loads(json.dumps(values))
    for keys in outside:
        table = recipe
        for key in keys[:-1]:
            table = table.get(key, {})
        table.pop(keys[-1], None)
    offline = recipe.get("augment", {}).get("offline", {})
    for key, plain in (("mode", "append"), ("balance_to", None)):
        if offline.get(key) == plain:  # as it always was: plans of earlier versions are found
            offline.pop(key, None)
    return recipe


def folds_of(split: Split) -> int:
    """How many folds are trained: `split.folds`, or one where a split was given."""
    return 1 if split.given else split.folds


def _component(kind: str, name: str, package: str, version: str) -> dict[str, str]:
    return {"kind": kind, "name": name, "package": package, "version": version}


def _file_hash(path: str | None) -> str | None:
    """Content of a local weights file: the same name with other weights is another plan."""
    if path is None or not Path(path).is_file():
        return None
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def smoke_overrides(plan: Plan) -> dict[str, int]:
    """`SMOKE_OVERRIDES` for a plan. Batches as short as the recipe's stay so: what a batch of one
    or two rows does to a norm shows in a smoke run, too."""
    smallest = min(plan.train.batch_size, SMOKE_OVERRIDES["train.batch_size"])
    laid = {**SMOKE_OVERRIDES, "train.batch_size": smallest}
    if plan.split.given:  # which is one fold
        del laid["split.folds"]
    return laid
