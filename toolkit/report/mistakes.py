"""The most confident mistakes of a run, with thumbnails that stay in the run folder."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image as PIL

from toolkit.contracts import Image, ImageSpec
from toolkit.data.check import Data
from toolkit.predict.files import CLEAN, MEAN

SHOWN = 24
_SIDE = 208  # longest side of a thumbnail, pixels
_QUALITY = 80
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


def thumbnail(image: Image, spec: ImageSpec) -> str:
    """A working image as a small JPEG in a data URI, without the padding of a letterbox."""
    small = PIL.fromarray(_without_padding(image, spec.fill) if spec.fit == "letterbox" else image)
    small.thumbnail((_SIDE, _SIDE), PIL.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _without_padding(image: Image, fill: int) -> Image:
    """The part of a padded square that is not all padding; all of it where nothing else is."""
    drawn = (image != fill).any(axis=2)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not len(rows):
        return image
    return np.array(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
