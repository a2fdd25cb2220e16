"""A study: its trials, and everything that a worker needs to do one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.storages import BaseStorage

from toolkit.contracts import Facts
from toolkit.recipe.plan import Plan
from toolkit.tune.bench import Bench
from toolkit.tune.checks import check_places
from toolkit.tune.failures import INCUMBENT, TICKET
from toolkit.tune.folder import StudyFolder
from toolkit.tune.objective import Objective, objective_of
from toolkit.tune.sampler import make_sampler
from toolkit.tune.space import Space, space_of
from toolkit.tune.stopping import Pruner, rule_of
from toolkit.tune.storage import open_storage

FRESH_SEED = 1_000_003
"""Added to the recipe's seeds, it cuts fresh folds and draws fresh weights for a re-score."""


def fresh_seed(seed: int) -> int:
    """The seed of a re-score, from that of the recipe."""
    return (seed + FRESH_SEED) % 2**32


@dataclass(frozen=True)
class Study:
    """A study and everything its trials need: what one worker holds."""

    search: optuna.Study
    """The trials of the search."""
    rescore: optuna.Study
    """The best of them, scored again on fresh folds."""
    storage: BaseStorage
    """Where both are kept."""
    plan: Plan
    """Of the recipe as it is."""
    space: Space
    objective: Objective
    pruner: Pruner
    bench: Bench
    folder: StudyFolder
    facts: Facts
    alive: Callable[[], None]
    """Called often; raises `KeyboardInterrupt` where this process should stop."""
    since: int = 0
    """Number of the first trial that was not there when the study was started. A failure from
    before that may be mended by now."""

    @property
    def deaths(self) -> dict[str, Any]:
        """Which processes were killed, and by what."""
        return {**self.search.user_attrs, **self.rescore.user_attrs}

    @property
    def folds(self) -> range:
        """The folds that a trial trains."""
        return range(self.plan.proxy.folds or self.plan.folds)

    @property
    def proxy(self) -> dict[str, Any]:
        """What is laid over every trial to make it cheaper."""
        return dict(self.plan.proxy.values)

    def values(self, trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
        """A trial's values by their paths; the incumbent's are the recipe's own."""
        if trial.user_attrs.get("incumbent"):
            return self.space.of_recipe(self.plan, self.facts)
        return dict(trial.user_attrs.get("values", {}))

    def overrides(self, trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
        """What a trial lays over the recipe."""
        if trial.user_attrs.get("incumbent"):
            return {}
        return self.space.overrides(self.values(trial), self.plan, self.facts)


def open_study(
    plan: Plan,
    bench: Bench,
    folder: StudyFolder,
    name: str,
    storage: str | None,
    alive: Callable[[], None],
    since: int | None = None,
) -> Study:
    """Join a study, or begin it with the recipe as it is for its first trial.

    Args:
        name: of the study in its storage; the same on every machine.
        storage: its address; without one, the journal in `folder`.
        since: number of the first trial of this start; by default the next one.

    Raises `UserError` where the storage cannot be used or the data does not fit the space.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space, facts = space_of(plan, bench.host), bench.facts(plan)
    objective = objective_of(plan, facts)
    check_places(space, plan, facts)
    sampler = make_sampler(plan.tune.sampler, plan.seed, conditional=space.conditional)
    place = open_storage(storage, folder.journal)
    study = _join(place, name, objective, sampler)
    final = _join(place, f"{name}-rescore", objective, None)
    trials = study.get_trials(deepcopy=False)
    since = len(trials) if since is None else since
    if not any(t.user_attrs.get("incumbent") for t in trials):
        params = space.incumbent(plan, facts)
        study.enqueue_trial(params, user_attrs={"incumbent": True, TICKET: INCUMBENT})
    epochs = plan.proxy.epochs or plan.train.epochs
    folds = plan.proxy.folds or plan.folds
    tune = plan.tune
    pruner = Pruner(rule_of(tune.prune, folds), tune.percentile, tune.startup, folds, epochs)
    return Study(
        study, final, place, plan, space, objective, pruner, bench, folder, facts, alive, since
    )


def _join(storage: BaseStorage, name: str, objective: Objective, sampler: Any) -> optuna.Study:
    return optuna.create_study(
        study_name=name,
        storage=storage,
        direction=objective.direction,
        sampler=sampler,
        pruner=optuna.pruners.NopPruner(),
        load_if_exists=True,
    )
