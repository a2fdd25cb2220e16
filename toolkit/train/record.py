"""What a run folder says before anything trains: what is run, on what, and the folds."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd

from toolkit.contracts import Event
from toolkit.data.assignment import assign_folds, fold_hash
from toolkit.data.duplicates import NEAR
from toolkit.data.kin import near_facts
from toolkit.errors import RunError
from toolkit.recipe.show import recipe_text
from toolkit.runs.atomic import csv_text, write_json, write_text
from toolkit.runs.folder import RunFolder
from toolkit.runs.manifest import differences, manifest
from toolkit.runs.opened import MANIFEST_KEYS
from toolkit.runs.reading import DamagedFile, read_csv, read_json
from toolkit.train.folds import Job

ANEW = "anew"
"""Key of the manifest: the run trains what others have trained already (`--again`)."""


def begun_anew(folder: RunFolder) -> bool:
    """Whether a run that was begun was asked to train everything itself."""
    if not folder.manifest.is_file():
        return False
    with suppress(DamagedFile):  # `record` says so
        return bool(read_json(folder.manifest).get(ANEW))
    return False


def record(job: Job, threads: int | None = None) -> None:
    """Write what is run and on what; say so where a resumed run meets another machine.

    Args:
        threads: those that a fold is trained with, where they are not this process's own.
    """
    folder = job.folder
    found = manifest(job.plan_hash, job.data.fingerprint, job.plan.components, threads)
    found |= {ANEW: True} if job.anew else {}
    found |= {"labels": job.data.table.labels} if job.data.table.labels else {}
    train = job.data.table.train
    found |= {NEAR: near_facts(train)} if NEAR in train else {}
    found |= {"twins": job.data.twins.digest} if job.data.twins is not None else {}
    if folder.manifest.is_file():
        try:
            changes = differences(read_json(folder.manifest, keys=MANIFEST_KEYS), found)
        except DamagedFile as damage:
            changes = [f"{damage}; it is written again, and the versions before are not known"]
            write_json(folder.manifest, found)
        for line in changes:
            job.notify(Event("message", f"resuming, numbers may differ: {line}"))
    else:
        write_json(folder.manifest, found)
    folder.log.touch()
    write_text(folder.recipe, recipe_text(job.plan))
    if job.data.set_aside:
        rows = pd.DataFrame(job.data.set_aside, columns=["id", "reason"])
        write_text(folder.set_aside, csv_text(rows))
    origins = {".".join(keys): str(origin) for keys, origin in job.plan.origins.items()}
    plan = {"hash": job.plan_hash, "recipe": job.plan.values, "origins": origins}
    # With the classes, the folder alone says what its models are (`model/saved.py`).
    write_json(folder.plan, {**plan, "classes": list(job.data.table.classes)})


def settle_folds(job: Job) -> pd.DataFrame:
    """Cut the folds, and hold them against those that the run began with.

    Predictions carry the folds' hash, so that damage here lets no other folds in.
    """
    table, file = job.data.table, job.folder.folds
    folds = assign_folds(table, job.plan.folds, job.plan.split.seed)
    if file.is_file():
        try:
            saved = read_csv(file, {"id": str, "fold": int})
        except DamagedFile as damage:
            job.notify(Event("message", f"{damage}; cut and written again"))
            saved = folds
        if list(saved["id"]) != list(folds["id"]):  # the plan's hash covers the IDs
            job.notify(Event("message", f"{file}: is damaged, rows are missing; written again"))
        elif fold_hash(saved) != fold_hash(folds):
            raise RunError(
                f"{file}: the run began with other folds than these versions cut; go back to the "
                f"versions of {job.folder.manifest}, or remove {job.folder.path}"
            )
    labels = table.train.set_index("id")["label"].loc[folds["id"]].to_numpy()
    near = table.train.set_index("id")[[c for c in (NEAR,) if c in table.train]]
    rows = folds.assign(label=labels).join(near, on="id")
    write_text(file, csv_text(rows))
    return folds
