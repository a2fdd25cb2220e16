"""Builds what a recipe chose, once, before any work."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial

import numpy as np
import torch
from torch import nn

from toolkit.contracts import Facts, Notify, RunInfo, Table, ignore
from toolkit.data.augment import build_augmentation
from toolkit.data.loader import worker_count
from toolkit.errors import PluginError, UserError, cause
from toolkit.model.check import check_model
from toolkit.model.device import make_accelerator
from toolkit.model.generators import same_random_numbers
from toolkit.model.invariants import require_loss
from toolkit.plugin.observers import Trackers
from toolkit.recipe.plan import Choice, Plan
from toolkit.runs.children import require_travel
from toolkit.score.measures import measures_of, try_measures
from toolkit.train.job import facts_of
from toolkit.train.one_row import require_batches, trains_on_one_row
from toolkit.train.optimizer import make_optimizer
from toolkit.train.order import build_sampler, epoch_rows


def check_components(plan: Plan, table: Table, notify: Notify = ignore) -> None:
    """Build what a recipe chose, once, before any work: what only a class list can tell, weights
    that cannot be had, and a size that the backbone does not take are found here."""
    if table.problems or not len(table.train):
        return  # the data check reports these, with everything else about the data
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import asks the network otherwise
    facts = facts_of(plan, table, table.train["label"].to_numpy())
    ensemble, sampler = plan.choice("ensemble"), plan.choice("sampler")
    ensembler = ensemble.build(facts)
    with ensemble.blamed("fails at its first call"):
        fitted = ensembler.needs_fit
    if fitted:
        raise UserError(
            f"ensemble.use: {ensemble.use} is fitted on two members or more, and a run is one; "
            "choose soft or hard"
        )
    labels, groups = table.train["label"].to_numpy(), table.train["group"].tolist()
    built = build_sampler(sampler, labels, groups, table.train["parent"].tolist())
    with sampler.blamed("its first call fails"):
        epoch_rows(sampler, built, np.random.default_rng(0), len(labels))
    try_measures(measures_of(plan, facts), len(facts.classes))
    _probe(plan, facts)
    _probe_tracker(plan)
    with _of_the_library(plan.choice("backbone")):
        model = check_model(plan, facts, notify)
    make_optimizer(model, plan.optimizer)
    require_batches(plan, len(table.train), partial(trains_on_one_row, plan, facts))


def _probe(plan: Plan, facts: Facts) -> None:
    """One grey image through the augmentation and two rows through the loss: what a third party
    got wrong shows here, not as black batches or in the first backward pass."""
    side = plan.image.working_size
    workers = worker_count(plan.train.workers, make_accelerator(plan.train.precision).device)
    grey = np.full((side, side, 3), 128, dtype=np.uint8)
    for keys in (("augment", "train"), ("augment", "offline")):
        augmentation = plan.choices.get(keys)
        if augmentation is None:
            continue
        augment = build_augmentation(augmentation, plan.image)
        if workers and keys == ("augment", "train"):
            remedy = f"set train.workers = 0{augmentation.whose}"
            require_travel(augment, augmentation.component, remedy)
        with augmentation.blamed("fails at its first call"):
            augment(grey, np.random.default_rng(0))
    choice = plan.choice("loss")
    targets = torch.eye(len(facts.classes))[:2]
    logits = torch.zeros_like(targets).requires_grad_()
    loss = choice.build(facts)
    with choice.blamed("fails at its first call"):
        value = loss(logits, targets)
    require_loss(choice, value)
    with choice.blamed("fails at its first call"):
        value.backward()
    if not isinstance(loss, nn.Module):
        found = type(loss).__name__
        raise PluginError(
            f"{choice.component}: gives a {found}, expected an nn.Module{choice.whose}"
        )


@contextmanager
def _of_the_library(backbone: Choice) -> Iterator[None]:
    """The factory of a family is in the box, and the architectures that it builds are not: they
    may raise anything."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise PluginError(
            f"{backbone.component}: fails at its first call: {cause(error)} "
            f"({last.filename}:{last.lineno})"
        ) from error


def _probe_tracker(plan: Plan) -> None:
    """Build the tracker, which starts its work in `toolkit_run_start`: a backend that is not
    installed shows here."""
    track = plan.choices.get(("track",))
    if track is None:
        return
    # A tracker may hold a file open, which Windows then does not remove.
    with tempfile.TemporaryDirectory(prefix="toolkit-track-", ignore_cleanup_errors=True) as folder:
        run = RunInfo(plan.name, folder, "", deepcopy(dict(plan.values)))
        makers = {track.use: partial(track.build, run)}
        entries = {track.use: track.entry}
        Trackers(makers, lambda dropped: None, guard=same_random_numbers, entries=entries)
