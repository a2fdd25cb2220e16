"""The most confident mistakes of a run, with thumbnails that stay in the run folder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from toolkit.contracts import ImageSpec
from toolkit.data.check import Data
from toolkit.data.thumbnails import thumbnail
from toolkit.predict.files import MEAN
from toolkit.recipe.scores import CLEAN

SHOWN = 24
_TOP = 3
_CONFIDENT = 0.9


def find_mistakes(oof: pd.DataFrame, data: Data, spec: ImageSpec) -> dict[str, Any]:
    """What `mistakes.json` holds: how many rows of the out-of-fold table are wrong, how many of
    them confidently (0.9 or more), and the surest ones with likeliest classes and a thumbnail.

    Args:
        oof: the joined out-of-fold table.
    """
    rows = oof[(oof["variant"] == CLEAN) & (oof["view"] == MEAN)].sort_values("id")
    classes = data.table.classes
    p = rows[[f"p_{c}" for c in range(len(classes))]].to_numpy(dtype=np.float32)
    known = data.table.train.assign(packed=data.train_rows).set_index("id").loc[rows["id"]]
    truth, predicted = known["label"].to_numpy(), p.argmax(axis=1)
    wrong = np.flatnonzero(predicted != truth)
    sure = p[wrong, predicted[wrong]].astype(np.float64)
    surest = wrong[np.argsort(-sure, kind="stable")][:SHOWN]
    ids, folds, packed = rows["id"].tolist(), rows["fold"].tolist(), known["packed"].tolist()
    return {
        "rows": len(rows),
        "mistakes": len(wrong),
        "confident": int((sure >= _CONFIDENT).sum()),
        "shown": [
            {
                "id": ids[row],
                "fold": int(folds[row]),
                "truth": classes[truth[row]],
                "predicted": classes[predicted[row]],
                "probability": round(float(p[row, predicted[row]]), 4),
                "probability_of_truth": round(float(p[row, truth[row]]), 4),
                "top": [
                    [classes[c], round(float(p[row, c]), 4)]
                    for c in np.argsort(-p[row], kind="stable")[:_TOP]
                ],
                "thumbnail": thumbnail(data.pack.images[packed[row]], spec),
            }
            for row in surest.tolist()
        ],
    }
