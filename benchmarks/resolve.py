"""How long a million rows need to find their files in a thousand folders, and with what memory.

    python benchmarks/resolve.py FOLDER            # draws a million empty files there first
    python benchmarks/resolve.py FOLDER            # again: the listing is read from the cache

Needs a file system with a million free inodes; memory is the process's largest.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from pathlib import Path

from toolkit.builtin.sources import csv

FOLDERS, EACH = 1000, 1000


def draw(root: Path) -> None:
    """`train.csv` with bare names, and `train/000/im_0000000.jpg` and so on, all empty."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "train.csv").open("w") as table:
        table.write("ID,target\n")
        for folder in range(FOLDERS):
            place = root / "train" / f"{folder:03d}"
            place.mkdir(parents=True, exist_ok=True)
            for k in range(EACH):
                name = f"im_{folder * EACH + k:07d}"
                os.close(os.open(place / f"{name}.jpg", os.O_CREAT | os.O_WRONLY))
                table.write(f"{name},c{k % 10}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    root = parser.parse_args().folder
    if not (root / "train.csv").is_file():
        draw(root)
    started = time.perf_counter()
    table = csv(root=str(root)).read()
    seconds = time.perf_counter() - started
    wrong = sum(
        os.path.basename(path) != f"{i}.jpg"
        for i, path in zip(table.train["id"], table.train["path"], strict=True)
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{len(table.train)} rows, {wrong} wrong: {seconds:.1f} s, {memory:.2f} GB")


if __name__ == "__main__":
    main()
