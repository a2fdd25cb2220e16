"""The label audit of a run: its suspicious training labels as a table, and as a page to judge them.

The page writes nothing but `labels.patch.csv`, which a recipe's `[labels]` applies; no data is
edited. It carries one script, whose hash its Content-Security-Policy names, and loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from toolkit.check.suspicion import Method, Ranking, ranked
from toolkit.contracts import ImageSpec, Notify, ignore
from toolkit.data.images import decode
from toolkit.data.rare import table_for
from toolkit.data.thumbnails import small_picture
from toolkit.errors import DataError, UserError
from toolkit.files import bounded
from toolkit.model.preprocess import read_preprocess
from toolkit.plugin.host import Host
from toolkit.predict.files import as_predictions
from toolkit.recipe.load import load_recipe
from toolkit.recipe.planner import make_plan
from toolkit.report.template import rendered
from toolkit.runs.atomic import csv_text, write_text
from toolkit.runs.opened import Run
from toolkit.runs.reading import DamagedFile

SHARE = 0.05
"""Of the labels, what is shown where nobody says how many."""
_FEWEST, _MOST = 24, 500


@dataclass(frozen=True)
class Audit:
    """What was found, and where it was written."""

    ranking: Ranking
    shown: int
    """Labels on the page."""
    page: Path
    table: Path
    lacking: str = ""
    """Why pictures are missing; empty where none is."""


def audit_run(
    run: Run,
    host: Host,
    *,
    top: int | None = None,
    method: Method = "auto",
    author: str = "",
    notify: Notify = ignore,
) -> Audit:
    """Rank a run's training labels, and write `audit.csv` and `audit.html` in its folder.

    Args:
        top: labels on the page; by default 5%, and between 24 and 500.
        author: stands in the patch that the page writes.
        notify: told of what the data's source says.

    Raises `RunError` where the run has no out-of-fold predictions yet.
    """
    oof = as_predictions(run.oof, run.classes)
    truth = dict(zip(run.oof["id"], run.truth, strict=True))
    labels = np.array([truth[i] for i in oof.ids], dtype=np.int64)
    ranking = ranked(oof.ids, labels, oof.probabilities, run.classes, method)
    shown = min(len(labels), top or min(_MOST, max(_FEWEST, round(SHARE * len(labels)))))
    rows = ranking.rows.head(shown).to_dict("records")
    pictures, lacking = _pictures(run, host, [str(row["id"]) for row in rows], notify)
    folder = run.folder
    write_text(folder.audit_table, csv_text(ranking.rows))
    write_text(folder.audit_page, _page(run, ranking, rows, pictures, lacking, author))
    return Audit(ranking, shown, folder.audit_page, folder.audit_table, lacking)


def _pictures(
    run: Run, host: Host, ids: Sequence[str], notify: Notify
) -> tuple[dict[str, str], str]:
    """ID to a small picture in a data URI, and why some are missing, in words."""
    try:
        plan = make_plan(load_recipe(run.folder.recipe, host=host), host)
        table = table_for(plan, notify)
    except UserError as error:
        return {}, f"the images cannot be had: {error.lines[0]}"
    paths = dict(zip(table.train["id"], table.train["path"], strict=True))
    spec, found, lacking = _spec(run, plan.image), dict[str, str](), list[str]()
    for i in ids:
        try:
            path = str(paths[i])
            found[i] = bounded(partial(_picture, path, spec), path)
        except KeyError:
            lacking.append(f"{i} is no training row of the data any more")
        except DataError as error:
            lacking.append(error.lines[0])
    more = f", and {len(lacking) - 1} more" if len(lacking) > 1 else ""
    return found, f"{lacking[0]}{more}" if lacking else ""


def _picture(path: str, spec: ImageSpec) -> str:
    return small_picture(decode(path, spec))


def _spec(run: Run, asked: ImageSpec) -> ImageSpec:
    """As the run decoded its images, whose depth may have been found in them."""
    with suppress(DamagedFile):
        return read_preprocess(run.folder.fold(0).preprocess).image
    return asked


def _page(
    run: Run,
    ranking: Ranking,
    rows: Sequence[Mapping[Any, Any]],
    pictures: Mapping[str, str],
    lacking: str,
    author: str,
) -> str:
    script = files("toolkit.report").joinpath("audit.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    facts = {
        "script": Markup(script),
        "hash": digest,
        # What was decided is kept by the browser, for these very rows of this run.
        "key": hashlib.sha256(repr([run.plan["hash"], run.path.name]).encode()).hexdigest()[:16],
        "name": run.plan["recipe"]["name"],
        "folder": run.path.name,
        "method": ranking.method,
        "rows": [{**row, "picture": pictures.get(row["id"], "")} for row in rows],
        "of": len(ranking.rows),
        "flagged": int(ranking.rows["flagged"].sum()),
        "classes": run.classes,
        "lacking": lacking,
        "author": author,
    }
    return rendered("toolkit.report", facts, template="audit.html.jinja")
