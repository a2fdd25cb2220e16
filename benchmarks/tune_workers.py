"""Do two workers halve the time of a study? One thread each, against one worker with one thread.

    python benchmarks/tune_workers.py

The trials are the same in both: nothing is pruned, and a trial's values come from its number. The
clock covers the whole command, the start of the processes included. Needs two idle cores.
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
OVERRIDES = ("data.scale=0.15", "image.size=64", "train.epochs=4")
STUDY = ("tune.prune=none", "tune.sampler=random", "tune.rescore=0")
TRIALS = 8
ASKED = 1.6


def seconds(workers: int, runs: Path, trials: int) -> float:
    """Seconds of a study, and a check that its trials are numbered once each."""
    command = [sys.executable, "-m", "toolkit", "tune", RECIPE, "--runs", str(runs)]
    command += ["--trials", str(trials), "--workers", str(workers)]
    for override in (*OVERRIDES, *STUDY):
        command += ["--set", override]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    spent = time.perf_counter() - started
    (report,) = runs.glob("tune-*/tune.json")
    rows = json.loads(report.read_text(encoding="utf-8"))["trials"]
    assert [row["trial"] for row in rows] == list(range(trials))
    assert {row["threads"] for row in rows} == {1}
    return spent


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=TRIALS)
    trials = parser.parse_args().trials
    found = {}
    with tempfile.TemporaryDirectory(prefix="toolkit-workers-") as scratch:
        seconds(1, Path(scratch) / "warm", 1)  # draws the data and fills the cache
        for workers in (1, 2):
            found[workers] = seconds(workers, Path(scratch) / str(workers), trials)
            print(f"{workers} of one thread: {found[workers]:.0f} s", flush=True)
    speed_up = found[1] / found[2]
    print(f"{speed_up:.2f} times as fast; at least {ASKED} was asked")
    return 0 if speed_up >= ASKED else 1


if __name__ == "__main__":
    sys.exit(main())
