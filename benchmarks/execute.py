"""Are two workers worth two cores, wherever they are? Of a study, and of a run's folds.

    python benchmarks/execute.py
    python benchmarks/execute.py --on processes

Against one worker of one thread on the same executor; the clock covers the whole command, the start
of Ray included. The trials are the same in both: nothing is pruned, and a trial's values come from
its number. The folds are the same bytes. Needs two idle cores, and toolkit-ray for `ray`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPE = "toolkit:quickstart"
OVERRIDES = ("data.scale=0.15", "image.size=64", "train.epochs=4", "execute.cpus=1")
STUDY = ("tune.prune=none", "tune.sampler=random", "tune.rescore=0")
RUN = ("split.folds=4", "train.epochs=12")
TRIALS = 8
ASKED = 1.6


def seconds(command: str, on: str, workers: int, runs: Path, *options: str) -> float:
    """Of a whole command."""
    words = [sys.executable, "-m", "toolkit", command, RECIPE, "--runs", str(runs), "--on", on]
    words += ["--workers", str(workers), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = time.perf_counter()
    subprocess.run(words, check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def laid(*overrides: str) -> list[str]:
    return [word for override in (*OVERRIDES, *overrides) for word in ("--set", override)]


def study(on: str, workers: int, runs: Path, trials: int) -> float:
    """Seconds of a study, and a check that its trials are numbered once each."""
    spent = seconds("tune", on, workers, runs, "--trials", str(trials), *laid(*STUDY))
    (report,) = runs.glob("tune-*/tune.json")
    rows = json.loads(report.read_text(encoding="utf-8"))["trials"]
    assert [row["trial"] for row in rows] == list(range(trials))
    assert {row["threads"] for row in rows} == {1}
    return spent


def run(on: str, workers: int, runs: Path, epochs: int) -> tuple[float, bytes]:
    """Seconds of a run, and its predictions."""
    spent = seconds("run", on, workers, runs, *laid(*RUN, f"train.epochs={epochs}"))
    (file,) = runs.glob("*/oof.parquet")
    return spent, file.read_bytes()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--on", default="ray", help="the executor")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--epochs", type=int, default=12, help="of a fold of the run")
    asked = parser.parse_args()
    studies, runs, bytes_ = {}, {}, {}
    with tempfile.TemporaryDirectory(prefix="toolkit-execute-") as scratch:
        study("local", 1, Path(scratch) / "warm", 1)  # draws the data and fills the cache
        for workers in (1, 2):
            studies[workers] = study(asked.on, workers, Path(scratch) / f"s{workers}", asked.trials)
            print(f"tune, {workers} of one thread: {studies[workers]:.0f} s", flush=True)
        for workers in (1, 2):
            place = Path(scratch) / f"r{workers}"
            runs[workers], bytes_[workers] = run(asked.on, workers, place, asked.epochs)
            print(f"run, {workers} of one thread: {runs[workers]:.0f} s", flush=True)
    assert bytes_[1] == bytes_[2]
    speed_up = studies[1] / studies[2]
    print(f"tune: {speed_up:.2f} times as fast; at least {ASKED} was asked")
    print(f"run: {runs[1] / runs[2]:.2f} times as fast, the same bytes")
    return 0 if speed_up >= ASKED else 1


if __name__ == "__main__":
    sys.exit(main())
