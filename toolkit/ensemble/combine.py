"""Members into one prediction, by an ensembler whose answer is looked at."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np

from toolkit.contracts import Ensembler, Facts, Predictions
from toolkit.errors import DataError, PluginError
from toolkit.recipe.plan import Choice


def check_ensembler(choice: Choice, facts: Facts, members: int) -> None:
    """Join as many made-up members as a run has, before any work: what a third party got wrong
    shows here, not behind the last fold.

    Raises `PluginError` that names the ensembler.
    """
    rng, shape = np.random.default_rng(0), (2, len(facts.classes))
    drawn = [rng.random(shape, dtype=np.float32) + 0.1 for _ in range(members)]
    ids = tuple(f"row {row}" for row in range(shape[0]))
    made_up = [Predictions(ids, p / p.sum(1, keepdims=True), facts.classes) for p in drawn]
    combine(choice.build(facts), made_up, choice)


def combine(
    ensembler: Ensembler, members: list[Predictions], choice: Choice | None = None
) -> Predictions:
    """`ensembler.combine`, with what goes in and what comes out checked."""
    ids = members[0].ids
    for member in members:
        if member.ids != ids or member.classes != members[0].classes:
            raise DataError("the members of an ensemble predict different images or classes")
        if not np.isfinite(member.probabilities).all():
            raise DataError("a member of the ensemble has probabilities that are no numbers")
    with nullcontext() if choice is None else choice.blamed("its combine fails"):
        joined: object = ensembler.combine(members)
    fault = _fault_of(joined, members[0])
    if fault is None and isinstance(joined, Predictions):
        return joined
    name = f"ensembler {type(ensembler).__name__}" if choice is None else choice.component
    raise PluginError(
        f"{name}: must keep the IDs and give numbers from 0 to 1, rows that sum to 1; it gives "
        f"{fault}{'' if choice is None else choice.whose}"
    )


def _fault_of(joined: object, member: Predictions) -> str | None:
    """What an ensembler made that no ensembler may."""
    if not isinstance(joined, Predictions):
        return f"a {type(joined).__name__}, not Predictions"
    given: object = joined.probabilities
    if not isinstance(given, np.ndarray) or given.dtype.kind != "f":
        kind = given.dtype if isinstance(given, np.ndarray) else f"a {type(given).__name__}"
        return f"probabilities that are {kind}, not an array of floats"
    if joined.ids != member.ids:
        return "other IDs, or another order"
    if joined.classes != member.classes:
        return "other classes, or another order of them"
    if given.shape != member.probabilities.shape:
        return f"the shape {given.shape}, not {member.probabilities.shape}"
    rows, fault = ~np.isfinite(given).all(axis=1), "with what is no number"
    if not rows.any():
        rows, fault = (given < -1e-6).any(axis=1), "with what is below 0"
    if not rows.any():
        rows, fault = ~np.isclose(given.sum(axis=1), 1, atol=1e-4), "with another sum"
    if not rows.any():
        return None
    first = joined.ids[int(rows.argmax())]
    return f"{rows.sum()} of {len(joined.ids)} rows {fault} ({first} is the first)"
