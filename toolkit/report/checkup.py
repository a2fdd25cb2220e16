"""`check.html`: what the doctor found, with pictures. No script, and nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.check.doctor import Checkup
from toolkit.check.measure import MEASURES, shown
from toolkit.check.near import Alike
from toolkit.check.patch import patch_text
from toolkit.check.shift import Shift
from toolkit.contracts import ImageSpec
from toolkit.data.images import decode
from toolkit.data.thumbnails import thumbnail
from toolkit.errors import DataError
from toolkit.recipe.plan import Plan
from toolkit.report.charts import Mark, bars, interval_chart
from toolkit.report.template import rendered
from toolkit.runs.atomic import write_text

_PAIRS = 12  # of near-duplicates that are shown, of each sort
_FEW = 12  # training and test images that are shown
_TALL = 40

_WEIGHTS = {"grave": "Grave", "note": "Worth a look", "good": "Good"}


def draw_checkup(found: Checkup, plan: Plan, file: Path) -> None:
    """Write the page. Images that cannot be read are left out of it."""
    write_text(file, checkup_text(found, plan))


def checkup_text(found: Checkup, plan: Plan) -> str:
    """The page as text; the same data give the same bytes."""
    table, spec = found.table, ImageSpec(256, fit="stretch", max_pixels=plan.image.max_pixels)
    near = {
        "leak": ("Near-duplicates of training images in the test set", found.near.test),
        "labels": ("Near-duplicates with different labels", found.near.conflicts),
        "apart": ("Near-duplicates that no lineage joins", found.near.apart),
    }
    facts = {
        "name": plan.name,
        "recipe": Path(plan.path).name,
        "train": len(table.train),
        "test": None if table.test is None else len(table.test),
        "grave": found.grave,
        "findings": [
            (title, [f for f in found.findings if f.weight == weight])
            for weight, title in _WEIGHTS.items()
        ],
        "pairs": [
            (key, title, len(pairs), list(_pictured(pairs, spec)))
            for key, (title, pairs) in near.items()
            if pairs
        ],
        "shift": found.shift,
        "auc": None if found.shift is None else _auc(found.shift),
        "told": [] if found.shift is None else _told(found.shift),
        "looks": list(_looks(found, spec)),
        "classes": _classes(found),
        "links": [(link, link.sentence(table.classes)) for link in found.links],
        "sizes": found.sizes,
        "image": plan.image,
        "patch": patch_text(found.patch),
        "tall": _TALL,
    }
    return rendered("toolkit.report", facts, template="checkup.html.jinja")


def _picture(path: str, spec: ImageSpec) -> str | None:
    try:
        return thumbnail(decode(path, spec), spec)
    except DataError:  # it is among the findings
        return None


def _pictured(pairs: Sequence[Alike], spec: ImageSpec) -> Iterator[dict[str, Any]]:
    for pair in pairs[:_PAIRS]:
        pictures = [_picture(path, spec) for path in (pair.one_path, pair.other_path)]
        yield {"pair": pair, "pictures": pictures}


def _looks(found: Checkup, spec: ImageSpec) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A few training and test images, spread over all."""
    for title, rows in (("Training", found.table.train), ("Test", found.table.test)):
        if rows is None or not len(rows):
            continue
        places = np.unique(np.linspace(0, len(rows) - 1, min(_FEW, len(rows))).round().astype(int))
        some = rows.iloc[places]
        drawn = [(i, _picture(p, spec)) for i, p in zip(some["id"], some["path"], strict=True)]
        yield title, [(i, picture) for i, picture in drawn if picture is not None]


def _auc(shift: Shift) -> Any:
    return interval_chart([Mark("AUC", shift.auc, shift.low, shift.high, "test")], 1.0)


def _told(shift: Shift) -> list[dict[str, Any]]:
    top = max(1e-9, *(told.strength for told in shift.told))
    return [
        {
            "title": MEASURES[told.name].title,
            "train": shown(told.name, told.train),
            "test": shown(told.name, told.test),
            "words": told.words if told in shift.suffers else "",
            "strength": told.strength,
            "chart": bars([("test" if told in shift.suffers else "train", told.strength)], top),
        }
        for told in shift.told
    ]


def _classes(found: Checkup) -> list[dict[str, Any]]:
    """Each class, the most frequent first."""
    rows = zip(found.classes.names, found.classes.images, found.classes.units, strict=True)
    top = max(found.classes.images, default=1)
    ordered = sorted(rows, key=lambda row: (-row[1], row[0]))
    return [
        {
            "name": name,
            "images": images,
            "units": units,
            "chart": bars([("train", images), ("oof", units)], top),
        }
        for name, images, units in ordered
    ]
