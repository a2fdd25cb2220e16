"""Offline copies: all cores draw them nearly as many times faster as there are, and once.

1,570 pages of noise and lines at the working size of a 224 px model, three copies each by
`document17`: in one process, in one a core, and again, when they are there. In turns; the median
of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from toolkit.builtin.augmentations import document17
from toolkit.contracts import ImageSpec, ignore
from toolkit.data.offline import draw_copies
from toolkit.data.pack import IMAGES, INDEX, Pack, find_pack

FASTER = 1.8
"""Times as fast on two cores as in one process, at least."""
AGAIN = 2.0
"""Seconds that it takes where the copies are there, at most."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1570)
    parser.add_argument("--copies", type=int, default=3)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true", help="exit with 1 where it does not hold")
    options = parser.parse_args()
    spec, cores = ImageSpec(options.size), os.cpu_count() or 1
    print(
        f"{cores} cores, {options.copies} copies of {options.images} images of "
        f"{spec.working_size} px, {options.rounds} rounds"
    )
    one, all_, again = [], [], []
    with tempfile.TemporaryDirectory(prefix="toolkit-bench-") as folder:
        source = pages(Path(folder) / "source", options.images, spec)
        draw = partial(seconds, source, options.copies, spec)
        for number in range(options.rounds):
            caches = [Path(folder) / f"{number}-{which}" for which in ("one", "all")]
            one.append(draw(caches[0], 1))
            all_.append(draw(caches[1], cores))
            again.append(draw(caches[1], cores))
            print(f"one process {one[-1]:.2f} s, {cores} {all_[-1]:.2f} s, again {again[-1]:.3f} s")
    ratio = statistics.median(one) / statistics.median(all_)
    last = statistics.median(again)
    good = last <= AGAIN and (cores < 2 or ratio >= FASTER)
    print(f"{ratio:.2f} times as fast as one process (at least {FASTER}), again in {last:.3f} s")
    print("holds" if good else "does not hold")
    return 0 if good or not options.check else 1


def seconds(source: Pack, copies: int, spec: ImageSpec, cache: Path, processes: int) -> float:
    """What drawing them into a cache takes."""
    rows = np.arange(source.shape[0])
    started = time.perf_counter()
    draw_copies(source, rows, rows, document17, {}, copies, spec, 0, cache, ignore, processes)
    return time.perf_counter() - started


def pages(home: Path, count: int, spec: ImageSpec) -> Pack:
    """A pack of pages of grey noise with dark lines."""
    home.mkdir()
    side = spec.working_size
    shape = (count, side, side, 3)
    images = np.memmap(home / IMAGES, np.uint8, "w+", shape=shape)
    for row in range(count):
        rng = np.random.default_rng(row)
        images[row] = rng.integers(200, 256, (side, side, 3), dtype=np.uint8)
        images[row, :: rng.integers(4, 12)] //= 4
    images.flush()
    (home / INDEX).write_text(json.dumps({f"{row:032x}": row for row in range(count)}))
    pack = find_pack(home, side)
    assert pack is not None
    return pack


if __name__ == "__main__":
    sys.exit(main())
