"""What a run folder says of the run's models: enough to build them again, without recipe and data.

`plan.json` names the components, their options and the classes, `folds.csv` the rows that each fold
was trained on, and each fold's folder holds `preprocess.json` and the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import nn

from toolkit.contracts import Facts, Ints, Preprocess
from toolkit.data.shares import copies_each, rows_that_train
from toolkit.errors import RecipeError, RunError, listed
from toolkit.model.build import build_model
from toolkit.model.generators import same_random_numbers
from toolkit.model.layout import placed
from toolkit.model.preprocess import read_preprocess
from toolkit.model.weights import load_weights
from toolkit.plugin.host import Host
from toolkit.plugin.schema import options_model
from toolkit.recipe.lines import Keys
from toolkit.recipe.load import Recipe
from toolkit.recipe.offline import Offline
from toolkit.recipe.plan import Choice, folds_of
from toolkit.recipe.planner import make_choices
from toolkit.recipe.problems import validate
from toolkit.recipe.sections import TTA, Section, Split, Train
from toolkit.runs.folder import FoldFolder, RunFolder
from toolkit.runs.manifest import changes_since
from toolkit.runs.opened import Run
from toolkit.runs.reading import DamagedFile, read_csv

Known = TypeVar("Known", bound=Section)

BACKBONE, ENSEMBLE = ("backbone",), ("ensemble",)
_NEEDED = (BACKBONE, ENSEMBLE)


@dataclass(frozen=True)
class Saved:
    """The models of a run, as its folder describes them."""

    folder: RunFolder
    backbone: Choice
    """With `pretrained = False`, where it has that option."""
    ensemble: Choice
    facts: tuple[Facts, ...]
    """What the backbone was told, fold by fold: the counts are those of its training rows."""
    of_all: Facts
    """The same of all training rows, as the ensembler was told."""
    preprocess: tuple[Preprocess, ...]
    """What each fold's model wants its images to be."""
    views: tuple[str, ...]
    train: Train
    notes: tuple[str, ...] = ()
    """Why predictions may differ from those of the run, a line each."""

    @property
    def classes(self) -> tuple[str, ...]:
        return self.of_all.classes


def read_saved(run: Run, host: Host) -> Saved:
    """Read what a run folder says of its models.

    Raises `RunError` where the run is not finished, where a file is gone or damaged, and where a
    plugin that it needs is not installed.
    """
    folder, values = run.folder, run.plan["recipe"]
    split = _section(folder, values, Split, "split")
    folds = [folder.fold(number) for number in range(folds_of(split))]
    _require_weights(folder, folds)
    choices = _choices(run, values, host)
    backbone, ensemble = choices[BACKBONE], choices[ENSEMBLE]
    notes = changes_since(folder.recipe, [backbone.record, ensemble.record])
    preprocess = tuple(read_preprocess(fold.preprocess, folder.way_out) for fold in folds)
    if len({one.image for one in preprocess}) > 1:
        raise RunError(f"{folder.path}: its folds decode images in different ways; {_COPY_AGAIN}")
    counts, lacking = _counts(folder, values, len(run.classes), len(folds))
    facts = [
        Facts(run.classes, tuple(row.tolist()), preprocess[0].image, int(values.get("seed", 0)))
        for row in counts
    ]
    return Saved(
        folder,
        _without_weights(backbone),
        ensemble,
        tuple(facts[:-1]),
        facts[-1],
        preprocess,
        tuple(_section(folder, values, TTA, "augment", "tta").views),
        _section(folder, values, Train, "train"),
        (*notes, *lacking),
    )


def load_fold(saved: Saved, fold: int, device: torch.device) -> nn.Module:
    """A fold's model with its weights, on the device, in evaluation mode."""
    file = saved.folder.fold(fold).weights
    with same_random_numbers():  # the weights that it begins with are drawn, and written over
        model, _ = build_model(saved.backbone, replace(saved.facts[fold], trained=True))
    try:
        load_weights(file, model)
    except RuntimeError as error:
        entry = saved.backbone.entry
        raise RunError(
            f"{file}: does not fit {saved.backbone.component} as {entry.package} {entry.version} "
            f"builds it: {' '.join(str(error).split())[:200]}; {listed(saved.notes) or _COPY_AGAIN}"
        ) from error
    return placed(model, device, channels_last=saved.train.channels_last).eval()


_COPY_AGAIN = "copy the run folder again from where it was made"


