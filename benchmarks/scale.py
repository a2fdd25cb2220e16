"""A table of a million rows and a thousand classes: time and memory grow with the table, no more.

Each size has a process of its own. Tables, digests, packs and probabilities are made up; what is
measured is the product's: the checks of rows, the pack's index, the folds, what a fold is given,
the joined predictions, the scores with their intervals. No image is decoded and nothing trains.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from toolkit.contracts import Table
from toolkit.data.assignment import assign_folds, fold_warnings, split_rows, units
from toolkit.data.pack import IMAGES, INDEX, find_pack
from toolkit.data.table import fingerprint, table_problems
from toolkit.ensemble.join import join_oof
from toolkit.predict.files import (
    PredictionsMeta,
    as_predictions,
    prediction_rows,
    write_predictions,
)
from toolkit.score.counts import confusion, per_class
from toolkit.score.intervals import intervals
from toolkit.score.metrics import ALWAYS, scores

ROWS = (1_000, 100_000, 1_000_000)
CLASSES, FOLDS, SIDE = 1000, 5, 2
JOINED_CLASSES = 10  # a predictions file of 1,000 classes is 4 KB a row, whoever writes it
LIMIT = 1.5
"""Times as long a row at the most, and times as much memory, from the second size to the last."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--grouped", action="store_true", help="groups of three rows")
    parser.add_argument("--check", action="store_true", help="exit with 1 where it is not flat")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.child, grouped=options.grouped)))
        return 0
    found = {}
    for rows in sorted(options.rows):
        own = ["--child", str(rows)] + ["--grouped"] * options.grouped
        command = [sys.executable, __file__, *own]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found[rows] = json.loads(done.stdout)
    return show(found, check=options.check)


def show(found: dict[int, dict[str, Any]], *, check: bool) -> int:
    print(f"{os.cpu_count()} cores, {CLASSES} classes; seconds (microseconds a row)")
    print(f"{'':<28}" + "".join(f"{rows:>20,}" for rows in found))
    for stage in next(iter(found.values()))["seconds"]:
        cells = [(rows, result["seconds"][stage]) for rows, result in found.items()]
        print(f"{stage:<28}" + "".join(f"{s:>11.2f} ({1e6 * s / n:>5.1f})" for n, s in cells))
    for name, words in (("table", "the table, MB"), ("peak", "peak beside it, MB")):
        print(f"{words:<28}" + "".join(f"{r[name]:>20.0f}" for r in found.values()))
    good = flat(found)
    print("flat but for the table" if good else f"not flat: more than {LIMIT} times as much a row")
    return 0 if good or not check else 1


def flat(found: dict[int, dict[str, Any]]) -> bool:
    """Whether seconds and memory a row stay as they are from the second size to the last. At the
    first, imports and constant parts are most of it."""
    *_, small, large = found
    growth = LIMIT * large / small
    seconds = [sum(found[rows]["seconds"].values()) for rows in (small, large)]
    return bool(
        seconds[1] <= growth * seconds[0] and found[large]["peak"] <= growth * found[small]["peak"]
    )


def measure(rows: int, *, grouped: bool) -> dict[str, Any]:
    """Seconds of each stage; megabytes of the table, and of all else at the peak."""
    table, hashes = made_up(rows, grouped=grouped)
    gc.collect()
    held = resident()
    seconds: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = work()
        seconds[stage] = time.perf_counter() - started
        return result

    with tempfile.TemporaryDirectory(prefix="toolkit-bench-") as folder:
        place = Path(folder)
        made_up_pack(place / "pack", hashes)
        paths = table.train["path"]
        problems = timed("checks of rows", lambda: table_problems(table, 2))
        assert not problems, problems[:3]
        timed("fingerprint", lambda: fingerprint(table, hashes))
        pack = timed("open the pack", lambda: find_pack(place / "pack", SIDE))
        timed("find the rows in it", lambda: pack.rows(str(hashes[path]) for path in paths))
        folds = timed("folds", lambda: assign_folds(table, FOLDS, 0))
        timed("warnings of folds", lambda: fold_warnings(table, folds))
        timed("rows of every fold", lambda: [split_rows(table, folds, f) for f in range(FOLDS)])
        timed("write and join predictions", lambda: joined(table, folds, place))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    scored(table, timed)
    return {"seconds": seconds, "table": held, "peak": peak - held}


def scored(table: Table, timed: Callable[[str, Callable[[], Any]], Any]) -> None:
    """Scores of all classes. The probabilities themselves are 4 GB at a million rows: they are
    made behind the measured peak."""
    rng = np.random.default_rng(1)
    truth, unit = table.train["label"].to_numpy(), units(table.train)
    probabilities = np.empty((len(truth), CLASSES), dtype=np.float32)
    for start in range(0, len(truth), 10_000):
        part = probabilities[start : start + 10_000]
        rng.random(out=part, dtype=np.float32)
        part[np.arange(len(part)), truth[start : start + 10_000]] += rng.random(len(part)) < 0.7
        part /= part.sum(axis=1, keepdims=True)
    timed("scores", lambda: scores(truth, probabilities, ALWAYS))
    timed("intervals", lambda: intervals(truth, probabilities, unit, 0, ALWAYS))
    matrix = confusion(truth, probabilities.argmax(axis=1), CLASSES)
    timed("figures of classes", lambda: per_class(matrix, table.classes))


def joined(table: Table, folds: pd.DataFrame, place: Path) -> None:
    classes = tuple(str(c) for c in range(JOINED_CLASSES))
    meta, files = PredictionsMeta(classes, "clean_f1", "f", "p"), []
    for fold in range(FOLDS):
        _, validation = split_rows(table, folds, fold)
        ids = table.train["id"].iloc[validation].tolist()
        even = np.full((len(ids), JOINED_CLASSES), 1 / JOINED_CLASSES, dtype=np.float32)
        files.append(place / "folds" / str(fold) / "oof.parquet")
        files[-1].parent.mkdir(parents=True)
        write_predictions(
            files[-1], prediction_rows(ids, ids, fold, {"identity": even}, even), meta
        )
    rows = join_oof(files, table, meta)
    write_predictions(place / "oof.parquet", rows, meta)
    as_predictions(rows, classes)


def made_up(rows: int, *, grouped: bool) -> tuple[Table, dict[str, str | None]]:
    rng = np.random.default_rng(0)
    ids = [f"{n:07d}.jpg" for n in range(rows)]
    classes = tuple(f"class {c}" for c in range(min(CLASSES, rows // 5)))
    # Every class has its rows, so that none is refused.
    labels = np.concatenate(
        [np.arange(len(classes)).repeat(5), rng.integers(0, len(classes), rows)]
    )
    groups = [f"g{n // 3}" for n in range(rows)] if grouped else ids
    train = pd.DataFrame({"id": ids, "path": [f"data/train/{i}" for i in ids]}).assign(
        label=labels[:rows], parent=ids, group=groups
    )
    hashes: dict[str, str | None] = {
        path: hashlib.blake2b(path.encode(), digest_size=16).hexdigest() for path in train["path"]
    }
    return Table(train, None, classes), hashes


def made_up_pack(home: Path, hashes: dict[str, str | None]) -> None:
    home.mkdir()
    names = sorted(str(content) for content in hashes.values())
    (home / INDEX).write_text(json.dumps({name: row for row, name in enumerate(names)}))
    (home / IMAGES).write_bytes(bytes(len(names) * SIDE * SIDE * 3))


def resident() -> float:
    """Megabytes that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main())
