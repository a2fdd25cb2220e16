"""Which rows an epoch sees: the sampler, what it is told, and what it may answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.contracts import Ints
from toolkit.errors import PluginError, listed
from toolkit.plugin.schema import asked_on_demand
from toolkit.recipe.plan import Choice

_NAMED = 24  # classes in a line


def build_sampler(
    choice: Choice, labels: Ints, groups: Sequence[str], parents: Sequence[str]
) -> Any:
    """A recipe's sampler for these training rows. It gets copies, which it may change, and groups
    and parents only where its factory names them."""
    known = {"groups": groups, "parents": parents}
    more = [np.array(known[name], dtype=object) for name in asked_on_demand(choice.entry)]
    return choice.build(labels.copy(), *more)


def epoch_rows(choice: Choice, sampler: Any, rng: np.random.Generator, count: int) -> Ints:
    """The rows of an epoch, of `count` training rows: in the sampler's order, or as many draws
    with replacement, by its weights, as there are rows.

    Raises `PluginError` where its answer of this epoch is neither.
    """
    if callable(sampler):
        with choice.blamed("its order of rows fails"):
            drawn = np.asarray(sampler(rng))
        problem = _order_problem(drawn, count)
        if problem:
            raise PluginError(f"{choice.component}: {problem}{choice.whose}")
        return drawn.astype(np.int64)
    problem = _weights_problem(sampler, count)
    if problem:
        raise PluginError(f"{choice.component}: {problem}{choice.whose}")
    weights = np.asarray(sampler, dtype=np.float64)
    return rng.choice(count, count, p=weights / weights.sum())


def drawn_rows(labels: Ints, order: Ints, classes: int) -> list[int]:
    """How many rows of each class an epoch's order has."""
    counts: list[int] = np.bincount(labels[order], minlength=classes).tolist()
    return counts


def drawn_text(drawn: Sequence[int], classes: Sequence[str]) -> str:
    """`an epoch of 48 rows: 16 ticket, 16 letter, 16 form`."""
    each = (f"{count:,} {name}" for count, name in zip(drawn, classes, strict=True))
    return f"an epoch of {sum(drawn):,} rows: {listed(each, limit=_NAMED)}"


def _order_problem(drawn: np.ndarray, count: int) -> str:
    if drawn.ndim != 1 or not len(drawn) or drawn.dtype.kind not in "iu":
        return (
            f"gives an order of {drawn.dtype} {drawn.shape}, expected integers (rows of the "
            "epoch,), one at least"
        )
    low, high = int(drawn.min()), int(drawn.max())
    if low < 0 or high >= count:
        return f"draws rows from {low} to {high}, expected 0 to {count - 1}"
    return ""


def _weights_problem(answer: Any, count: int) -> str:
    try:
        weights = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        return f"gives {type(answer).__name__}, expected weights ({count},) or a function of rng"
    if weights.shape != (count,):
        return f"gives weights of shape {weights.shape}, expected ({count},)"
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        return (
            f"gives weights from {weights.min():.4g} to {weights.max():.4g}, expected finite ones "
            "of at least 0, not all 0"
        )
    return ""
