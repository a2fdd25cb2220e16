"""Opens a study: for the process that was started by a person, and for each of its workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
from optuna.storages import BaseStorage

from toolkit.plugin.host import Host
from toolkit.recipe.plan import Plan
from toolkit.train.components import check_components
from toolkit.tune.bench import Bench
from toolkit.tune.folder import StudyFolder
from toolkit.tune.laid import PROXY, told_under
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


def check_corners(plan: Plan, bench: Bench, host: Host) -> None:
    """Build the recipe as `[tune.proxy]` makes it cheaper, and with each component that the space
    offers, with what the space brings for it: what only building one can tell is found before the
    first trial.

    Raises `RecipeError` with what cannot be planned or built.
    """
    table = bench.data(plan).table
    space, facts, proxy = space_of(plan, host), bench.facts(plan), plan.proxy.values
    check_places(space, plan, facts)
    if proxy:
        with told_under(plan, PROXY, ("tune", "proxy")):
            check_components(bench.question.plan(host, proxy), table, bench.notify)
    for entry in space.entries:
        if entry.keys[-1] != "use" or entry.keys[0] == "optimizer":
            continue
        here = ("tune", "space", entry.path)
        for use in entry.choices:
            laid = space.overrides(space.corner(entry, use, plan), plan, facts)
            for cheaper in [{}, proxy] if proxy else [{}]:
                asked = {**(PROXY if cheaper else {}), entry.path: here}
                with told_under(plan, asked, here):
                    corner = bench.question.plan(host, {**laid, **cheaper})
                    check_components(corner, table, bench.notify)
