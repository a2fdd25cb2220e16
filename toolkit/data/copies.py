"""The offline copies that a plan asks for: how many of each original, and which a fold trains on.

They are drawn in `data/offline.py`, which the drawing processes import, and which stays light.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from toolkit.contracts import Ints, Notify, Table
from toolkit.data.assignment import split_rows
from toolkit.data.augment import build_augmentation
from toolkit.data.check import Data
from toolkit.data.given import held_out
from toolkit.data.offline import Copies, draw_copies
from toolkit.data.shares import copies_each
from toolkit.recipe.offline import Offline
from toolkit.recipe.plan import Plan


def offline_copies(
    plan: Plan, data: Data, folds: Callable[[], pd.DataFrame], notify: Notify
) -> Copies | None:
    """The copies of a plan's training originals, as many as any of its folds trains on; None where
    the recipe asks for none, or where no class lacks any.

    Args:
        folds: gives `id, parent, group, fold`, as `assign_folds` cuts them; asked where the number
            of copies hangs on them.
    """
    if plan.offline is None:
        return None
    choice, table = plan.choice("augment", "offline"), data.table
    if plan.offline.balance_to is None:
        need = fold_copies(table, np.arange(len(table.train)), plan.offline)
        need[held_out(table.train)] = 0
    else:
        need = np.zeros(len(table.train), dtype=np.int64)
        cut = folds()
        for fold in range(plan.folds):
            rows, _ = split_rows(table, cut, fold)
            need[rows] = np.maximum(need[rows], fold_copies(table, rows, plan.offline))
    originals = np.flatnonzero(need)
    if not len(originals):
        return None
    return draw_copies(
        data.pack,
        data.train_rows,
        originals,
        partial(build_augmentation, choice),
        {
            "use": choice.use,
            "version": choice.entry.version,
            "code": choice.code,
            "options": dict(choice.options),
        },
        need[originals],
        data.image,
        plan.seed,
        data.pack.cache,
        notify,
    )


def fold_copies(table: Table, rows: Ints, offline: Offline) -> Ints:
    """Copies of each of a fold's training rows.

    Args:
        rows: of the table.
    """
    train = table.train.iloc[rows]
    original = (train["parent"] == train["id"]).to_numpy()
    return copies_each(train["label"].to_numpy(), original, offline)
