"""Which labels are probably wrong, from out-of-fold probabilities.

Where cleanlab is installed, its confident learning (Northcutt et al. 2021, arXiv:1911.00068) flags
labels and ranks them; otherwise the probability of the given label does.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from toolkit.contracts import Floats, Ints
from toolkit.errors import UserError

Method = Literal["auto", "cleanlab", "self_confidence", "normalized_margin"]

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Ranking:
    """Training labels, the most suspicious first."""

    rows: pd.DataFrame
    """`rank, id, given, suggested, quality, p_given, p_suggested, flagged`; `flagged` where the
    method calls the label wrong, `quality` from 0 to 1."""
    method: str
    """What ranked them, in words."""


def ranked(
    ids: Sequence[str],
    labels: Ints,
    probabilities: Floats,
    classes: Sequence[str],
    method: Method = "auto",
) -> Ranking:
    """Rank labels by how badly out-of-fold probabilities fit them.

    Args:
        labels: given label of each row `(n,)`.
        probabilities: of models that did not train on the row, `(n, C)`.
        method: auto is cleanlab where it is installed, self_confidence elsewhere.

    Raises `UserError` where cleanlab is asked for and is not installed.
    """
    chosen = _chosen(method)
    p = probabilities.astype(np.float64)
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    given = p[rows, labels]
    others = p.copy()
    others[rows, labels] = -1.0
    suggested = others.argmax(axis=1)
    best = p[rows, suggested]
    flagged = best > given
    words = f"{chosen}, since cleanlab is not installed" if method == "auto" else chosen
    quality = given if chosen == "self_confidence" else (given - best + 1) / 2
    if chosen == "cleanlab":
        quality, flagged = _cleanlab(labels, p)
        words = f"cleanlab {version('cleanlab')}, confident learning"
    quality = quality.round(6)  # what is no difference of labels but of arithmetic is a tie
    order = np.lexsort((np.asarray(list(ids), dtype=np.str_), quality, ~flagged))
    table = pd.DataFrame(
        {
            "id": list(ids),
            "given": [classes[label] for label in labels],
            "suggested": [classes[label] for label in suggested],
            "quality": quality,
            "p_given": given.round(6),
            "p_suggested": best.round(6),
            "flagged": flagged,
        }
    )
    table = table.iloc[order].reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return Ranking(table, words)


def _chosen(method: Method) -> str:
    there = find_spec("cleanlab") is not None
    if method == "cleanlab" and not there:
        raise UserError(
            "cleanlab is not installed: pip install 'recipe-toolkit[audit]', or rank without it: "
            "--method self_confidence"
        )
    return ("cleanlab" if there else "self_confidence") if method == "auto" else method


def _cleanlab(labels: Ints, p: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], Flags]:
    """Quality `(n,)` of each label, and which are flagged."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with few images, which the scores still rank
        # One process: others would be forked, beside threads that do not survive it.
        found: Any = find_label_issues(labels, p, n_jobs=1)
        quality: Any = get_label_quality_scores(labels, p)
    return np.asarray(quality, dtype=np.float64), np.asarray(found, dtype=bool)
