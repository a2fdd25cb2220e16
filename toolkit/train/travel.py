"""A fold that is trained in another process, or on another machine: what travels, and what is done
with it there.

Whatever could differ there is held against what the run was planned with: the plan's hash covers
the recipe, the data and the versions of the components; versions of libraries that may change a
number are told.
"""

from __future__ import annotations

import faulthandler
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from toolkit.contracts import Event, Notify, RunInfo
from toolkit.data.check import Data
from toolkit.data.pack import Pack, find_pack
from toolkit.errors import RunError, ToolkitError, listed
from toolkit.plugin.host import load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan
from toolkit.runs.folder import RunFolder
from toolkit.runs.lease import leased
from toolkit.runs.log import Stages
from toolkit.runs.manifest import differences, machine
from toolkit.train.folds import Job, fold_trainer
from toolkit.train.memory import keep_freed_memory
from toolkit.train.pace import watching_pace

TRACKER = "tracker"
"""Stage of an event that is for the trackers, which are where the command was given."""


@dataclass(frozen=True)
class Parcel:
    """Everything that a fold needs to be trained elsewhere."""

    recipe: str
    """The resolved recipe, as TOML, with every override in it."""
    path: str
    """Of the recipe, for messages."""
    directory: str
    """The working directory: paths in a recipe are relative to it."""
    plan_hash: str
    components: tuple[Mapping[str, str], ...]
    machine: Mapping[str, Any]
    """What the numbers may depend on, as `manifest.json` has it."""
    data: Data
    folds: pd.DataFrame
    folder: Path
    """The run's, absolute."""
    fold: int
    token: str
    """Of the lease of the fold's folder: given anew at each start."""
    steps: int | None = None
    anew: bool = False


def train_parcel(parcel: Parcel, moved: Mapping[str, str], notify: Notify) -> None:
    """Train a fold in its run folder, up to `done`, or go on behind its last finished epoch.

    Args:
        moved: where what is not seen here lies instead: packs, and the fold's folder.

    Raises `UserError`s where this machine cannot do what was planned.
    """
    if Path(parcel.directory).is_dir():
        os.chdir(parcel.directory)
    keep_freed_memory()  # the process is ours alone
    torch.set_num_threads(parcel.machine["threads"])
    plan = _plan(parcel)
    for line in differences(parcel.machine, machine(), "where it was asked for", "here"):
        notify(Event("message", f"fold {parcel.fold}: numbers may differ: {line}"))
    folder = RunFolder(Path(moved.get(str(parcel.folder), parcel.folder)))
    data, side = parcel.data, plan.image.working_size
    here = partial(_pack, Path(parcel.directory), moved, side)
    twins = data.twins and replace(data.twins, pack=here(data.twins.pack))
    data = replace(data, pack=here(data.pack), twins=twins)
    stages, tell = Stages(lambda event: None), watching_pace(notify)
    job = Job(plan, parcel.plan_hash, data, folder, stages, tell, parcel.steps, parcel.anew)
    place = folder.fold(parcel.fold)
    # The log is where the command was given; a copy of it that came back would replace it.
    log = place.path / ".last-words" if str(parcel.folder) in moved else folder.log
    with leased(place.path, notify, token=parcel.token), _last_words(log):
        fold_trainer(job, parcel.folds, _Relay(notify))(parcel.fold)
    if not place.done.is_file():
        raise ToolkitError(f"{place.path}: was trained, and is not marked as done")


def _plan(parcel: Parcel) -> Plan:
    """The plan, made anew from the recipe that travelled. Raises `RunError` where this machine
    makes another of it."""
    host = load_host()
    with tempfile.TemporaryDirectory(prefix="toolkit-job-", ignore_cleanup_errors=True) as scratch:
        file = Path(scratch) / "recipe.toml"
        file.write_text(parcel.recipe, encoding="utf-8")
        plan = replace(make_plan(load_recipe(file, host=host), host), path=parcel.path)
    if plan.hash(parcel.data.fingerprint) == parcel.plan_hash:
        return plan
    found = [str(c) for c in plan.components if c not in parcel.components]
    other = f"its {listed(found, 3)}" if found else "its toolkit, or a file of weights that it sees"
    raise RunError(
        f"fold {parcel.fold}: {platform.node()} plans another run from this recipe; {other} "
        "differs from where the command was given: install the same versions on every machine"
    )


def _pack(directory: Path, moved: Mapping[str, str], side: int, pack: Pack) -> Pack:
    """Decoded images, where they lie on this machine. Raises `RunError` where they do not.

    Args:
        directory: where the command was given, which the path of a pack may start from.
    """
    home = str((directory / pack.path).parent)
    if home not in moved:
        return pack
    found = find_pack(Path(moved[home]), side)
    if found is None:
        raise RunError(f"{moved[home]}: the decoded images that came here are not whole")
    return found


@contextmanager
def _last_words(log: Path) -> Iterator[None]:
    """Where this process dies in native code, its Python stack is written to `log`."""
    with log.open("a", encoding="utf-8") as file:
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.enable(sys.__stderr__ or 2)


class _Relay:
    """Stands for the trackers: what they are told is told where they are."""

    def __init__(self, notify: Notify) -> None:
        self.notify = notify

    def toolkit_fold_start(self, run: RunInfo, fold: int) -> None:
        self._tell("toolkit_fold_start", fold=fold)

    def toolkit_epoch_end(
        self, run: RunInfo, fold: int, epoch: int, metrics: Mapping[str, float]
    ) -> None:
        self._tell("toolkit_epoch_end", fold=fold, epoch=epoch, metrics=dict(metrics))

    def toolkit_fold_end(self, run: RunInfo, fold: int, scores: Mapping[str, float]) -> None:
        self._tell("toolkit_fold_end", fold=fold, scores=dict(scores))

    def _tell(self, hook: str, **values: Any) -> None:
        self.notify(Event(TRACKER, hook, data=values))
