"""What every start does before anything trains: read the table, try the components, decode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.contracts import Event, Notify, Table
from toolkit.data.check import Data, check_plan_data
from toolkit.data.rare import table_for
from toolkit.data.table import Frames
from toolkit.data.twins import draw_twins
from toolkit.ensemble.combine import check_ensembler
from toolkit.ensemble.submission import check_clip, kind_of
from toolkit.recipe.plan import Plan
from toolkit.recipe.twins import TWINS
from toolkit.runs.log import Stages
from toolkit.train.components import check_components
from toolkit.train.job import facts_of


@dataclass(frozen=True)
class Prepared:
    """A plan whose components were tried, on data that was checked and decoded."""

    plan: Plan
    data: Data

    @property
    def plan_hash(self) -> str:
        return self.plan.hash(self.data.fingerprint)


def prepare(
    plan: Plan,
    cache: Path,
    stages: Stages,
    *,
    skip_bad: bool = False,
    verify: bool = False,
    frames: Frames | None = None,
    some: Callable[[Table], Table] | None = None,
) -> Prepared:
    """Make a plan ready to train.

    Args:
        cache: where images are decoded to.
        stages: tells what was read, what the submission will be, and of every step.
        skip_bad: set unreadable training images aside and go on.
        verify: read every image's content anew, also where its file looks unchanged.
        frames: the rows, where they were handed over in Python and no source reads them.
        some: takes the rows of the table that are wanted; without it, all.

    Raises `DataError` and other `UserError`s with everything that is to mend.
    """
    notify = stages.notify
    table = table_for(plan, notify, frames)
    table = table if some is None else some(table)
    for note in table.notes:
        notify(Event("message", note))
    if table.submission is not None and not table.submission.problem:
        notify(Event("message", f"submission.csv: {kind_of(table)}"))
    try_components(plan, table, notify)
    stages.enter("decode")
    data = check_plan_data(plan, table, cache, notify, skip_bad=skip_bad, verify=verify)
    if plan.twins is not None:
        stages.enter("twins")
    return Prepared(plan, with_twins(plan, data, cache, notify))


def with_twins(plan: Plan, data: Data, cache: Path, notify: Notify) -> Data:
    """The data with the twins of the validation images, where a plan asks for them."""
    if plan.twins is None:
        return data
    choice, seed = plan.choice(*TWINS), plan.validate.seed
    found = draw_twins(choice, plan.twins.count, seed, data.table, data.image, cache, notify)
    return replace(data, twins=found)


def try_components(plan: Plan, table: Table, notify: Notify) -> None:
    """Build and try what the recipe chose, before any work."""
    check_components(plan, table, notify)
    check_clip(plan.submission.clip, len(table.classes))
    if table.test is not None and not table.problems and len(table.train):
        facts = facts_of(plan, table, table.train["label"].to_numpy())
        check_ensembler(plan.choice("ensemble"), facts, plan.folds)