def _table(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """A section of the resolved recipe; empty where an older version had none."""
    found: Any = values
    for key in keys:
        found = found.get(key, {})
    return found if isinstance(found, Mapping) else {}


def _section(folder: RunFolder, values: Mapping[str, Any], model: type[Known], *keys: str) -> Known:
    """A section as this version knows it: keys that it has no more are passed over."""
    given = _table(values, *keys)
    known = {key: value for key, value in given.items() if key in model.model_fields}
    section, problems = validate(model, known)
    if section is None:
        faults = listed(f"{'.'.join(keys)}.{key}: {text}" for key, text in problems)
        raise DamagedFile(folder.plan, f"cannot be read: {faults}", folder.way_out)
    return section


def _require_weights(folder: RunFolder, folds: list[FoldFolder]) -> None:
    missing = [fold for fold in folds if not fold.weights.is_file()]
    if not missing:
        return
    untrained = [fold.path.name for fold in missing if not fold.done.is_file()]
    if untrained:
        raise RunError(
            f"{folder.path}: the run is not finished, fold {listed(untrained)} is not trained; "
            f"{folder.command} goes on"
        )
    raise RunError(
        f"{missing[0].weights}: is gone, and so are the weights of {len(missing)} of {len(folds)} "
        f"folds; {_COPY_AGAIN}, or remove {listed(fold.path for fold in missing)} and "
        f"{folder.command} trains them again"
    )


def _choices(run: Run, values: Mapping[str, Any], host: Host) -> Mapping[Keys, Choice]:
    """The components that predict, as they are installed here."""
    try:
        return make_choices(Recipe(str(run.folder.plan), dict(values)), host, _NEEDED)
    except RecipeError as error:
        raise RunError(*error.lines, *_packages(run, values)) from error


def _packages(run: Run, values: Mapping[str, Any]) -> list[str]:
    """What to install: the packages that the run's components came from."""
    used = {_table(values, *keys).get("use") for keys in _NEEDED}
    try:
        known = [c for c in run.manifest["components"] if c["name"] in used]
    except RunError as damage:
        return [f"  which package it came from is not known: {damage}"]
    return [
        f"  {c['kind']} {c['name']} came from {c['package']} {c['version']}: "
        f"pip install {c['package']}=={c['version']}"
        for c in known
        if "." in c["name"]  # a plugin's
    ]


def _without_weights(backbone: Choice) -> Choice:
    """The backbone, with no weights to begin with: those of the run follow."""
    has_them = "pretrained" in options_model(backbone.entry).model_fields
    less = {"pretrained": False} if has_them else {}
    return replace(backbone, options={**backbone.options, **less})


def _counts(
    folder: RunFolder, values: Mapping[str, Any], classes: int, folds: int
) -> tuple[Ints, list[str]]:
    """Training rows by class: a row a fold, and one of all; and what is to be said of them."""
    try:
        rows = read_csv(folder.folds, {"id": str, "parent": str, "fold": int}, folder.way_out)
        lacking = "" if "label" in rows.columns else "has no labels, an older version wrote it"
    except DamagedFile as damage:
        rows, lacking = pd.DataFrame(), damage.fault
    if lacking:
        why = f"{folder.folds}: {lacking}: {_UNTOLD}"
        return np.zeros((folds + 1, classes), dtype=np.int64), [why]
    labels, fold_of = rows["label"].to_numpy().astype(np.int64), rows["fold"].to_numpy()
    original, asked = (rows["parent"] == rows["id"]).to_numpy(), _offline(values)

    def counted(chosen: Any) -> Ints:
        """Rows of each class, with the offline copies that train beside them or in their place
        (`train.job.with_copies`)."""
        own, theirs = labels[chosen], original[chosen]
        weights: Any = np.ones(len(own))
        if asked is not None:
            weights = rows_that_train(theirs, copies_each(own, theirs, asked), asked)
        return np.bincount(own, weights, minlength=classes).astype(np.int64)

    counts = [counted(fold_of != fold) for fold in range(folds)]
    return np.stack([*counts, np.bincount(labels, minlength=classes)]), []


def _offline(values: Mapping[str, Any]) -> Offline | None:
    """The keys of `[augment.offline]` that say how many copies there are."""
    section = _table(values, "augment", "offline")
    own = {key: section[key] for key in Offline.model_fields if section.get(key) is not None}
    return Offline(**own) if section else None


_UNTOLD = "the backbone is told no counts of classes (those in the box do not ask)"
