"""Offline copies: 100,000 images cost about 100 times what 1,000 do.

Packs of tiny images, written directly; the copies are drawn by the product, in as many processes
as a run would use. Their start is in every time, so the ratio of the largest two is the one that
tells.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from toolkit.contracts import Image, ImageSpec, ignore
from toolkit.data.offline import draw_copies
from toolkit.data.pack import IMAGES, INDEX, Pack, find_pack

COUNTS = (1_000, 10_000, 100_000)
SPEC = ImageSpec(size=8)
LIMIT = 1.2
"""Times as much as in proportion, at the most."""


def flipped(spec: ImageSpec) -> Callable[[Image, np.random.Generator], Image]:
    return lambda image, rng: np.ascontiguousarray(image[:, ::-1] if rng.random() < 0.5 else image)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--check", action="store_true", help="exit with 1 where it costs more")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, one copy of each image of {SPEC.working_size} px", flush=True)
    seconds(128)  # imports and the disk's first answers are nobody's
    print(f"{'images':>8} {'seconds':>8} {'ms an image':>12} {'against the row above':>22}")
    good, before = True, (0, 0.0)
    for count in sorted(options.counts):
        spent = seconds(count)
        ratio = (
            "" if not before[0] else f"{count / before[0]:g} x images, {spent / before[1]:.1f} x"
        )
        good &= not before[0] or spent / before[1] <= LIMIT * count / before[0]
        print(f"{count:>8} {spent:>8.2f} {1e3 * spent / count:>12.3f} {ratio:>22}", flush=True)
        before = count, spent
    print("holds" if good else f"does not hold: more than {LIMIT} times as much as in proportion")
    return 0 if good or not options.check else 1


def seconds(count: int) -> float:
    """What drawing a copy of each of so many images takes."""
    with tempfile.TemporaryDirectory(prefix="toolkit-bench-") as folder:
        source = fake_pack(Path(folder) / "source", count)
        rows = np.arange(count)
        started = time.perf_counter()
        draw_copies(source, rows, rows, flipped, {}, 1, SPEC, 0, Path(folder), ignore)
        return time.perf_counter() - started


def fake_pack(home: Path, count: int) -> Pack:
    """A pack of noise under content hashes, as if decoded."""
    home.mkdir()
    side = SPEC.working_size
    noise = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    noise.tofile(home / IMAGES)
    names = sorted(
        hashlib.blake2b(str(n).encode(), digest_size=16).hexdigest() for n in range(count)
    )
    (home / INDEX).write_text(json.dumps({name: row for row, name in enumerate(names)}))
    pack = find_pack(home, side)
    assert pack is not None
    return pack


if __name__ == "__main__":
    sys.exit(main())
