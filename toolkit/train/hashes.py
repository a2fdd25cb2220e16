"""What a fold's training and its predictions depend on, as hashes."""

from __future__ import annotations

import hashlib
import json

from toolkit.contracts import ImageSpec
from toolkit.data.twins import Twins
from toolkit.recipe.plan import Plan
from toolkit.train.job import FoldJob, Rows


def training_hash(
    plan: Plan,
    classes: tuple[str, ...],
    image: ImageSpec,
    fold: int,
    train: Rows,
    validation: Rows,
    steps: int | None,
    twins: Twins | None = None,
) -> str:
    """32 hex digits over everything that changes how a fold is trained.

    The validation rows are a part of it: the monitor reads them, and it chooses the epoch. Their
    twins are where it reads those.

    Args:
        image: the spec by which the images were decoded.
        train: the table's rows; copies that are drawn of them follow from the recipe.
    """
    rows = [
        (part.ids, part.parents, part.labels.tolist(), part.groups, part.contents)
        for part in (train, validation)
    ]
    facts = [plan.training_facts(), classes, repr(image), fold, rows, steps]
    if twins is not None and plan.trains_by_twins:
        facts.append(twins.drawn)
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def predictions_hash(job: FoldJob) -> str:
    """32 hex digits over what a fold predicts: what it trained, the views, the test images."""
    test = None if job.test is None else (job.test.ids, job.test.contents)
    facts = [job.training, list(job.plan.tta.views), test]
    if job.twins is not None:
        facts.append(job.twins.drawn)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def done_facts(job: FoldJob) -> dict[str, str]:
    """What `done` says for those who look for a trained fold."""
    twins = {} if job.twins is None else {"twins": job.twins.drawn}
    return {"training": job.training, "predictions": predictions_hash(job), **twins}
