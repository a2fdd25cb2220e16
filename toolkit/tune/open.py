"""Opens a study: for the process that was started by a person, and for each of its workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
from optuna.storages import BaseStorage

from toolkit.plugin.host import Host
from toolkit.recipe.plan import Plan
from toolkit.tune.bench import Bench
from toolkit.tune.folder import StudyFolder
from toolkit.tune.objective import Objective, objective_of
from toolkit.tune.prune import Pruner, rule_of
from toolkit.tune.sampler import make_sampler
from toolkit.tune.space import check_places, space_of
from toolkit.tune.storage import open_storage
from toolkit.tune.tickets import INCUMBENT, TICKET
from toolkit.tune.trial import Study


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
    objective, space, facts = objective_of(plan), space_of(plan, bench.host), bench.facts(plan)
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
    folds = plan.proxy.folds or plan.split.folds
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


def corner_plans(plan: Plan, bench: Bench, host: Host) -> list[Plan]:
    """The recipe with each component that the space offers, and with what the space brings for
    it: what only building one can tell is found before the first trial.

    Raises `RecipeError` with all that cannot be planned.
    """
    space, facts = space_of(plan, host), bench.facts(plan)
    check_places(space, plan, facts)
    found = []
    for entry in space.entries:
        if entry.keys[-1] == "use" and entry.keys[0] != "optimizer":
            for use in entry.choices:
                values = space.corner(entry, use, plan)
                found.append(bench.question.plan(host, space.overrides(values, plan, facts)))
    return found
