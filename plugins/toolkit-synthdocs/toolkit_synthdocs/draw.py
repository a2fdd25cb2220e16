"""Draws what a drawing lacks, on all cores.

The workers are processes of their own, `python -m toolkit_synthdocs.draw`, each with every n-th
row. Unlike a pool's, they need no `__main__` guard in the program that asks for a drawing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout
from PIL import Image
from toolkit.contracts import Event, Notify
from toolkit.errors import DataError, ToolkitError

from toolkit_synthdocs.files import Drawing, write_tables, writing
from toolkit_synthdocs.painters import SPLITS, image
from toolkit_synthdocs.rows import Row

QUALITY = 90  # of the JPEG files


def draw(drawing: Drawing, notify: Notify, workers: int | None = None) -> None:
    """Finish the drawing, or find it finished. One that was cut off goes on where it stopped.

    Raises:
        DataError: the folder cannot be written.
        ToolkitError: a worker failed.
    """
    if drawing.finished:
        return
    try:
        for split in SPLITS:
            (drawing.folder / split).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{drawing.folder}: cannot draw there: {error}",
            "  point elsewhere: --set data.root=FOLDER",
        ) from error
    with alone(drawing, notify):
        if not drawing.finished:  # the process that we waited for may have finished it
            draw_missing(drawing, notify, workers or cores())
            sweep(drawing)
            write_tables(drawing)


@contextmanager
def alone(drawing: Drawing, notify: Notify) -> Iterator[None]:
    """Hold the drawing's lock. A process that dies lets go of it."""
    lock = FileLock(drawing.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        notify(Event("message", f"{drawing.folder}: waiting for the process that draws it"))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def draw_missing(drawing: Drawing, notify: Notify, workers: int) -> None:
    """Start the workers, count the lines that they print, and wait for them."""
    total, missing = len(drawing.rows()), len(drawing.missing())
    done = total - missing
    notify(Event("prepare", "drawing documents", done, total))
    started: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []
    reading, printing = os.pipe()
    try:
        with os.fdopen(reading, "rb") as lines:
            with os.fdopen(printing, "wb") as told:
                for worker in range(min(workers, missing)):
                    faults: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115, closed below
                    command = worker_command(drawing, worker, min(workers, missing))
                    process = subprocess.Popen(command, stdout=told, stderr=faults)
                    started.append((process, faults))
            for _ in lines:  # ends when the last worker does
                done += 1
                notify(Event("prepare", "drawing documents", done, total))
        for process, faults in started:
            if process.wait() != 0:
                faults.seek(0)
                last = faults.read().decode(errors="replace").strip()
                raise ToolkitError(f"a worker that drew {drawing.folder} failed: {last}")
    finally:
        for process, faults in started:
            process.kill()
            process.wait()
            faults.close()


def sweep(drawing: Drawing) -> None:
    """Remove what killed workers left half made."""
    for half_made in drawing.folder.rglob(".*.tmp"):
        half_made.unlink(missing_ok=True)


def worker_command(drawing: Drawing, worker: int, workers: int) -> list[str]:
    # -P keeps the working directory off sys.path: a stray random.py there is not ours.
    this = [sys.executable, "-P", "-m", "toolkit_synthdocs.draw", str(drawing.root.resolve())]
    return [*this, repr(drawing.scale), str(drawing.seed), str(worker), str(workers)]


def draw_row(drawing: Drawing, row: Row) -> None:
    with writing(drawing.image(row)) as file:
        picture = Image.fromarray(image(drawing.seed, row.split, row.label, row.index))
        picture.save(file, "JPEG", quality=QUALITY)


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main() -> None:
    """One worker: draws every `workers`-th missing row, and prints a line an image."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("scale", type=float)
    parser.add_argument("seed", type=int)
    parser.add_argument("worker", type=int)
    parser.add_argument("workers", type=int)
    asked = parser.parse_args()
    drawing = Drawing(asked.root, asked.scale, asked.seed)
    # Every row is in one worker's slice, whatever the others have drawn meanwhile.
    for row in drawing.rows()[asked.worker :: asked.workers]:
        if not drawing.image(row).is_file():
            draw_row(drawing, row)
            sys.stdout.write("\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
